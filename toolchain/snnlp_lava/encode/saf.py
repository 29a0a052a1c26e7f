"""Encode vectors as deterministic rates of SAF (self-accumulate-and-fire) neurons, in closed form.

A SAF neuron adds its input x to an accumulator at every step, fires when the accumulator reaches 1 and keeps
the remainder (soft reset, no leak, start at 0; SNNLP, arXiv 2401.17911). With x a multiple of 2^-FRACTION_BITS
the accumulator is an integer and no rounding can occur, so that

    spike at step t   iff   floor((t + 1) x) > floor(t x)        t = 0, 1, ...
    spikes in T steps  =    floor(T x)

Values below 0 never fire, values above 1 fire at every step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from snnlp_lava.embed.base import OpCounts
from snnlp_lava.encode.base import MAX_WINDOW, array_from
from snnlp_lava.encode.calibration import FRACTION_BITS, CalibrationName, RateEncoder, load_calibration
from snnlp_lava.errors import InputError
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
    steps: Annotated[int, Meta(ge=1, le=MAX_WINDOW)] | None = None
    scheduled_lines: Annotated[tuple[str, ...], Meta(max_length=4096)] = ()


@dataclass(frozen=True, eq=False)
class SafEncoder(RateEncoder):
    """Encode calibrated vectors as deterministic rates; other lines may spike at fixed steps, such as a ramp.

    Attributes
    ----------
    calibration
        Maps vectors to SAF values.
    steps
        Steps of the window in which SAF neurons spike, the first ones; None for all.
    schedule
        (window, scheduled lines) uint8: when the lines behind the SAF neurons' spike, the same for every sample.
    scheduled_lines
        Purpose of each of these lines: ``bias``, ``ramp``.
    """

    steps: int | None = None
    schedule: np.ndarray | None = None
    scheduled_lines: tuple[str, ...] = ()

    kind = "saf"
    step_ops = ("integer_addition", "comparison")  # x is added to the accumulator, which is compared with the threshold

    def __post_init__(self) -> None:
        if self.schedule is None:
            return
        shape = self.schedule.shape
        if self.schedule.dtype != np.uint8 or self.schedule.ndim != 2 or (self.schedule > 1).any():
            raise InputError("encoder: schedule must be a table of 0 and 1, a row for each step")
        if shape[1] != len(self.scheduled_lines) or not 0 < shape[0] <= MAX_WINDOW:
            raise InputError(f"encoder: schedule of shape {shape} for {len(self.scheduled_lines)} scheduled lines")
        if self.steps is None or self.steps > shape[0]:
            raise InputError(f"encoder: steps must be an integer from 1 to {shape[0]}, got {self.steps}")

    @property
    def window(self) -> int:
        """Steps of the schedule; 0 where there is none, and any window will do."""
        return 0 if self.schedule is None else len(self.schedule)

    @property
    def lines(self) -> int:
        """SAF neurons, then scheduled lines."""
        return self.calibration.lines + len(self.scheduled_lines)

    def quantise(self, features: np.ndarray, window: int) -> np.ndarray:
        """Convert vectors (n, d) to SAF values (n, neurons) int32 in [0, FIXED_ONE]."""
        return self.calibration(features)

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Convert SAF values to spike trains (n, window, lines) uint8.

        Raises
        ------
        InputError
            If there is a schedule of another number of steps.
        """
        if self.schedule is None:
            return saf_spikes(values, window)
        if len(self.schedule) != window:
            raise InputError(f"window must be {len(self.schedule)}, the steps of the encoder's schedule, got {window}")
        neurons, steps = values.shape[-1], self.steps or window
        trains = np.zeros((*values.shape[:-1], window, self.lines), dtype=np.uint8)
        trains[..., :steps, :neurons] = saf_spikes(values, steps)
        trains[..., neurons:] = self.schedule
        return trains

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """Count as for every rate code, in the steps in which SAF neurons spike."""
        return super().host_ops(texts, samples, self.steps or window)

    def to_dict(self) -> dict[str, Any]:
        """Return kind and calibration; with a schedule, also the steps and the names of the scheduled lines."""
        document: dict[str, Any] = {"kind": self.kind, "calibration": self.calibration.name}
        if self.schedule is not None:
            document |= {"steps": self.steps, "scheduled_lines": list(self.scheduled_lines)}
        return document

    def arrays(self) -> dict[str, np.ndarray]:
        """Return gain and offset, and the schedule if there is one."""
        return super().arrays() | ({} if self.schedule is None else {"schedule": self.schedule})

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SafEncoder:
        """Inverse of `to_dict` and `arrays`; InputError if they do not describe such an encoder."""
        description = build(_Description, document, "encoder")
        return cls(
            load_calibration(description.calibration, arrays),
            description.steps,
            array_from(arrays, "schedule") if "schedule" in arrays else None,
            description.scheduled_lines,
        )
