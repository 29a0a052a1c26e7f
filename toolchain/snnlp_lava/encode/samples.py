"""What is presented to a network: samples that become spikes when they are needed, a few at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import MAX_WINDOW, saf_spikes
from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy


class Vectors(Protocol):
    """Vectors that need not be in memory; a NumPy array is one."""

    def __len__(self) -> int:
        """Number of vectors."""
        ...

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(m, d) floats of some rows."""
        ...


class Samples(Protocol):
    """Samples in order, each of the same number of steps."""

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        ...

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, channels) uint8, 0 or 1."""
        ...


@dataclass(frozen=True)
class SafSamples:
    """Vectors that are calibrated and coded by SAF neurons.

    Attributes
    ----------
    vectors
        The vectors.
    calibration
        From vectors to SAF values.
    window
        Steps a sample is presented.
    """

    vectors: Vectors
    calibration: Calibration
    window: int

    def __len__(self) -> int:
        return len(self.vectors)

    def values(self, rows: np.ndarray) -> np.ndarray:
        """SAF values of some samples: (m, channels) int32.

        Raises
        ------
        InputError
            If the vectors do not fit the calibration.
        """
        return self.calibration(self.vectors[rows])

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, channels) uint8."""
        return saf_spikes(self.values(rows), self.window)


@dataclass(frozen=True)
class SpikeSamples:
    """Spike trains as they are.

    Attributes
    ----------
    trains
        (n, window, channels) of any type of number, all 0 or 1; may be memory-mapped.
    """

    trains: np.ndarray

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        return int(self.trains.shape[1])

    def __len__(self) -> int:
        return len(self.trains)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, channels) uint8.

        Raises
        ------
        InputError
            If they hold anything but 0 and 1.
        """
        trains = self.trains[rows]
        spikes = trains != 0
        wrong = spikes & (trains != 1)
        if wrong.any():
            sample = int(rows[np.argmax(wrong.any(axis=(1, 2)))])
            raise InputError(f"sample {sample + 1} holds {trains[wrong].flat[0]:g}; spikes are 0 or 1")
        return spikes.view(np.uint8)


def load_spikes(path: Path, channels: int) -> SpikeSamples:
    """Open spike trains in a .npy file, memory-mapped.

    Parameters
    ----------
    path
        The file: (samples, steps, channels), or (steps, channels) for one sample; numbers of any type.
    channels
        Input lines of the network.

    Raises
    ------
    InputError
        If it is no such file. That all its values are 0 or 1 shows when they are read.
    """
    trains = open_npy(path, "spikes")
    fits = trains.ndim in (2, 3) and trains.shape[-1] == channels and 0 not in trains.shape
    if not fits or trains.dtype.kind not in "biuf":
        raise InputError(
            f"spikes {path}: is {trains.dtype} of shape {trains.shape}; "
            f"numbers of shape (samples, steps, {channels}) are needed"
        )
    if trains.shape[-2] > MAX_WINDOW:
        raise InputError(f"spikes {path}: has {trains.shape[-2]} steps; {MAX_WINDOW} are the most")
    return SpikeSamples(trains if trains.ndim == 3 else trains[None])
