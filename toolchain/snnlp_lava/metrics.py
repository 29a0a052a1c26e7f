"""Compute class scores from what a last layer says; ranks, accuracy and mean reciprocal rank from scores."""

from __future__ import annotations

from typing import Literal

import numpy as np

Says = Literal["spikes", "changes", "values"]
"""What a last layer's answer is made of: spikes or changes, which are added up, or values, of which the latest counts:
v of neurons that never spike, and what sigma neurons have added up."""


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


def output_scores(said: np.ndarray, kind: Says) -> np.ndarray:
    """Class scores from what the last layer says in each step of the window, the integer part of which is exact.

    Parameters
    ----------
    said
        (n, steps, classes) uint8 spikes, or int32 changes or values.
    kind
        Which of them.

    Returns
    -------
    np.ndarray
        (n, classes) float64: `tie_broken_counts` of spikes, the sum of changes, the last values.
    """
    if kind == "spikes":
        return tie_broken_counts(said)
    return (said[:, -1] if kind == "values" else said.sum(axis=1, dtype=np.int64)).astype(np.float64)


class AccuracyOverTime:
    """Count how many samples are right if the answer is taken after each step of the window.

    Parameters
    ----------
    labels
        (n,) true classes.
    window
        Steps.
    kind
        What the last layer says, as in `output_scores`.
    ignore_ties
        Whether ties go to the lower class instead of the count reached first.
    """

    def __init__(self, labels: np.ndarray, window: int, *, kind: Says = "spikes", ignore_ties: bool = False) -> None:
        self.counts = np.zeros(window, dtype=np.int64)
        self._labels, self._kind, self._done = labels, kind, 0
        self._ignore_ties = ignore_ties or kind != "spikes"

    def add(self, output: np.ndarray) -> None:
        """Add the next samples: what the last layer said (m, steps, classes), ignoring steps beyond the window."""
        spikes = output[:, : len(self.counts)]
        labels = self._labels[self._done : self._done + len(spikes)]
        self._done += len(spikes)
        counts = spikes if self._kind == "values" else spikes.cumsum(axis=1, dtype=np.int64)
        scores = counts.astype(np.float64)
        if not self._ignore_ties:  # `tie_broken_counts` of the steps so far
            steps = np.arange(1, len(self.counts) + 1)[:, None]
            last = np.maximum.accumulate(np.where(spikes != 0, steps, 0), axis=1)
            scores += np.where(counts > 0, (steps - last) / (steps + 1), 0.0)
        self.counts += (scores.argmax(axis=2) == labels[:, None]).sum(axis=0)
