import re

import numpy as np
import pytest

from snnlp_lava.text.dataset import split_rows
from snnlp_lava.text.sources import load_texts

EMOTION_WORDS = {
    "anger": "angr|anger",
    "fear": "fear",
    "joy": "joy",
    "love": "lov",
    "sadness": "sad",
    "surprise": "surpris",
}


@pytest.fixture(scope="module")
def demo():
    return load_texts("demo")


@pytest.fixture(scope="module")
def words(demo):
    return [re.findall(r"[a-z']+", text.lower()) for text in demo.texts]


def test_emotions_are_even_in_all_and_in_each_part(demo):
    assert len(demo) >= 900
    assert set(demo.label_names) == set(EMOTION_WORDS)
    for rows in (np.arange(len(demo)), *split_rows(demo, "official").values()):
        counts = np.bincount(demo.labels[rows], minlength=6)
        assert counts.min() == counts.max() > 0


def test_official_split_is_the_column_of_the_file(demo):
    for part, rows in split_rows(demo, "official").items():
        assert set(demo.splits[rows]) == {part}


def test_no_two_texts_share_half_their_words(words):
    index = {word: column for column, word in enumerate(sorted({word for text in words for word in text}))}
    holds = np.zeros((len(words), len(index)), dtype=np.float32)
    for row, text in enumerate(words):
        holds[row, [index[word] for word in text]] = 1
    shared = holds @ holds.T
    sizes = holds.sum(axis=1)
    jaccard = shared / (sizes[:, None] + sizes - shared)
    np.fill_diagonal(jaccard, 0)
    assert jaccard.max() <= 0.5


@pytest.mark.parametrize(("emotion", "stems"), EMOTION_WORDS.items())
def test_an_emotion_is_seldom_named_by_its_own_word(demo, emotion, stems):
    texts = demo.select(np.flatnonzero(demo.labels == demo.label_names.index(emotion)))
    named = [text for text in texts if re.search(rf"\b({stems})", text.lower())]
    assert len(named) <= len(texts) / 10, named


def test_lengths_vary_within_every_emotion(demo, words):
    for label in range(6):
        lengths = [len(words[row]) for row in np.flatnonzero(demo.labels == label)]
        assert min(lengths) <= 6
        assert max(lengths) >= 35
        assert np.std(lengths) >= 5


def test_no_two_texts_of_an_emotion_begin_with_the_same_three_words(demo, words):
    openings = [(label, *text[:3]) for label, text in zip(demo.labels, words, strict=True)]
    assert len(set(openings)) == len(openings)


def test_what_is_said_in_a_cafe_is_even_and_never_stands_twice():
    cafe = load_texts("cafe")
    assert cafe.label_names[-1] == "unknown"
    assert len(set(cafe.texts)) == len(cafe)
    for rows in split_rows(cafe, "official").values():
        *intents, unknown = np.bincount(cafe.labels[rows])
        assert min(intents) == max(intents) < unknown
