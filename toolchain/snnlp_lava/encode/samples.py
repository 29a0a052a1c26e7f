"""What is presented to a network: samples that become spikes when they are needed, a few at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from snnlp_lava.encode.encoder import Encoder
from snnlp_lava.encode.saf import MAX_WINDOW
from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy


class Features(Protocol):
    """What encoders take of each text, which need not be in memory; a NumPy array is one."""

    def __len__(self) -> int:
        """Number of texts."""
        ...

    def __getitem__(self, rows: np.ndarray) -> Any:
        """Those of some rows: vectors (m, d), or texts (m,)."""
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

    def take(self, rows: np.ndarray) -> Samples:
        """Some of the samples."""
        ...


@dataclass(frozen=True)
class EncodedSamples:
    """Features and the encoder that makes them into spikes.

    Attributes
    ----------
    features
        What is known of each text.
    encoder
        From features to spikes.
    window
        Steps a sample is presented.
    """

    features: Features
    encoder: Encoder
    window: int

    def __len__(self) -> int:
        return len(self.features)

    def inputs(self, rows: np.ndarray) -> np.ndarray:
        """The encoder's integers of some samples, one row each.

        Raises
        ------
        InputError
            If the features do not fit the encoder.
        """
        return self.encoder.inputs(self.features[rows], self.window)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, channels) uint8."""
        return self.encoder.spikes(self.inputs(rows), self.window)

    def take(self, rows: np.ndarray) -> EncodedSamples:
        """Some of the samples."""
        return replace(self, features=self.features[rows])


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

    def take(self, rows: np.ndarray) -> SpikeSamples:
        """Some of the samples."""
        return SpikeSamples(self.trains[rows])


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
