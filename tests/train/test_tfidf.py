import numpy as np
import pytest

from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.train.tfidf import fit_tfidf

TEXTS = ("the good film", "a good one", "the bad film", "a bad one", "the long film", "a long one")


@pytest.mark.parametrize(("classes", "weights"), [(2, 1), (3, 3)])
def test_macs_are_known_words_times_the_weights_of_each(classes, weights):
    """Two classes need one weight a word, as logistic regression has it; more need one for each class."""
    labels = np.arange(6) // 2
    train, labels = TEXTS[: 2 * classes], labels[: 2 * classes]
    test = ["good film", "unheard of", "a bad bad film"]  # 2, 0 and 3 words that stand in two training texts
    scores = fit_tfidf(train, labels, train, labels, test, classes)
    assert scores.vocabulary == 4 + classes
    assert scores.macs == pytest.approx(5 / 3 * weights)
    assert scores.test.shape == (3, classes)
    np.testing.assert_allclose(scores.test.sum(axis=1), 1)
    assert scores.test.argmax(axis=1)[[0, 2]].tolist() == [0, 1]
    assert accuracy_and_mrr(scores.validation, labels)["accuracy"] == 1


def test_words_of_one_text_serve_where_there_are_no_others():
    scores = fit_tfidf(["up", "down"], np.array([0, 1]), ["up"], np.array([0]), ["down"], 2)
    assert (scores.vocabulary, scores.macs) == (2, 1)
    assert scores.test.argmax(axis=1).tolist() == [1]
