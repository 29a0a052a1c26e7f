"""Score words and pairs of words for each class: logistic regression on naive Bayes log-count ratios.

Source: Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from snnlp_lava.text.tokens import words_and_pairs

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix

C_GRID = (0.03, 0.1, 0.3, 1.0, 3.0)


_LEAST_TEXTS = 2  # that an entry must occur in


_NEVER = -10.0  # logit of a class without training texts


class WordScores(NamedTuple):
    """Logits of words and pairs: a text's is the sum of its words' and pairs', and the offset.

    Attributes
    ----------
    entries
        The words and pairs.
    weight
        (entries, classes) float32.
    offset
        (classes,) float64.
    occurrence
        (n, entries) float32, scipy.sparse: 1 where an entry occurs in a training text.
    accuracy
        On the validation texts.
    """

    entries: list[str]
    weight: np.ndarray
    offset: np.ndarray
    occurrence: csc_matrix
    accuracy: float


def fit_word_scores(
    train: Sequence[str],
    labels: np.ndarray,
    validation: Sequence[str],
    validation_labels: np.ndarray,
    classes: int,
    on_fit: Callable[[int, int], None] = lambda done, total: None,
) -> WordScores:
    """Score all words and pairs that occur in two training texts or more.

    How strongly it is regularised, and whether pairs are taken, is chosen by the accuracy on the validation texts.

    Parameters
    ----------
    train, labels
        Texts and their classes (n,).
    validation, validation_labels
        Those to choose by.
    classes
        Number of classes.
    on_fit
        Called with the number of fits done, and their total.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=words_and_pairs, binary=True, min_df=_LEAST_TEXTS, dtype=np.float32)
    try:
        occurrence = vectorizer.fit_transform(train).tocsc()
    except ValueError:  # nothing stands in two texts
        vectorizer.set_params(min_df=1)
        occurrence = vectorizer.fit_transform(train).tocsc()
    known = vectorizer.transform(validation).tocsc()
    entries = vectorizer.get_feature_names_out()
    words = np.array([" " not in entry for entry in entries])
    choices = [words, np.ones(len(entries), dtype=bool)]
    best: WordScores | None = None
    for number, chosen in enumerate(choices):
        taken = occurrence[:, chosen]
        ratios = _log_count_ratios(taken.tocsr(), labels, classes)
        for fit, strength in enumerate(C_GRID):
            weight, offset = _fit(taken, ratios, labels, strength)
            accuracy = float(((known[:, chosen] @ weight + offset).argmax(axis=1) == validation_labels).mean())
            on_fit(number * len(C_GRID) + fit + 1, len(choices) * len(C_GRID))
            if best is None or accuracy > best.accuracy:
                best = WordScores(entries[chosen].tolist(), weight, offset, taken, accuracy)
    assert best is not None
    return best


def _log_count_ratios(occurrence: csr_matrix, labels: np.ndarray, classes: int) -> np.ndarray:
    """(entries, classes) float32: logarithm of how much more common an entry is in a class than in all others."""
    ratios = np.empty((occurrence.shape[1], classes), dtype=np.float32)
    for label in range(classes):
        inside, outside = (
            np.asarray(occurrence[np.flatnonzero(rows)].sum(axis=0), dtype=np.float64).ravel() + 1
            for rows in (labels == label, labels != label)
        )
        ratios[:, label] = np.log(inside / inside.sum() * outside.sum() / outside)
    return ratios


def _fit(
    occurrence: csc_matrix, ratios: np.ndarray, labels: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression

    classes = ratios.shape[1]
    weight, offset = np.zeros_like(ratios), np.full(classes, _NEVER)
    for label in range(1 if classes == 2 else 0, classes):
        if (inside := labels == label).any():
            model = LogisticRegression(C=strength, solver="liblinear", tol=1e-2, max_iter=1000)
            model.fit(occurrence @ diags(ratios[:, label]), inside)
            weight[:, label], offset[label] = ratios[:, label] * model.coef_[0], model.intercept_[0]
    if classes == 2:
        weight[:, 0], offset[0] = -weight[:, 1], -offset[1]
    return weight, offset
