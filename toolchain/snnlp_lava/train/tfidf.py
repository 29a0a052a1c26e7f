"""The baseline of every method: TF-IDF with logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_STRENGTHS = (1.0, 3.0, 10.0, 30.0)


class TfidfScores(NamedTuple):
    """Class scores, (n, classes) each, and what the model is made of.

    Attributes
    ----------
    validation, test
        Scores of the texts.
    strength
        Inverse regularisation C, chosen by validation accuracy.
    vocabulary
        Number of words.
    macs
        Mean multiply-accumulates of one test text: its known words times the weights of each, which is one for two
        classes and one a class for more.
    """

    validation: np.ndarray
    test: np.ndarray
    strength: float
    vocabulary: int
    macs: float


def fit_tfidf(
    train: Sequence[str],
    labels: np.ndarray,
    validation: Sequence[str],
    validation_labels: np.ndarray,
    test: Sequence[str],
    classes: int,
) -> TfidfScores:
    """Fit unigram TF-IDF (sublinear, words of two texts or more) with logistic regression; choose C by validation.

    Parameters
    ----------
    train, labels
        Texts and their classes (n,); one text at least has a word.
    validation, validation_labels
        Those to choose C by.
    test
        Texts to be scored.
    classes
        Number of classes.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"(?u)\b\w+\b")  # noqa: S106 (no password)
    try:
        features = vectorizer.fit_transform(train)
    except ValueError:  # no word stands in two texts
        vectorizer.set_params(min_df=1)
        features = vectorizer.fit_transform(train)
    known, asked = vectorizer.transform(validation), vectorizer.transform(test)
    best: tuple[float, float, LogisticRegression] | None = None
    for strength in _STRENGTHS:
        model = LogisticRegression(C=strength, max_iter=2000).fit(features, labels)
        accuracy = float(model.score(known, validation_labels))
        if best is None or accuracy > best[0]:
            best = accuracy, strength, model
    assert best is not None
    _, strength, model = best
    return TfidfScores(
        _scores(model, known, classes),
        _scores(model, asked, classes),
        strength,
        len(vectorizer.vocabulary_),
        asked.nnz / max(1, len(test)) * len(model.coef_),
    )


def _scores(model: object, features: object, classes: int) -> np.ndarray:
    known = model.predict_proba(features)  # type: ignore[attr-defined]
    scores = np.zeros((known.shape[0], classes))
    scores[:, model.classes_] = known  # type: ignore[attr-defined]
    return scores
