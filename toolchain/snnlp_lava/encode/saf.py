"""SAF: the self-accumulate-and-fire neuron, deterministic rate coding in closed form.

A SAF neuron adds its input x to an accumulator at every step, fires when the accumulator reaches 1 and keeps
the remainder (soft reset, no leak, start at 0; SNNLP, arXiv 2401.17911). With x a multiple of 2^-GRID_BITS
the accumulator is an integer and no rounding can occur, so that

    spike at step t   iff   floor((t + 1) x) > floor(t x)        t = 0, 1, ...
    spikes in T steps  =    floor(T x)

Values below 0 never fire, values above 1 fire at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snnlp_lava.encode.calibration import GRID_BITS, _RateEncoder

MAX_WINDOW = 1 << 14
"""Longest window, in steps: (t + 1) x must stay within 31 bits."""


def saf_spikes(values: np.ndarray, window: int) -> np.ndarray:
    """Spike trains of SAF neurons.

    Parameters
    ----------
    values
        (..., channels) int32 in [0, ONE], from `to_grid`.
    window
        Number of steps T, at most MAX_WINDOW.

    Returns
    -------
    np.ndarray
        (..., T, channels) uint8, 0 or 1.

    Raises
    ------
    ValueError
        If the window is out of range.
    """
    if not 0 < window <= MAX_WINDOW:
        raise ValueError(f"a window of {window} steps is not within 1 to {MAX_WINDOW}")
    values = np.asarray(values, dtype=np.int32)
    floors = values[..., None, :] * np.arange(window + 1, dtype=np.int32)[:, None]
    floors >>= GRID_BITS
    return (floors[..., 1:, :] != floors[..., :-1, :]).view(np.uint8)


@dataclass(frozen=True)
class SafEncoder(_RateEncoder):
    """Vectors, calibrated, as deterministic rates (see `snnlp_lava.encode.saf`).

    Attributes
    ----------
    calibration
        From vectors to SAF values.
    """

    def inputs(self, features: np.ndarray, window: int) -> np.ndarray:
        """Vectors (n, d) to SAF values (n, channels) int32."""
        return self.calibration(features)

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """SAF values to spike trains (n, window, channels) uint8."""
        return saf_spikes(inputs, window)

    def to_dict(self) -> dict[str, Any]:
        """Kind and calibration."""
        return {"kind": "saf", "calibration": self.calibration.name}
