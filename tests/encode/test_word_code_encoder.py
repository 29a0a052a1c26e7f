"""Binary word codes: one token a step, then the end mark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import load_encoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import InputError

WORDS = ("cat", "dog", "nothing", "sat", "é")
CODES = np.array([1, (1 << 63) | 2, 0, (1 << 64) - 1, 5], dtype=np.uint64)


def lines(step):
    return np.flatnonzero(step).tolist()


@pytest.mark.parametrize("reference", [False, True])
def test_a_text_by_hand(reference):
    encoder = WordCodeEncoder(WORDS, CODES, reference=reference)
    values = encoder.quantise(["The dog SAT, nothing! é", "", "cat cat cat cat cat cat dog"], 6)
    assert values.tolist() == [[1, 3, 4, -1, -1], [-1] * 5, [0] * 5]
    spikes = encoder.encode(values, 6)
    end = [1] if reference else list(range(64))
    assert [lines(step) for step in spikes[0]] == [[1, 63], list(range(64)), [0, 2], end, [], []]
    assert [lines(step) for step in spikes[1]] == [end, [], [], [], [], []]
    assert [lines(step) for step in spikes[2]] == [[0]] * 5 + [end]
    assert encoder.token_steps("The dog SAT, nothing! é", 6) == [(0, "dog"), (1, "sat"), (2, "é")]


@given(
    st.lists(st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=12), min_size=1, max_size=4),
    st.integers(1, 9),
    st.booleans(),
)
def test_spikes_are_the_bits_of_the_tokens_that_are_known(texts, window, skip_unknown):
    encoder = WordCodeEncoder(WORDS, CODES, skip_unknown=skip_unknown)
    spikes = encoder.encode(encoder.quantise([" ".join(text) for text in texts], window), window)
    for text, train in zip(texts, spikes, strict=True):
        taken = text if skip_unknown else text[: window - 1]
        codes = [int(CODES[WORDS.index(word)]) for word in taken if word in WORDS]
        expected = [*[code for code in codes if code][: window - 1], (1 << 64) - 1]
        found = [sum(1 << line for line in lines(step)) for step in train]
        assert found == expected + [0] * (window - len(expected))


def test_known_words_behind_unknown_ones_are_presented_where_steps_are_free():
    text = "of the in cat dog"
    assert WordCodeEncoder(WORDS, CODES).token_steps(text, 4) == [(0, "cat"), (1, "dog")]
    assert WordCodeEncoder(WORDS, CODES, skip_unknown=False).token_steps(text, 4) == []


@given(st.integers(1, 64), st.data())
def test_short_codes_feed_as_many_lines_as_they_have_bits(bits, data):
    codes = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=5, max_size=5))
    encoder = WordCodeEncoder(WORDS, np.array(codes, np.uint64), bits)
    spikes = encoder.encode(encoder.quantise(["cat dog nothing sat é"], 6), 6)[0]
    assert spikes.shape == (6, encoder.lines) == (6, bits)
    shown = [code for code in codes if code]
    assert [sum(1 << line for line in lines(step)) for step in spikes[: len(shown)]] == shown
    assert spikes[len(shown)].all()
    assert not spikes[len(shown) + 1 :].any()


def test_one_spelling_of_a_word_is_one_word():
    composed, decomposed = "caf\u00e9 \ufb01sh", "cafe\u0301 fish"
    codes = np.array([1, 2], np.uint64)
    for words in (("caf\u00e9", "fish"), ("cafe\u0301", "\ufb01sh")):
        encoder = WordCodeEncoder(words, codes)
        np.testing.assert_array_equal(*(encoder.quantise([text], 4) for text in (composed, decomposed)))
        assert encoder.quantise([composed], 4).tolist() == [[0, 1, -1]]
    old = WordCodeEncoder(("caf\u00e9", "fish"), codes, unicode_form=None)
    assert old.quantise([composed, decomposed], 4).tolist() == [[0, -1, -1], [1, -1, -1]]


def test_a_description_of_0_1_0_is_read_as_0_1_0_meant_it():
    arrays = WordCodeEncoder(WORDS, CODES).arrays()
    old = load_encoder({"kind": "word-codes", "reference": False}, arrays)
    assert (old.bits, old.unicode_form, old.skip_unknown) == (64, None, False)


@pytest.mark.parametrize(
    ("words", "codes", "message"),
    [
        (b"cat\ndog\n", CODES[:3], r"uint64 of shape \(3,\)"),
        (b"cat\ncat\n", CODES[:2], "duplicate"),
        (b"cat\n\xff\n", CODES[:2], "UTF-8"),
        (b"", CODES[:0], "0 words"),
        (b"cat\ndog\n", CODES[:2].astype(np.int64), "int64 of shape"),
    ],
)
def test_damaged_tables_are_refused(words, codes, message):
    arrays = {"words": np.frombuffer(words, dtype=np.uint8), "codes": codes}
    with pytest.raises(InputError, match=message):
        load_encoder({"kind": "word-codes", "reference": False}, arrays)


@pytest.mark.parametrize(
    ("changes", "limit"),
    [({"bits": 2}, "2 bits"), ({"bits": 1, "reference": True, "codes": CODES[:1]}, "2 or more bits")],
)
def test_codes_that_do_not_fit_their_bits_are_refused(changes, limit):
    codes = changes.pop("codes", CODES[[0, 4]])
    with pytest.raises(InputError, match=limit):
        WordCodeEncoder(WORDS[: len(codes)], codes, **changes)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bits", 0),
        ("bits", 65),
        ("bits", True),
        ("reference", 1),
        ("unicode_form", "NFX"),
        ("skip_unknown", None),
        ("x", 1),
    ],
)
def test_a_malformed_description_names_its_field_and_value(field, value):
    encoder = WordCodeEncoder(WORDS, CODES)
    with pytest.raises(InputError, match=rf"encoder: {field} "):
        load_encoder({**encoder.to_dict(), field: value}, encoder.arrays())
