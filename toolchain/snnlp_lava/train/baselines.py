"""Baselines: an ANN on standardised vectors, and TF-IDF with logistic regression."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from snnlp_lava.encode.calibration import inverse_spread


class AnnClassifier(nn.Module):
    """Linear layers with ReLU between them, as in the paper.

    Parameters
    ----------
    sizes
        Dimensions of a vector, hidden layers, classes.
    dropout
        Share of the hidden neurons that are left out at random in training.
    """

    rate_per_logit: float | None = None
    spikes_counted = 0

    def __init__(self, sizes: tuple[int, ...], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers[:-2])

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Standardised vectors, (n, d) float32, to logits (n, classes)."""
        device = next(self.parameters()).device
        return self.layers(torch.from_numpy(np.ascontiguousarray(inputs)).to(device))

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, classes), which are the class scores, too."""
        logits = self.logits(inputs).cpu().numpy()
        return logits, logits


def standardisation(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and factor, (d,) float32 each, fitted on training vectors (n, d); constant dimensions get factor 0."""
    vectors = np.asarray(vectors, dtype=np.float64)
    factor = inverse_spread(vectors.std(axis=0), np.abs(vectors).max())
    return vectors.mean(axis=0).astype(np.float32), factor.astype(np.float32)


def standardise(vectors: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Vectors (n, d) to (n, d) float32 of mean 0 and deviation 1."""
    return (np.asarray(vectors, dtype=np.float32) - mean) * factor


def macs(tensors: Mapping[str, np.ndarray | torch.Tensor]) -> int:
    """Multiply-accumulates of one forward pass of an `AnnClassifier` of these tensors: its weights, not its biases."""
    return sum(math.prod(tensor.shape) for tensor in tensors.values() if tensor.ndim == 2)


def effective_macs(classifier: AnnClassifier, inputs: np.ndarray) -> float:
    """Multiply-accumulates of a sample, those of activations that are 0 left out: the mean over samples.

    NeuroBench's Effective_MACs also leave out weights that are 0.

    Parameters
    ----------
    classifier
        The ANN.
    inputs
        Standardised vectors, (n, d) float32.
    """
    classifier.eval()
    total, activations = 0, torch.from_numpy(np.ascontiguousarray(inputs))
    with torch.no_grad():
        for layer in classifier.layers:
            if isinstance(layer, nn.Linear):
                total += int(torch.count_nonzero(activations)) * layer.out_features
            activations = layer(activations)
    return total / len(inputs)


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
