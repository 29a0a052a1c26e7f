"""Learn sparse binary codes for vectors together with the weights that they select.

A code c in {0, 1}^K stands for the vector c W. Codes and W minimise, summed over all that is presented,
|e - c W|^2 + spike_penalty |c|: in turns the codes by matching pursuit (Mallat and Zhang 1993; each row of W at most
once, with coefficient 1), and W by least squares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_TURNS = 12  # of codes, then weights


_LAST_REVIVAL = 8  # turn up to which a line that no code uses starts again from a vector


_MOST_SPIKES = 8  # of one code


_RIDGE = 1e-4  # keeps the least squares solvable where a line is never used


class Codebook(NamedTuple):
    """Codes and weights.

    Attributes
    ----------
    codes
        (entries, lines) bool.
    weight
        (lines, classes) float32.
    """

    codes: np.ndarray
    weight: np.ndarray


def fit_codebook(vectors: np.ndarray, rate: np.ndarray, lines: int, spike_penalty: float, seed: int) -> Codebook:
    """Learn codes.

    Parameters
    ----------
    vectors
        (entries, classes) float32.
    rate
        (entries,) how often each is presented.
    lines
        Length of a code.
    spike_penalty
        What a spike costs, in units of a squared vector; above 0.
    seed
        Of the first weights, which are some of the vectors, whole, halved or quartered.
    """
    codes = np.zeros((len(vectors), lines), dtype=bool)
    # A vector no longer than this is nearest to the empty code, whatever the weights.
    worth = np.flatnonzero((vectors.astype(np.float64) ** 2).sum(axis=1) > spike_penalty)
    if not len(worth):
        return Codebook(codes, np.zeros((lines, vectors.shape[1]), dtype=np.float32))
    few, times = vectors[worth], rate[worth][:, None]
    rng = np.random.default_rng(seed)
    chances = (times * few**2).sum(axis=1)
    chances /= chances.sum()

    def drawn(count: int) -> np.ndarray:
        return few[rng.choice(len(few), count, p=chances)] * rng.choice([1, 0.5, 0.25], count)[:, None]

    weight = drawn(lines).astype(np.float32)
    for turn in range(_TURNS):
        used = _pursuit(few, weight, spike_penalty)
        shared = (used * times).T @ used.astype(np.float64)
        weight = np.linalg.solve(shared + _RIDGE * np.eye(lines), (used * times).T @ few).astype(np.float32)
        idle = ~used.any(axis=0)
        if idle.any() and turn < _LAST_REVIVAL:
            weight[idle] = drawn(int(idle.sum()))
    codes[worth] = _pursuit(few, weight, spike_penalty)
    return Codebook(codes, weight)


def _pursuit(vectors: np.ndarray, weight: np.ndarray, spike_penalty: float) -> np.ndarray:
    """Codes (n, lines) bool: add the line that lowers distance plus spike_penalty most, as long as one lowers it."""
    codes = np.zeros((len(vectors), len(weight)), dtype=bool)
    rest = vectors.copy()
    cost = (weight**2).sum(axis=1) + spike_penalty
    active = np.arange(len(vectors))
    for _ in range(min(_MOST_SPIKES, len(weight))):
        gain = 2 * rest[active] @ weight.T - cost
        gain[codes[active]] = -np.inf
        line = gain.argmax(axis=1)
        pays = gain[np.arange(len(active)), line] > 0
        active, line = active[pays], line[pays]
        if not len(active):
            break
        codes[active, line] = True
        rest[active] -= weight[line]
    return codes
