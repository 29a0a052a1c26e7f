"""Bernoulli rate coding: at every step a line spikes with probability x, independently of all others.

SNNLP (arXiv 2401.17911) calls it the random, or Poisson, rate code. With x a multiple of 2^-GRID_BITS the
probability is exact: a line spikes where a uniform 16-bit number is below X = 2^16 x.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnlp_lava.encode.calibration import GRID_BITS, ONE, _RateEncoder


def bernoulli_spikes(values: np.ndarray, window: int, rng: np.random.Generator) -> np.ndarray:
    """Spike trains from one stream of random numbers.

    Parameters
    ----------
    values
        (n, channels) int32 in [0, ONE], from `snnlp_lava.encode.calibration.to_grid`.
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


@dataclass(frozen=True)
class BernoulliEncoder(_RateEncoder):
    """Vectors, calibrated, as random rates (see `snnlp_lava.encode.bernoulli`).

    Attributes
    ----------
    calibration
        From vectors to probabilities in units of 2^-16.
    seed
        Seed of the trains.
    reference
        Spike with probability 1 - x and always draw the same train, as SNNLP's published runs did.
    """

    seed: int
    reference: bool = False

    def inputs(self, features: np.ndarray, window: int) -> np.ndarray:
        """Vectors (n, d) to probabilities (n, channels) int32 in [0, saf.ONE]."""
        values = self.calibration(features)
        return ONE - values if self.reference else values

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Probabilities to spike trains (n, window, channels) uint8."""
        if rng is None or self.reference:
            return seeded_bernoulli_spikes(inputs, window, self.seed)
        return bernoulli_spikes(inputs, window, rng)

    def to_dict(self) -> dict[str, Any]:
        """Kind, calibration, seed, reference."""
        return {
            "kind": "bernoulli",
            "calibration": self.calibration.name,
            "seed": self.seed,
            "reference": self.reference,
        }
