"""Evidence of words and pairs: what is learned from a few texts, and who chooses."""

import numpy as np
import pytest

from snnlp_lava.train.methods.spike_embedding.word_scores import C_GRID, _log_count_ratios, fit_word_scores

GOOD, BAD = (
    ["a fine film", "fine and bright", "not dull at all", "a film not dull"],
    [
        "a dull film",
        "dull and grey",
        "not fine at all",
        "a film not fine",
    ],
)


def learned(train, labels, validation, validation_labels, classes=2, **more):
    return fit_word_scores(train, np.array(labels), validation, np.array(validation_labels), classes, **more)


def test_pairs_are_taken_where_they_tell_more_than_words():
    found = learned((GOOD + BAD) * 3, ([1] * 4 + [0] * 4) * 3, GOOD + BAD, [1] * 4 + [0] * 4)
    assert "not dull" in found.entries
    assert found.accuracy == 1
    weight = dict(zip(found.entries, found.weight, strict=True))
    assert weight["not dull"][1] > 0 > weight["not fine"][1]
    assert found.occurrence.shape == (24, len(found.entries))


def test_words_alone_are_kept_where_pairs_add_nothing():
    train = ["fine", "dull", "fine fine", "dull dull"] * 3
    found = learned(train, [1, 0, 1, 0] * 3, ["fine", "dull"], [1, 0])
    assert found.entries == ["dull", "fine"]


def test_two_classes_are_opposites_and_more_have_weights_of_their_own():
    train = ["one", "two", "six"] * 4
    found = learned(train, [0, 1, 2] * 4, ["one", "two", "six"], [0, 1, 2], classes=3)
    assert found.accuracy == 1
    two = learned(train[:2] * 4, [0, 1] * 4, ["one", "two"], [0, 1])
    np.testing.assert_array_equal(two.weight[:, 0], -two.weight[:, 1])
    assert two.offset[0] == -two.offset[1]


def test_a_class_without_training_texts_is_never_the_answer():
    found = learned(["one", "two"] * 4, [0, 2] * 4, ["one", "two"], [0, 2], classes=3)
    texts = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    assert 1 not in (texts @ found.weight + found.offset).argmax(axis=1)


def test_where_no_word_stands_in_two_texts_all_count():
    found = learned(["one", "two"], [0, 1], ["one", "two"], [0, 1])
    assert {"one", "two"} <= set(found.entries)


def test_ratios_by_hand():
    from scipy.sparse import csr_matrix

    occurs = csr_matrix(np.array([[1, 0], [1, 1], [0, 1], [0, 1]], dtype=np.float32))
    ratios = _log_count_ratios(occurs, np.array([0, 0, 1, 1]), 2)
    # Class 0: counts 2 and 1, with one added 3 and 2 of 5; class 1: 0 and 2, 1 and 3 of 4.
    expected = np.log(np.array([(3 / 5) / (1 / 4), (2 / 5) / (3 / 4)]))
    np.testing.assert_allclose(ratios, np.stack([expected, -expected], axis=1), rtol=1e-6)


def test_progress_is_told_of_every_fit():
    calls = []
    learned(["one", "two"] * 2, [0, 1] * 2, ["one"], [0], on_fit=lambda *call: calls.append(call))
    assert calls == [(number, 2 * len(C_GRID)) for number in range(1, 2 * len(C_GRID) + 1)]


@pytest.mark.parametrize("text", ["", "?!", "unknown"])
def test_validation_texts_without_a_known_word_are_no_trouble(text):
    assert learned(["one", "two"] * 2, [0, 1] * 2, [text], [0]).accuracy in (0, 1)
