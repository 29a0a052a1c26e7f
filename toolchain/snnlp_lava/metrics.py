"""Compute ranks, accuracy and mean reciprocal rank from class scores."""

from __future__ import annotations

import numpy as np


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the rank of the true class of each sample, starting at 1; for equal scores the lower class ranks first.

    A sample of an unknown class (label below 0) has rank 0 and counts as wrong.

    Parameters
    ----------
    scores
        (n, classes): spike counts, logits or probabilities.
    labels
        (n,) true classes.
    """
    own = np.take_along_axis(scores, np.maximum(labels, 0)[:, None], axis=1)
    before = np.arange(scores.shape[1]) < labels[:, None]
    found: np.ndarray = 1 + ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return np.where(labels < 0, 0, found)


def accuracy_and_mrr(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, and mean reciprocal rank of the true class."""
    return scores_of_ranks(np.bincount(ranks(scores, labels), minlength=scores.shape[1] + 1))


def scores_of_ranks(counts: np.ndarray) -> dict[str, float]:
    """Compute accuracy and mean reciprocal rank from counts of each rank, (classes + 1,); rank 0 is an unknown class.

    Counts of subsets of the samples may be summed in any order: the result is identical to the last bit.
    """
    samples = counts.sum()
    reciprocal = counts[1:] / np.arange(1, len(counts))
    return {"accuracy": float(counts[1] / samples), "mrr": float(reciprocal.sum() / samples)}


def tie_broken_counts(spikes: np.ndarray) -> np.ndarray:
    """Compute class scores from output spikes: the highest count wins, ties go to the count reached first.

    The integer part of a score is the count; the fraction is larger the earlier the class's last spike came. The host
    can observe that on any chip, whereas membrane voltages would have to be read out one by one.

    Parameters
    ----------
    spikes
        (n, steps, classes) uint8, of the window only.

    Returns
    -------
    np.ndarray
        (n, classes) float64.
    """
    steps = spikes.shape[1]
    counts = spikes.sum(axis=1, dtype=np.int64)
    last = steps - np.argmax(spikes[:, ::-1] != 0, axis=1)
    return counts + np.where(counts > 0, (steps - last) / (steps + 1), 0.0)


class AccuracyOverTime:
    """Count how many samples are right if the answer is taken after each step of the window.

    Parameters
    ----------
    labels
        (n,) true classes.
    window
        Steps.
    ignore_ties
        Whether ties go to the lower class instead of the count reached first.
    """

    def __init__(self, labels: np.ndarray, window: int, *, ignore_ties: bool) -> None:
        self.counts = np.zeros(window, dtype=np.int64)
        self._labels, self._ignore_ties, self._done = labels, ignore_ties, 0

    def add(self, output: np.ndarray) -> None:
        """Add the next samples: output spikes (m, steps, classes) uint8, ignoring steps beyond the window."""
        spikes = output[:, : len(self.counts)]
        labels = self._labels[self._done : self._done + len(spikes)]
        self._done += len(spikes)
        counts = spikes.cumsum(axis=1, dtype=np.int64)
        scores = counts.astype(np.float64)
        if not self._ignore_ties:  # `tie_broken_counts` of the steps so far
            steps = np.arange(1, len(self.counts) + 1)[:, None]
            last = np.maximum.accumulate(np.where(spikes != 0, steps, 0), axis=1)
            scores += np.where(counts > 0, (steps - last) / (steps + 1), 0.0)
        self.counts += (scores.argmax(axis=2) == labels[:, None]).sum(axis=0)
