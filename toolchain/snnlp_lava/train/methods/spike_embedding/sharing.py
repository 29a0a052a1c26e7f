"""Let entries of nearly equal weights share input lines where lines are limited."""

from __future__ import annotations

import numpy as np

MOST_CLASSES = 7
"""More have too many different weights to share lines."""

_SHAPES, _SHAPES_OF_TWO = 512, 64  # different weights at most; two classes are one column
_ROUNDS = 6  # of k-means
_AT_ONCE = 1 << 22  # distances


def share_lines(weight: np.ndarray, frequency: np.ndarray, lines: int, seed: int) -> np.ndarray:
    """Give each entry a line, such that entries of one line have about the same weights.

    Weight vectors are grouped into at most 64 shapes (two classes) or 512 by k-means, each entry counted as often as it
    occurs. Every shape has one line and further copies in proportion to how often its entries occur; they are dealt out
    in turn, the most frequent entries first, so that few texts hold two entries of one line, which spike only once.

    Parameters
    ----------
    weight
        (entries, columns).
    frequency
        (entries,) texts with each entry.
    lines
        Lines in all.
    seed
        Of the first centres.

    Returns
    -------
    np.ndarray
        (entries,) int64 line of each entry, 0 to ``lines - 1`` at most; no line is left out.
    """
    shapes = _SHAPES_OF_TWO if weight.shape[1] == 1 else _SHAPES
    shape = _shapes(weight.astype(np.float32), frequency.astype(np.float64), min(shapes, lines), seed)
    _, shape = np.unique(shape, return_inverse=True)
    load = np.bincount(shape, weights=frequency)
    members = np.bincount(shape)
    copies = np.ones(len(load), dtype=np.int64)
    spare = lines - len(load)
    copies += np.minimum((spare * load / load.sum()).astype(np.int64), members - 1)
    first = np.concatenate([[0], np.cumsum(copies)])
    order = np.lexsort((-frequency, shape))
    place = np.arange(len(order)) - np.repeat(np.cumsum(members) - members, members)
    line = np.empty(len(order), dtype=np.int64)
    line[order] = first[shape[order]] + place % copies[shape[order]]
    return line


def _shapes(weight: np.ndarray, times: np.ndarray, shapes: int, seed: int) -> np.ndarray:
    distinct, first = np.unique(weight, axis=0, return_inverse=True)
    times = np.bincount(first.ravel(), weights=times)
    if len(distinct) <= shapes:
        return first.ravel()
    chances = times * (distinct**2).sum(axis=1) + 1e-9
    chosen = np.random.default_rng(seed).choice(len(distinct), shapes, replace=False, p=chances / chances.sum())
    centre = distinct[chosen]
    for _ in range(_ROUNDS):
        nearest = _nearest(distinct, centre)
        total = np.bincount(nearest, weights=times, minlength=shapes)
        for column in range(distinct.shape[1]):
            summed = np.bincount(nearest, weights=times * distinct[:, column], minlength=shapes)
            centre[:, column] = np.where(total > 0, summed / np.maximum(total, 1e-9), centre[:, column])
    return _nearest(distinct, centre)[first.ravel()]


def _nearest(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    nearest = np.empty(len(points), dtype=np.int64)
    square = (centre**2).sum(axis=1)
    rows = max(1, _AT_ONCE // len(centre))
    for start in range(0, len(points), rows):
        nearest[start : start + rows] = (square - 2 * points[start : start + rows] @ centre.T).argmin(axis=1)
    return nearest


def mean_weights(weight: np.ndarray, frequency: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Weights of lines: the mean of their entries', each counted as often as it occurs, as even integers.

    Parameters
    ----------
    weight, frequency
        Of entries, as for `share_lines`.
    line
        (entries,) line of each.

    Returns
    -------
    np.ndarray
        (lines, columns) int64.
    """
    total = np.zeros((int(line.max()) + 1, weight.shape[1]))
    np.add.at(total, line, weight * frequency[:, None])
    return 2 * np.rint(total / (2 * np.bincount(line, weights=frequency)[:, None])).astype(np.int64)
