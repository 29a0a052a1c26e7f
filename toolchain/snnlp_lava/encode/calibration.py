"""Calibrate vectors to [0, 1] in fixed point by one affine map per dimension, and share code among rate encoders.

Every calibration is one affine map per dimension, z = gain v + offset, fitted on the training vectors only:

paper
    z = (v + 1) / 2, as in SNNLP. Sentence vectors have unit norm, so 384 values stay within about
    0.5 +- 0.05 and most of the window carries nothing.
range
    The 1st to the 99th percentile of each dimension is spread over 0 to 1.
onoff
    z = (v - mean) / (N_SIGMA x standard deviation), coded by two lines a dimension: the first fires for
    z > 0, the second for z < 0. An average value is silent, so the code is sparse where the others fire at 0.5.
learned
    An on and an off channel a dimension as in onoff, z = +-gain v + offset, with gains and offsets that training
    learned (`snnlp_lava.train.methods.rate`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from snnlp_lava.embed.base import OpCounts
from snnlp_lava.encode.base import Encoder, array_from
from snnlp_lava.errors import InputError

FRACTION_BITS = 16


FIXED_ONE = 1 << FRACTION_BITS
"""The integer that represents x = 1, and the threshold of the integer accumulator."""


def to_fixed_point(x: np.ndarray) -> np.ndarray:
    """Clip values to [0, 1] and round them to multiples of 2^-FRACTION_BITS.

    Parameters
    ----------
    x
        Floats of any shape.

    Returns
    -------
    np.ndarray
        int32 in [0, FIXED_ONE], same shape.
    """
    return np.rint(np.clip(np.asarray(x, dtype=np.float64), 0.0, 1.0) * FIXED_ONE).astype(np.int32)


CalibrationName = Literal["onoff", "range", "paper", "learned"]
CALIBRATIONS: tuple[CalibrationName, ...] = get_args(CalibrationName)
FITTED = CALIBRATIONS[:3]
"""Calibrations that `fit_calibration` fits."""


N_SIGMA = 3.0
"""Number of standard deviations that `onoff` maps to a spike at every step."""


_CONSTANT = 1e-5
"""A dimension whose spread is below this fraction of the typical one counts as constant, and stays silent."""


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration.

    Attributes
    ----------
    name
        One of CALIBRATIONS.
    gain, offset
        (d,) float64; (2 d,) for ``learned``, on channels first.
    """

    name: str
    gain: np.ndarray
    offset: np.ndarray

    def __post_init__(self) -> None:
        if self.name not in CALIBRATIONS:
            raise InputError(f"calibration {self.name!r} is unknown (known: {', '.join(CALIBRATIONS)})")
        for field in ("gain", "offset"):
            values = np.asarray(getattr(self, field))
            if values.dtype.kind not in "biuf" or values.ndim != 1 or not np.isfinite(values).all():
                raise InputError(f"calibration {self.name}: {field} must be one finite number for each dimension")
            values = values.astype(np.float64, copy=False)
            object.__setattr__(self, field, values)
        if len(self.gain) != len(self.offset) or not len(self.gain):
            raise InputError(
                f"calibration {self.name}: must have one gain and one offset for each dimension, got "
                f"{len(self.gain)} gains and {len(self.offset)} offsets"
            )

        if self.name == "learned" and len(self.gain) % 2:
            raise InputError(f"calibration {self.name}: {len(self.gain)} gains; an even number is needed")

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return len(self.gain) // 2 if self.name == "learned" else len(self.gain)

    @property
    def lines(self) -> int:
        """Number of input lines that it feeds."""
        return self.dimension * (2 if self.name in ("onoff", "learned") else 1)

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Convert vectors, (n, d) floats, to SAF values, (n, lines) int32 in [0, FIXED_ONE].

        Raises
        ------
        InputError
            If the vectors have another dimension, or contain NaN or infinity.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise InputError(f"vectors must have shape (n, {self.dimension}) for this network, got {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise InputError("vectors must be finite, got NaN or infinity")
        vectors = np.asarray(vectors, dtype=np.float64)
        if self.name == "learned":
            vectors = np.concatenate([vectors, vectors], axis=1)
        z = vectors * self.gain + self.offset
        if self.name == "onoff":
            z = np.concatenate([z, -z], axis=1)
        return to_fixed_point(z)


def fit_calibration(name: str, vectors: np.ndarray) -> Calibration:
    """Fit one of FITTED on the training vectors, (n, d) floats.

    Raises
    ------
    InputError
        If the name is unknown.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    dimension = vectors.shape[1]
    if name == "paper":
        return Calibration(name, np.full(dimension, 0.5), np.full(dimension, 0.5))
    if name == "range":
        low, high = np.percentile(vectors, [1, 99], axis=0)
        gain = inverse_spread(high - low, np.abs(vectors).max())
        return Calibration(name, gain, -low * gain)
    gain = inverse_spread(N_SIGMA * vectors.std(axis=0), np.abs(vectors).max())
    return Calibration(name, gain, -vectors.mean(axis=0) * gain)


def inverse_spread(spread: np.ndarray, size: float) -> np.ndarray:
    """Return 1 / spread of each dimension; 0 for constant dimensions, of which all-MiniLM-L6-v2 has two.

    Parameters
    ----------
    spread
        (d,) floats, 0 or more.
    size
        Largest absolute value of the vectors: variation below float32 resolution counts as constant.
    """
    floor = max(_CONSTANT * float(np.median(spread)), float(np.finfo(np.float32).eps) * size)
    varies = spread > floor
    return np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)


@dataclass(frozen=True)
class RateEncoder(Encoder):
    """Base of encoders of vectors whose lines spike at calibrated rates.

    Attributes
    ----------
    calibration
        Maps vectors to rates in fixed point.
    """

    calibration: Calibration
    takes = "vectors"
    step_ops: ClassVar[tuple[str, str]]
    """Operations per line and step, as terms of `snnlp_lava.energy.prices.TERMS`."""

    @property
    def lines(self) -> int:
        """Number of lines."""
        return self.calibration.lines

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.calibration.dimension

    def known(self, features: np.ndarray) -> np.ndarray:
        """A vector of 0 is that of a text without words."""
        return np.any(features, axis=1)

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """Count one MAC per dimension (gain and offset), and the operations of each line and step."""
        dimensions, line_steps = samples * self.dimension, samples * self.calibration.lines * window
        counts = {"mac": dimensions, **dict.fromkeys(self.step_ops, line_steps)}
        return OpCounts(f"{self.kind} coding", "dimensions", dimensions, counts)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return gain and offset."""
        return {"gain": self.calibration.gain, "offset": self.calibration.offset}


def load_calibration(name: str, arrays: Mapping[str, np.ndarray]) -> Calibration:
    """Create a calibration from its name and an encoder's arrays; InputError if it is invalid."""
    return Calibration(name, array_from(arrays, "gain"), array_from(arrays, "offset"))
