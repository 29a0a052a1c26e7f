"""How good a classifier is."""

from __future__ import annotations

import numpy as np


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rank, from 1, of the true class of each sample; of equal scores the lower class ranks first.

    Parameters
    ----------
    scores
        (n, classes): spike counts, logits or probabilities.
    labels
        (n,) true classes.
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    before = np.arange(scores.shape[1]) < labels[:, None]
    return 1 + ((scores > own) | ((scores == own) & before)).sum(axis=1)


def accuracy_and_mrr(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, and mean reciprocal rank of the true class."""
    rank = ranks(scores, labels)
    return {"accuracy": float((rank == 1).mean()), "mrr": float((1 / rank).mean())}
