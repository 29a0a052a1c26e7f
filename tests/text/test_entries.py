"""Entries: counting in arrays is counting text by text, in training as in running."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.text import entries as entries_module
from snnlp_lava.text.entries import Scheme, count_entries, entries_of, find_entries, normalise

SCHEMES = [Scheme(words=True), Scheme(True, True), Scheme(characters=(1, 2)), Scheme(True, True, (2, 4))]
ALPHABET = "ab é'.好很\u00a0\uff21\t\n😀"


@given(
    st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=8),
    st.sampled_from(SCHEMES),
)
def test_counting_many_texts_finds_what_each_text_holds(texts, scheme):
    found = count_entries(texts, scheme)
    held = [set(entries_of(text, scheme)) for text in texts]
    every = [entry for entries in held for entry in entries]
    least = 2 if any(every.count(entry) >= 2 for entry in every) else 1
    assert set(found.entries) == {entry for entry in every if every.count(entry) >= least}
    assert len(set(found.entries)) == len(found.entries)
    for j, entry in enumerate(found.entries):
        rows = found.texts[found.starts[j] : found.starts[j + 1]].tolist()
        assert rows == [row for row, entries in enumerate(held) if entry in entries]
    again = find_entries(texts, scheme, {entry: j for j, entry in enumerate(found.entries)})
    np.testing.assert_array_equal(again.texts, found.texts)
    np.testing.assert_array_equal(again.starts, found.starts)


def test_spellings_of_one_text_are_one_text():
    assert normalise("\uff23\uff21\uff26\uff25\u0301\u00a0 Straße") == normalise("café STRASSE") == "café strasse"


def test_pairs_and_n_grams_are_never_taken_for_words():
    found = entries_of("a b", Scheme(True, True, (1, 3)))
    assert found[:3] == ["a", "b", "a b"]
    assert len(set(found)) == 3 + len({" ", "a", "b", " a", "a ", " b", "b ", " a ", "a b", " b "})


def test_the_most_frequent_entries_are_kept(monkeypatch):
    monkeypatch.setattr(entries_module, "MAX_ENTRIES", 2)
    assert count_entries(["a b c", "a b c", "a b", "a"], Scheme(words=True)).entries == ["a", "b"]


@pytest.mark.parametrize("chosen", [[2, 0], [], [1]])
def test_some_entries_keep_their_texts(chosen):
    found = count_entries(["a b c", "a b c", "a b", "a"], Scheme(words=True))
    some = found.take(np.array(chosen, dtype=np.int64))
    assert some.entries == [found.entries[j] for j in chosen]
    assert some.frequency.tolist() == [found.frequency[j] for j in chosen]
