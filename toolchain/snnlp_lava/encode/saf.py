"""Encode vectors as deterministic rates of SAF (self-accumulate-and-fire) neurons, in closed form.

A SAF neuron adds its input x to an accumulator at every step, fires when the accumulator reaches 1 and keeps
the remainder (soft reset, no leak, start at 0; SNNLP, arXiv 2401.17911). With x a multiple of 2^-FRACTION_BITS
the accumulator is an integer and no rounding can occur, so that

    spike at step t   iff   floor((t + 1) x) > floor(t x)        t = 0, 1, ...
    spikes in T steps  =    floor(T x)

Values below 0 never fire, values above 1 fire at every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from snnlp_lava.encode.base import MAX_WINDOW
from snnlp_lava.encode.calibration import FRACTION_BITS, CalibrationName, RateEncoder, load_calibration
from snnlp_lava.records import Record, build


def saf_spikes(values: np.ndarray, window: int) -> np.ndarray:
    """Return the spike trains of SAF neurons.

    Parameters
    ----------
    values
        (..., lines) int32 in [0, FIXED_ONE], from a `Calibration`.
    window
        Number of steps T, at most MAX_WINDOW.

    Returns
    -------
    np.ndarray
        (..., T, lines) uint8, 0 or 1.

    Raises
    ------
    ValueError
        If the window is out of range.
    """
    if not 0 < window <= MAX_WINDOW:
        raise ValueError(f"window must be 1 to {MAX_WINDOW} steps, got {window}")
    values = np.asarray(values, dtype=np.int32)
    floors = values[..., None, :] * np.arange(window + 1, dtype=np.int32)[:, None]
    floors >>= FRACTION_BITS
    return (floors[..., 1:, :] != floors[..., :-1, :]).view(np.uint8)


class _Description(Record, frozen=True):
    kind: Literal["saf"]
    calibration: CalibrationName


@dataclass(frozen=True)
class SafEncoder(RateEncoder):
    """Encode calibrated vectors as deterministic rates.

    Attributes
    ----------
    calibration
        Maps vectors to SAF values.
    """

    kind = "saf"
    step_ops = ("integer_addition", "comparison")  # x is added to the accumulator, which is compared with the threshold

    def quantise(self, features: np.ndarray, window: int) -> np.ndarray:
        """Convert vectors (n, d) to SAF values (n, lines) int32 in [0, FIXED_ONE]."""
        return self.calibration(features)

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Convert SAF values to spike trains (n, window, lines) uint8."""
        return saf_spikes(values, window)

    def to_dict(self) -> dict[str, Any]:
        """Return kind and calibration."""
        return {"kind": self.kind, "calibration": self.calibration.name}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SafEncoder:
        """Inverse of `to_dict` and `arrays`; InputError if they do not describe such an encoder."""
        return cls(load_calibration(build(_Description, document, "encoder").calibration, arrays))
