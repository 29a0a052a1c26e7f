"""Binary word codes: one token a step, then the end mark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import encoder_from
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import InputError

WORDS = ("cat", "dog", "nothing", "sat", "é")
CODES = np.array([1, (1 << 63) | 2, 0, (1 << 64) - 1, 5], dtype=np.uint64)


def lines(step):
    return np.flatnonzero(step).tolist()


@pytest.mark.parametrize("reference", [False, True])
def test_a_text_by_hand(reference):
    encoder = WordCodeEncoder(WORDS, CODES, reference)
    inputs = encoder.inputs(["The dog SAT, nothing! é", "", "cat cat cat cat cat cat dog"], 6)
    assert inputs.tolist() == [[1, 3, 4, -1, -1], [-1] * 5, [0] * 5]
    spikes = encoder.spikes(inputs, 6)
    end = [1] if reference else list(range(64))
    assert [lines(step) for step in spikes[0]] == [[1, 63], list(range(64)), [0, 2], end, [], []]
    assert [lines(step) for step in spikes[1]] == [end, [], [], [], [], []]
    assert [lines(step) for step in spikes[2]] == [[0]] * 5 + [end]


@given(st.lists(st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=12), min_size=1, max_size=4), st.integers(2, 9))
def test_spikes_are_the_bits_of_the_tokens_that_are_known(texts, window):
    encoder = WordCodeEncoder(WORDS, CODES)
    spikes = encoder.spikes(encoder.inputs([" ".join(text) for text in texts], window), window)
    for text, train in zip(texts, spikes, strict=True):
        expected = [int(CODES[WORDS.index(word)]) for word in text[: window - 1] if word in WORDS]
        expected = [code for code in expected if code] + [(1 << 64) - 1]
        found = [sum(1 << line for line in lines(step)) for step in train]
        assert found == expected + [0] * (window - len(expected))


def test_it_survives_being_stored():
    encoder = WordCodeEncoder(WORDS, CODES, True)
    again = encoder_from(encoder.to_dict(), encoder.arrays())
    assert (again.words, again.reference) == (WORDS, True)
    np.testing.assert_array_equal(again.codes, CODES)


@pytest.mark.parametrize(
    ("words", "codes", "message"),
    [
        (b"cat\ndog\n", CODES[:3], r"uint64 of shape \(3,\) for 2 words"),
        (b"cat\ncat\n", CODES[:2], "a word stands there twice"),
        (b"cat\n\xff\n", CODES[:2], "malformed"),
        (b"", CODES[:0], "for 0 words"),
        (b"cat\ndog\n", CODES[:2].astype(np.int64), "int64 of shape"),
    ],
)
def test_damaged_tables_are_refused(words, codes, message):
    arrays = {"words": np.frombuffer(words, dtype=np.uint8), "codes": codes}
    with pytest.raises(InputError, match=message):
        encoder_from({"kind": "word-codes", "reference": False}, arrays)
