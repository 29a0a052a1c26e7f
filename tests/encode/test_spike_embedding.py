"""Spike embedding: which words take which step, and that no spike is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import load_encoder
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError

ENTRIES = ("a", "b", "c", "a b", "b c", "é")


def lines(step):
    return np.flatnonzero(step).tolist()


def encoder_with(codes, ramp=2, entries=ENTRIES):
    return SpikeEmbeddingEncoder(entries, np.packbits(np.array(codes), axis=1), len(codes[0]), ramp)


HAND = encoder_with([[1, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]])


def test_a_text_by_hand():
    spikes = HAND.encode(HAND.quantise(["A unknown c, c a B! é", ""], 9), 9)
    # a, c, b, "a b", é in turn; "c a" stands in no table, the second c and a are not new.
    assert [lines(step) for step in spikes[0]] == [[0], [0, 2], [1], [0, 1], [], [], [], [3], [4]]
    assert [lines(step) for step in spikes[1]] == [[]] * 7 + [[3], [4]]
    assert HAND.token_steps("A unknown c, c a B! é", 9) == [(0, "a"), (1, "c"), (2, "b"), (3, "a b"), (4, "é")]


def test_words_that_share_a_step_and_a_line_spike_one_after_the_other():
    spikes = HAND.encode(HAND.quantise(["a b c"], 4), 4)[0]  # five entries in two steps: 0 0 0 1 1
    assert HAND.token_steps("a b c", 4) == [(0, "a"), (0, "b"), (0, "a b"), (1, "c"), (1, "b c")]
    assert [step for step, _ in HAND.token_steps("a b c", 6)] == [0, 0, 1, 2, 3]
    # Line 0 is asked for by a, "a b" and c, three times in two steps: one spike finds no place.
    assert [lines(step) for step in spikes] == [[0, 1, 2], [0, 1, 2], [3], [4]]


@st.composite
def encoders(draw):
    channels = draw(st.integers(1, 20))
    codes = draw(st.lists(st.lists(st.integers(0, 1), min_size=channels, max_size=channels), min_size=6, max_size=6))
    return encoder_with(codes, draw(st.integers(0, 4)))


def asked_of(encoder, text):
    """How often the codes of a text's entries ask each line to spike: (code_lines,)."""
    index = {entry: row for row, entry in enumerate(encoder.entries)}
    rows = [index[entry] for _, entry in encoder.token_steps(text, encoder.ramp + 1)]
    return np.unpackbits(encoder.codes[rows], axis=1, count=encoder.code_lines).sum(axis=0, dtype=int)


texts = st.lists(st.sampled_from([*"abcé", "x", "A", "b-c"]), max_size=30).map(" ".join)


@given(encoders(), st.lists(texts, min_size=1, max_size=5), st.integers(1, 12))
def test_every_line_spikes_as_often_as_its_codes_ask(encoder, some, steps):
    window = steps + encoder.ramp
    spikes = encoder.encode(encoder.quantise(some, window), window)
    asked = np.array([asked_of(encoder, text) for text in some])
    assert (spikes[:, :steps, : encoder.code_lines].sum(axis=1) == np.minimum(asked, steps)).all()
    ramp = spikes[:, :, encoder.code_lines :]
    assert not ramp[:, :steps].any()
    assert (ramp[:, steps:] == np.eye(encoder.ramp, dtype=np.uint8)).all()
    assert not spikes[:, steps:, : encoder.code_lines].any()


@given(encoders(), texts, st.integers(1, 12))
def test_a_line_spikes_as_soon_as_it_can(encoder, text, steps):
    """By the definition, spike by spike: each takes the first free step from the one it asks for."""
    window = steps + encoder.ramp
    found = encoder.encode(encoder.quantise([text], window), window)[0]
    index = {entry: row for row, entry in enumerate(encoder.entries)}
    codes = np.unpackbits(encoder.codes, axis=1, count=encoder.code_lines)
    for line in range(encoder.code_lines):
        wishes = [step for step, entry in encoder.token_steps(text, window) if codes[index[entry], line]]
        taken = []
        for place, step in enumerate(wishes):
            slot = max(step, taken[-1] + 1 if taken else 0)
            # The last spikes move forward where they would come after the last step.
            taken.append(max(min(slot, steps - len(wishes) + place), place))
        assert np.flatnonzero(found[:, line]).tolist() == [step for step in taken if step < steps]


@given(encoders(), st.lists(texts, min_size=2, max_size=6))
def test_a_text_has_the_same_spikes_in_any_company(encoder, some):
    together = encoder.quantise(some, 9)
    for text, packed in zip(some, together, strict=True):
        np.testing.assert_array_equal(encoder.quantise([text], 9)[0], packed)


def test_a_text_of_a_million_words_is_read():
    spikes = HAND.encode(HAND.quantise(["a b c x " * 250_000, "b"], 16), 16)
    assert HAND.token_steps("a b c x " * 250_000, 16) == [(0, "a"), (1, "b"), (2, "a b"), (3, "c"), (4, "b c")]
    assert spikes[0, :14].sum() == asked_of(HAND, "a b c").sum()


@pytest.mark.parametrize(
    ("entries", "codes", "lines", "ramp", "message"),
    [
        (b"a\nb\n", np.zeros((3, 1), np.uint8), 3, 0, r"uint8 of shape \(2, 1\)"),
        (b"a\nb\n", np.zeros((2, 1), np.int8), 3, 0, "got int8"),
        (b"a\nb\n", np.zeros((2, 1), np.uint8), 9, 0, r"uint8 of shape \(2, 2\)"),
        (b"a\nb\n", np.full((2, 1), 0b00010000, np.uint8), 3, 0, "bits beyond its 3 lines"),
        (b"a\na\n", np.zeros((2, 1), np.uint8), 3, 0, "duplicate"),
        (b"", np.zeros((0, 1), np.uint8), 3, 0, r"shape \(0, 1\)"),
        (b"a\n\xff\n", np.zeros((2, 1), np.uint8), 3, 0, "UTF-8"),
        (b"a\n", np.zeros((1, 1), np.uint8), 0, 0, "lines .*>= 1, got 0"),
        (b"a\n", np.zeros((1, 1), np.uint8), 1025, 0, "lines .*<= 1024, got 1025"),
        (b"a\n", np.zeros((1, 1), np.uint8), 1.5, 0, "lines .*got 1.5"),
        (b"a\n", np.zeros((1, 1), np.uint8), 3, -1, "race .*>= 0, got -1"),
        (b"a\n", np.zeros((1, 1), np.uint8), 3, 1 << 40, "race .*<= 1024"),
    ],
)
def test_damaged_tables_are_refused(entries, codes, lines, ramp, message):
    arrays = {"entries": np.frombuffer(entries, dtype=np.uint8), "codes": codes}
    with pytest.raises(InputError, match=message):
        load_encoder({"kind": "spike-embedding", "lines": lines, "race": ramp}, arrays)


def test_a_window_that_the_ramp_fills_is_refused():
    with pytest.raises(InputError, match="2 steps of the ramp, got 2"):
        HAND.quantise(["a"], 2)
    assert HAND.quantise(["a"], 3).shape == (1, 3, 1)


def test_one_spelling_of_a_word_is_one_word():
    codes = np.eye(6, dtype=np.uint8)
    composed, decomposed = "\u00e9", "e\u0301"
    encoder = encoder_with(codes)
    assert encoder.token_steps(composed, 8) == encoder.token_steps(decomposed, 8) == [(0, "\u00e9")]
    old = load_encoder({"kind": "spike-embedding", "lines": 6, "race": 2}, encoder.arrays())  # as 0.1.0 wrote it
    assert (old.token_steps(composed, 8), old.token_steps(decomposed, 8)) == ([(0, "\u00e9")], [])
