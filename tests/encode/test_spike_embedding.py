"""Spike embedding: which words take which step, and that no spike is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import encoder_from
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError

ENTRIES = ("a", "b", "c", "a b", "b c", "é")


def lines(step):
    return np.flatnonzero(step).tolist()


def encoder_with(codes, race=2, entries=ENTRIES):
    return SpikeEmbeddingEncoder(entries, np.packbits(np.array(codes), axis=1), len(codes[0]), race)


HAND = encoder_with([[1, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]])


def test_a_text_by_hand():
    spikes = HAND.spikes(HAND.inputs(["A unknown c, c a B! é", ""], 9), 9)
    # a, c, b, "a b", é in turn; "c a" stands in no table, the second c and a are not new.
    assert [lines(step) for step in spikes[0]] == [[0], [0, 2], [1], [0, 1], [], [], [], [3], [4]]
    assert [lines(step) for step in spikes[1]] == [[]] * 7 + [[3], [4]]
    assert HAND.presented("A unknown c, c a B! é", 9) == [(0, "a"), (1, "c"), (2, "b"), (3, "a b"), (4, "é")]


def test_words_that_share_a_step_and_a_line_spike_one_after_the_other():
    spikes = HAND.spikes(HAND.inputs(["a b c"], 4), 4)[0]  # five entries in two steps: 0 0 0 1 1
    assert HAND.presented("a b c", 4) == [(0, "a"), (0, "b"), (0, "a b"), (1, "c"), (1, "b c")]
    assert [step for step, _ in HAND.presented("a b c", 6)] == [0, 0, 1, 2, 3]
    # Line 0 is asked for by a, "a b" and c, three times in two steps: one spike finds no place.
    assert [lines(step) for step in spikes] == [[0, 1, 2], [0, 1, 2], [3], [4]]


@st.composite
def encoders(draw):
    channels = draw(st.integers(1, 20))
    codes = draw(st.lists(st.lists(st.integers(0, 1), min_size=channels, max_size=channels), min_size=6, max_size=6))
    return encoder_with(codes, draw(st.integers(0, 4)))


texts = st.lists(st.sampled_from([*"abcé", "x", "A", "b-c"]), max_size=30).map(" ".join)


@given(encoders(), st.lists(texts, min_size=1, max_size=5), st.integers(1, 12))
def test_every_line_spikes_as_often_as_its_codes_ask(encoder, some, steps):
    window = steps + encoder.race
    spikes = encoder.spikes(encoder.inputs(some, window), window)
    asked = encoder.line_counts(some)
    assert (spikes[:, :steps, : encoder.lines].sum(axis=1) == np.minimum(asked, steps)).all()
    race = spikes[:, :, encoder.lines :]
    assert not race[:, :steps].any()
    assert (race[:, steps:] == np.eye(encoder.race, dtype=np.uint8)).all()
    assert not spikes[:, steps:, : encoder.lines].any()


@given(encoders(), texts, st.integers(1, 12))
def test_a_line_spikes_as_soon_as_it_can(encoder, text, steps):
    """By the definition, spike by spike: each takes the first free step from the one it asks for."""
    window = steps + encoder.race
    found = encoder.spikes(encoder.inputs([text], window), window)[0]
    index = {entry: row for row, entry in enumerate(encoder.entries)}
    codes = np.unpackbits(encoder.codes, axis=1, count=encoder.lines)
    for line in range(encoder.lines):
        wishes = [step for step, entry in encoder.presented(text, window) if codes[index[entry], line]]
        taken = []
        for place, step in enumerate(wishes):
            slot = max(step, taken[-1] + 1 if taken else 0)
            # The last spikes move forward where they would come after the last step.
            taken.append(max(min(slot, steps - len(wishes) + place), place))
        assert np.flatnonzero(found[:, line]).tolist() == [step for step in taken if step < steps]


@given(encoders(), st.lists(texts, min_size=2, max_size=6))
def test_a_text_has_the_same_spikes_in_any_company(encoder, some):
    together = encoder.inputs(some, 9)
    for text, packed in zip(some, together, strict=True):
        np.testing.assert_array_equal(encoder.inputs([text], 9)[0], packed)


def test_a_text_of_a_million_words_is_read():
    spikes = HAND.spikes(HAND.inputs(["a b c x " * 250_000, "b"], 16), 16)
    assert HAND.presented("a b c x " * 250_000, 16) == [(0, "a"), (1, "b"), (2, "a b"), (3, "c"), (4, "b c")]
    assert spikes[0, :14].sum() == HAND.line_counts(["a b c"]).sum()


def test_it_survives_being_stored():
    again = encoder_from(HAND.to_dict(), HAND.arrays())
    assert (again.entries, again.lines, again.race) == (ENTRIES, 3, 2)
    np.testing.assert_array_equal(again.codes, HAND.codes)


@pytest.mark.parametrize(
    ("entries", "codes", "lines", "race", "message"),
    [
        (b"a\nb\n", np.zeros((3, 1), np.uint8), 3, 0, r"uint8 of \(2, 1\) is needed"),
        (b"a\nb\n", np.zeros((2, 1), np.int8), 3, 0, "codes are int8"),
        (b"a\nb\n", np.zeros((2, 1), np.uint8), 9, 0, r"uint8 of \(2, 2\) is needed"),
        (b"a\nb\n", np.full((2, 1), 0b00010000, np.uint8), 3, 0, "bits beyond its 3 lines"),
        (b"a\na\n", np.zeros((2, 1), np.uint8), 3, 0, "a word stands there twice"),
        (b"", np.zeros((0, 1), np.uint8), 3, 0, r"shape \(0, 1\)"),
        (b"a\n\xff\n", np.zeros((2, 1), np.uint8), 3, 0, "malformed"),
        (b"a\n", np.zeros((1, 1), np.uint8), 0, 0, "0 lines; 1 to 1024"),
        (b"a\n", np.zeros((1, 1), np.uint8), 1.5, 0, "1.5 lines"),
        (b"a\n", np.zeros((1, 1), np.uint8), 3, -1, "-1 race steps"),
        (b"a\n", np.zeros((1, 1), np.uint8), 3, 1 << 40, "race steps"),
    ],
)
def test_damaged_tables_are_refused(entries, codes, lines, race, message):
    arrays = {"entries": np.frombuffer(entries, dtype=np.uint8), "codes": codes}
    with pytest.raises(InputError, match=message):
        encoder_from({"kind": "spike-embedding", "lines": lines, "race": race}, arrays)


def test_a_window_that_the_race_fills_is_refused():
    with pytest.raises(InputError, match="window 2: the race alone takes 2 steps"):
        HAND.inputs(["a"], 2)
