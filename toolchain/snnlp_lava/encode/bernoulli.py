"""Encode vectors as Bernoulli rates: at every step a line spikes with probability x, independently of all others.

SNNLP (arXiv 2401.17911) calls it the random, or Poisson, rate code. With x a multiple of 2^-FRACTION_BITS the
probability is exact: a line spikes where a uniform 16-bit number is below X = 2^16 x.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from snnlp_lava.encode.calibration import FIXED_ONE, CalibrationName, RateEncoder, load_calibration
from snnlp_lava.records import Record, build


def bernoulli_spikes(values: np.ndarray, window: int, rng: np.random.Generator) -> np.ndarray:
    """Draw spike trains from one stream of random numbers.

    Parameters
    ----------
    values
        (n, lines) int32 in [0, FIXED_ONE], from a `Calibration`.
    window
        Number of steps T.
    rng
        Random number generator.

    Returns
    -------
    np.ndarray
        (n, T, lines) uint8, 0 or 1.
    """
    samples, lines = values.shape
    drawn = rng.integers(0, FIXED_ONE, (samples, window, lines), dtype=np.uint16)
    return (drawn < values[:, None, :]).view(np.uint8)


def seeded_bernoulli_spikes(values: np.ndarray, window: int, seed: int) -> np.ndarray:
    """Draw spike trains that depend only on each sample's values and the seed.

    So a text has the same train in every order, batch, process and data set.

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


class _Description(Record, frozen=True):
    kind: Literal["bernoulli"]
    calibration: CalibrationName
    seed: Annotated[int, Meta(ge=0, lt=1 << 32)]
    reference: bool


@dataclass(frozen=True)
class BernoulliEncoder(RateEncoder):
    """Encode calibrated vectors as random rates.

    Attributes
    ----------
    calibration
        Maps vectors to probabilities in fixed point.
    seed
        Seed of the trains, 0 to 2^32 - 1.
    reference
        Spike with probability 1 - x and always draw the same train, as SNNLP's published runs did.
    """

    seed: int
    reference: bool = False
    kind = "bernoulli"
    step_ops = ("random_number", "comparison")

    def quantise(self, features: np.ndarray, window: int) -> np.ndarray:
        """Convert vectors (n, d) to probabilities (n, lines) int32 in [0, FIXED_ONE]."""
        values = self.calibration(features)
        return FIXED_ONE - values if self.reference else values

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Convert probabilities to spike trains (n, window, lines) uint8."""
        if rng is None or self.reference:
            return seeded_bernoulli_spikes(values, window, self.seed)
        return bernoulli_spikes(values, window, rng)

    def to_dict(self) -> dict[str, Any]:
        """Return kind, calibration, seed and reference."""
        return {
            "kind": self.kind,
            "calibration": self.calibration.name,
            "seed": self.seed,
            "reference": self.reference,
        }

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> BernoulliEncoder:
        """Inverse of `to_dict` and `arrays`; InputError if they do not describe such an encoder."""
        found = build(_Description, document, "encoder")
        return cls(load_calibration(found.calibration, arrays), found.seed, found.reference)
