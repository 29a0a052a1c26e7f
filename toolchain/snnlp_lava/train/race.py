"""The race that makes evidence into spikes: which levels it needs, and the weights that lift it over them.

Each output neuron holds its class's evidence e as its membrane potential. At the end of the window the lines of the
race lift all of them alike, so that after the j-th step those have spiked whose evidence is above a level t_j, from
high levels to low ones. The class that spikes first has won.
"""

from __future__ import annotations

import numpy as np

from snnlp_lava.chip import limits

_CANDIDATES = 512  # levels to choose from
_LEAST_GAIN = 1e-3  # share of the texts that a level must serve


def race_levels(evidence: np.ndarray, at_most: int | None = None) -> np.ndarray:
    """The levels, falling, that tell winner from runner-up in nearly all texts.

    Chosen greedily: each next level is the one that lies between the two in most of the texts that have none yet, until
    another would serve less than a thousandth of the texts. One level at least is below the winner of a text without
    evidence.

    Parameters
    ----------
    evidence
        (n, classes) even integers; the last row is that of a text without evidence.
    at_most
        The most levels to choose, 1 or more.

    Returns
    -------
    np.ndarray
        (levels,) even integers.
    """
    low, high = np.sort(evidence, axis=1)[:, -2:].T
    # Evidence e is above a level t where e > t, so t lies between the two where low <= t < high.
    candidates = np.unique(np.quantile(low, np.linspace(0, 1, _CANDIDATES), method="nearest"))
    between = (low[:, None] <= candidates) & (candidates < high[:, None])
    chosen: list[int] = []
    while at_most is None or len(chosen) < at_most:
        serves = between.sum(axis=0)
        best = int(serves.argmax())
        if serves[best] < _LEAST_GAIN * len(evidence):
            break
        chosen.append(best)
        between = between[~between[:, best]]
    levels = np.sort(candidates[chosen])[::-1]
    if not len(levels) or levels[-1] >= high[-1]:
        levels = np.append(levels[: at_most and at_most - 1], high[-1] - 2)
    return levels


def race_weights(levels: np.ndarray, offset: np.ndarray, threshold: int) -> np.ndarray:
    """Weights of the race's lines.

    Parameters
    ----------
    levels
        From `race_levels`.
    offset
        (classes,) even integers, 0 at most: what each class has before any evidence; the first line brings it.
    threshold
        Of the output neurons, which spike above it.

    Returns
    -------
    np.ndarray
        (steps, classes) even integers: the lift of each step, and in the first step the offset besides.
    """
    lifts: list[int] = []
    for level in levels:
        missing = max(0, threshold - int(level) - sum(lifts))
        whole, rest = divmod(missing, limits.WEIGHT_MAX)
        lifts += [limits.WEIGHT_MAX] * whole + [rest] * (rest > 0)
    weights = np.repeat(np.array(lifts, dtype=np.int64)[:, None], len(offset), axis=1)
    weights[0] += offset
    return np.maximum(weights, limits.WEIGHT_MIN)
