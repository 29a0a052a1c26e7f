"""Products of spikes and weights by adding up the weights of those lines that spike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

_DENSE_FROM = 0.2
"""Share of lines that spike from which BLAS is quicker."""


def is_sparse(spikes: np.ndarray) -> bool:
    """Whether so few of the spikes, an array of any shape, are not 0 that `add_weights` is quicker than BLAS."""
    return bool(np.count_nonzero(spikes) < _DENSE_FROM * spikes.size)


@njit(cache=True, parallel=True)
def add_weights(spikes: Any, weight: Any, sums: Any) -> None:
    """Add spikes @ weight to `sums`, which no sum may overflow.

    Parameters
    ----------
    spikes
        (rows, in) numbers, mostly 0.
    weight
        (in, out) numbers.
    sums
        (rows, out) numbers.
    """
    rows, lines = spikes.shape
    for row in prange(rows):
        for line in range(lines):
            spike = spikes[row, line]
            if spike:
                for neuron in range(weight.shape[1]):
                    sums[row, neuron] += spike * weight[line, neuron]
