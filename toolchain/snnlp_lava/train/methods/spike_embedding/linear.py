"""Train linear models of binary entries, one against the rest, by squared hinge and coordinate descent.

    min  sum_i sum_c max(0, 1 - s_ic z_ic)^2 + 1/2 sum_jc l_jc w_jc^2,    z_ic = b_c + sum_(j in text i) w_jc

with s_ic = 1 where c is the class of text i, else -1. Two classes are one column: s_i1 = -s_i0, w_j0 = -w_j1.

The penalty is ``l_jc = m / |r_jc|^p`` with m the mean number of entries of a text: p = 0 is LinearSVC with C = 1 on
rows of unit length, carried over to binary rows; p = 2 is the scaling by log-count ratios r of naive Bayes (Wang and
Manning, "Baselines and Bigrams", ACL 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from snnlp_lava.text.entries import Occurrences

_LEAST_RATIO = 0.03  # of |r|, lest a penalty becomes endless
_STILL = 0.02  # part of the curvature that a text beyond its target still counts, lest steps overshoot
_DENSE_FROM = 8  # one weight in so many
_RELAXATION = 1.3  # Newton's step is lengthened by this: successive over-relaxation
_OFFSET_STEPS = 8  # of a sweep: an offset is in all texts and holds everything else up
_LONGEST_STEP = 0.5  # of the target, 1


@dataclass
class Linear:
    """Weights under a mask, and what they give the training texts.

    Attributes
    ----------
    starts, columns
        Entry j has weights for ``columns[starts[j]:starts[j + 1]]`` alone.
    weight
        (kept,) float32, in the order of `columns`.
    offset
        (columns,) float32.
    """

    starts: np.ndarray
    columns: np.ndarray
    weight: np.ndarray
    offset: np.ndarray

    @classmethod
    def full(cls, entries: int, offset: np.ndarray) -> Linear:
        """All weights, 0, and some offsets."""
        columns = len(offset)
        return cls(
            np.arange(entries + 1, dtype=np.int64) * columns,
            np.tile(np.arange(columns, dtype=np.int32), entries),
            np.zeros(entries * columns, dtype=np.float32),
            offset.astype(np.float32),
        )

    @property
    def entry(self) -> np.ndarray:
        """(kept,) entry of each weight."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def keep(self, kept: np.ndarray) -> Linear:
        """The model without some weights; `kept` is bool, one for each."""
        counts = np.bincount(self.entry[kept], minlength=len(self.starts) - 1)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Linear(starts, self.columns[kept], self.weight[kept], self.offset.copy())

    def dense(self) -> np.ndarray:
        """(entries, columns) float32."""
        weight = np.zeros((len(self.starts) - 1, len(self.offset)), dtype=np.float32)
        weight[self.entry, self.columns] = self.weight
        return weight

    def scores(self, occurrences: Occurrences) -> np.ndarray:
        """Evidence of each text and column, (n, columns) float32."""
        scores = np.repeat(self.offset[None], occurrences.rows, axis=0)
        _add_scores(occurrences.starts, occurrences.texts, self.starts, self.columns, self.weight, scores)
        return scores

    def times(self, factor: float) -> Linear:
        """All weights and offsets multiplied."""
        by = np.float32(factor)
        return Linear(self.starts, self.columns, by * self.weight, by * self.offset)

    def plus(self, other: Linear) -> Linear:
        """The sum with another of the same mask."""
        return Linear(self.starts, self.columns, self.weight + other.weight, self.offset + other.offset)


def naive_bayes_ratios(occurrences: Occurrences, labels: np.ndarray, classes: int) -> np.ndarray:
    """Log of how much more common an entry is in a class than in all others: (entries, columns) float32.

    Counts are smoothed by one. Two classes have one column, that of class 1.
    """
    counts = np.ones((len(occurrences.entries), classes))
    entry = np.repeat(np.arange(len(occurrences.entries)), occurrences.frequency)
    counts += np.bincount(entry * classes + labels[occurrences.texts], minlength=counts.size).reshape(counts.shape)
    others = counts.sum(axis=1, keepdims=True) - counts - (classes - 2)
    ratios = np.log(counts / counts.sum(axis=0)) - np.log(others / others.sum(axis=0))
    return (ratios[:, 1:] if classes == 2 else ratios).astype(np.float32)


def naive_bayes_penalty(occurrences: Occurrences, labels: np.ndarray, classes: int, power: float) -> np.ndarray:
    """``m / |r|^power``, (entries, columns) float32, with m the mean number of entries of a text."""
    ratios = np.maximum(np.abs(naive_bayes_ratios(occurrences, labels, classes)), _LEAST_RATIO)
    return (max(1.0, len(occurrences.texts) / occurrences.rows) / ratios**power).astype(np.float32)


def tfidf_penalty(occurrences: Occurrences, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """What makes `fit` a LinearSVC (C = 1) of TF-IDF rows of unit length, their offset divided by the length as well.

    Leaving the length out afterwards changes no answer, so the weights are those of binary entries.

    Returns
    -------
    tuple of np.ndarray
        Penalties (entries, columns) float32 and norms (n,), with lengths in units of their median.
    """
    idf = 1 + np.log((1 + occurrences.rows) / (1 + occurrences.frequency))
    each = np.repeat(idf**2, occurrences.frequency)
    length = np.sqrt(np.bincount(occurrences.texts, weights=each, minlength=occurrences.rows))
    unit = float(np.median(length[length > 0]))
    penalty = np.repeat((unit**2 / idf**2)[:, None], columns, axis=1).astype(np.float32)
    return penalty, np.where(length > 0, length / unit, 1.0)


def fit_full(
    occurrences: Occurrences,
    labels: np.ndarray,
    penalty: np.ndarray,
    classes: int,
    sweeps: int,
    seed: int,
    norms: np.ndarray | None = None,
) -> Linear:
    """A model of all weights; parameters as those of `fit`. Offsets start as they are best without any weight."""
    share = np.bincount(labels, minlength=classes) / len(labels)
    offset = 2 * share - 1
    model = Linear.full(len(occurrences.entries), offset[1:] if classes == 2 else offset)
    fit(model, occurrences, labels, penalty, sweeps, seed, norms)
    return model


def fit(
    model: Linear,
    occurrences: Occurrences,
    labels: np.ndarray,
    penalty: np.ndarray,
    sweeps: int,
    seed: int,
    norms: np.ndarray | None = None,
) -> np.ndarray:
    """Improve a model's weights and offsets in place.

    Parameters
    ----------
    model
        Where to start; its mask stays.
    occurrences, labels
        Training texts and their classes (n,).
    penalty
        (entries, columns) float32: l_jc.
    sweeps
        Passes over all weights.
    seed
        Of the order in which entries come.
    norms
        (n,) by which a text's scores are divided; 1 without.

    Returns
    -------
    np.ndarray
        Scores of the training texts, divided by the norms, (n, columns) float32.
    """
    unit = np.ones(occurrences.rows, np.float32) if norms is None else (1 / norms).astype(np.float32)
    scores = model.scores(occurrences) * unit[:, None]
    own = labels.astype(np.int32) if len(model.offset) > 1 else labels.astype(np.int32) - 1  # column that should be > 0
    order = np.flatnonzero(np.diff(model.starts) > 0)
    rng = np.random.default_rng(seed)
    for _ in range(sweeps):
        for some in np.array_split(rng.permutation(order), _OFFSET_STEPS):
            _descend(
                some,
                occurrences.starts,
                occurrences.texts,
                model.starts,
                model.columns,
                model.weight,
                model.offset,
                penalty,
                own,
                unit,
                scores,
            )
    return scores


@njit(cache=True)
def _add_scores(starts: Any, texts: Any, at: Any, columns: Any, weight: Any, scores: Any) -> None:
    for j in range(len(starts) - 1):
        for k in range(starts[j], starts[j + 1]):
            i = texts[k]
            for m in range(at[j], at[j + 1]):
                scores[i, columns[m]] += weight[m]


@njit(cache=True, fastmath=True)
def _descend(  # noqa: C901 (one loop of a kernel; split, it takes twice the time)
    order: Any,
    starts: Any,
    texts: Any,
    at: Any,
    columns: Any,
    weight: Any,
    offset: Any,
    penalty: Any,
    own: Any,
    unit: Any,
    scores: Any,
) -> None:
    n, width = scores.shape
    gradient = np.empty(width, dtype=np.float32)
    curvature = np.empty(width, dtype=np.float32)
    change = np.empty(width, dtype=np.float32)
    longest = np.float32(_LONGEST_STEP)
    still, relaxation = np.float32(_STILL), np.float32(_RELAXATION)
    zero, one, two = np.float32(0), np.float32(1), np.float32(2)
    for place in range(-1, len(order)):
        if place < 0:  # the offset, which is in all texts and has no penalty
            first, last, low, count = 0, n, 0, width
        else:
            j = order[place]
            first, last, low, count = starts[j], starts[j + 1], at[j], at[j + 1] - at[j]
        dense = count * _DENSE_FROM > width  # all columns at once are then quicker than those of the mask
        many = width if dense else count
        for m in range(many):
            gradient[m] = zero
            curvature[m] = zero
            change[m] = zero
        total = zero
        for k in range(first, last):
            i = k if place < 0 else texts[k]
            mine, by = own[i], unit[i]
            square = by * by
            total += square
            if dense:
                row = scores[i]
                for c in range(width):  # as if every class were another's
                    short = one + row[c]
                    gradient[c] += by * short if short > zero else zero
                    curvature[c] += square if short > zero else zero
                if mine >= 0:
                    wrong, right = max(one + scores[i, mine], zero), max(one - scores[i, mine], zero)
                    gradient[mine] -= by * (wrong + right)
                    curvature[mine] += (square if right > zero else zero) - (square if wrong > zero else zero)
            else:
                for m in range(count):
                    c = columns[low + m]
                    sign = one if c == mine else -one
                    short = max(one - sign * scores[i, c], zero)
                    gradient[m] -= by * sign * short
                    curvature[m] += square if short > zero else zero
        for m in range(count):
            c = m if place < 0 else columns[low + m]
            at_c = c if dense else m
            slope, bend = two * gradient[at_c], two * (curvature[at_c] + still * (total - curvature[at_c]))
            if place >= 0:
                ridge = penalty[j, c]
                slope += ridge * weight[low + m]
                bend += ridge
            step = min(max(-relaxation * slope / bend, -longest), longest)
            change[at_c] = step
            if place < 0:
                offset[m] += step
            else:
                weight[low + m] += step
        for k in range(first, last):
            i = k if place < 0 else texts[k]
            by = unit[i]
            if dense:
                row = scores[i]
                for c in range(width):
                    row[c] += by * change[c]
            else:
                for m in range(count):
                    scores[i, columns[low + m]] += by * change[m]
