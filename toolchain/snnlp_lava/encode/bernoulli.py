"""Bernoulli rate coding: at every step a line spikes with probability x, independently of all others.

SNNLP (arXiv 2401.17911) calls it the random, or Poisson, rate code. With x a multiple of 2^-GRID_BITS the
probability is exact: a line spikes where a uniform 16-bit number is below X = 2^16 x.
"""

from __future__ import annotations

import hashlib

import numpy as np

from snnlp_lava.encode.saf import GRID_BITS


def bernoulli_spikes(values: np.ndarray, window: int, rng: np.random.Generator) -> np.ndarray:
    """Spike trains from one stream of random numbers.

    Parameters
    ----------
    values
        (n, channels) int32 in [0, ONE], from `snnlp_lava.encode.saf.to_grid`.
    window
        Number of steps T.
    rng
        Source of the numbers.

    Returns
    -------
    np.ndarray
        (n, T, channels) uint8, 0 or 1.
    """
    samples, channels = values.shape
    drawn = rng.integers(0, 1 << GRID_BITS, (samples, window, channels), dtype=np.uint16)
    return (drawn < values[:, None, :]).view(np.uint8)


def seeded_bernoulli_spikes(values: np.ndarray, window: int, seed: int) -> np.ndarray:
    """Spike trains that depend on each sample's values and the seed alone.

    So the same text has the same train in every order, batch, process and data set.

    Parameters
    ----------
    values, window
        As for `bernoulli_spikes`.
    seed
        0 or more.
    """
    spikes = np.empty((len(values), window, values.shape[1]), dtype=np.uint8)
    for index, row in enumerate(np.ascontiguousarray(values, dtype="<i4")):
        digest = hashlib.blake2b(row.tobytes(), key=seed.to_bytes(8, "little"), digest_size=16).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "little"))
        spikes[index] = bernoulli_spikes(row[None], window, rng)[0]
    return spikes
