"""Read samples and labels from .npy files: spikes, graded messages, values of an input layer's neurons, and events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.encode.base import MAX_WINDOW, SpikeSamples
from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy
from snnlp_lava.network.network import Network

MAX_BYTES = 1 << 30
"""Of all spikes of a file of events, as bytes."""


@dataclass(frozen=True)
class ValueSamples:
    """Values of an input layer's neurons.

    Attributes
    ----------
    values
        (n, window, *shape) numbers, or (n, 1, *shape) for values that do not change; may be memory-mapped.
    window
        Steps a sample is presented.
    layer
        The input layer, which makes integers of them.
    name
        What errors call them.
    rows
        (m,) which of them the samples are; None for all.
    """

    values: np.ndarray
    window: int
    layer: Any
    name: str
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values if self.rows is None else self.rows)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Return what the input neurons take at each step: (m, window, lines) int32.

        Raises
        ------
        InputError
            If a value is not a number, or too large for the neurons.
        """
        rows = rows if self.rows is None else self.rows[rows]
        values = self.values[rows].reshape(len(rows), self.values.shape[1], -1)
        found = np.empty(values.shape, dtype=np.int32)
        for place, row in enumerate(rows):
            try:
                found[place] = self.layer.currents(values[place])
            except InputError as error:
                raise InputError(f"{self.name}: sample {row + 1}: {error}") from error
        return np.broadcast_to(found, (len(rows), self.window, found.shape[2]))

    def take(self, rows: np.ndarray) -> ValueSamples:
        """Return some of the samples."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


def open_spikes(path: Path, network: Network, *, graded: bool = False) -> SpikeSamples:
    """Open spikes in a .npy file, memory-mapped.

    Parameters
    ----------
    path
        The file: (samples, steps, *input), or (steps, *input) for one sample; numbers of any type. The input is
        (lines,), or (width, height, channels) in NetX's order.
    network
        What they are for.
    graded
        Whether they are integers, as NetX takes them with ``input_message_bits=16``.

    Raises
    ------
    InputError
        If it is not such a file, or the network's input layer has neurons. Its values are checked when they are read.
    """
    if network.layers[0].takes_values:
        raise InputError(f"spikes {path}: the network's input layer has neurons, which take values; use --values")
    array = _array(path, "spikes", network, ("samples, steps", "steps"), (2, 1))
    _check_window(f"spikes {path}", array.shape[1])
    return SpikeSamples(array, f"spikes {path}", graded)


def open_values(path: Path, network: Network, steps: int | None) -> ValueSamples:
    """Open values of an input layer's neurons in a .npy file, memory-mapped.

    Parameters
    ----------
    path
        The file: (samples, steps, *input), or (samples, *input) for values that do not change; numbers of any type.
    network
        What they are for.
    steps
        How often values that do not change are presented; None for others.

    Raises
    ------
    InputError
        If it is not such a file, the network's input layer has no neurons, or steps is missing or not used. Its values
        are checked when they are read.
    """
    if not network.layers[0].takes_values:
        raise InputError(f"values {path}: the network's input layer has no neurons; use --spikes")
    array = _array(path, "values", network, ("samples, steps", "samples"), (2, 1))
    constant = array.ndim == 1 + len(network.layers[0].input_shape)
    if constant and steps is None:
        raise InputError(f"values {path}: has no axis of steps; say with --steps how often they are presented")
    if not constant and steps is not None:
        raise InputError(
            f"--steps {steps} only applies to values without an axis of steps; {path} has {array.shape[1]}"
        )
    window = array.shape[1] if steps is None else steps
    _check_window(f"values {path}", window)
    return ValueSamples(array[:, None] if constant else array, window, network.layers[0], f"values {path}")


def open_events(path: Path, network: Network, steps: int | None) -> SpikeSamples:
    """Read one sample of events as spikes, a step for every millisecond, as ``lava.lib.dl.slayer.io.Event`` does.

    Parameters
    ----------
    path
        A .npy file with a row for each event. Columns: line, polarity, time in ms; or x, y, polarity, time in ms for a
        network that takes (width, height, channels), whose channels are the polarities.
    network
        What they are for.
    steps
        Number of steps; None for those until the last event.

    Raises
    ------
    InputError
        If it is not such a file, or an event lies outside the network's input or the steps.
    """
    what = f"events {path}"
    if network.layers[0].takes_values:
        raise InputError(f"{what}: the network's input layer has neurons, which take values; use --values")
    array = open_npy(path, "events")
    shape = network.layers[0].input_shape
    columns = ("line", "polarity", "time") if len(shape) == 1 else ("x", "y", "polarity", "time")
    if array.ndim != 2 or array.shape[1] != len(columns) or not len(array) or array.dtype.kind not in "iuf":
        wanted = ", ".join(columns)
        raise InputError(f"{what}: must be rows of {wanted}, got {array.dtype} of shape {array.shape}")
    # Polarities of one axis of lines would be further lines; such networks take (width, height, channels).
    limits = (shape[0], 1) if len(shape) == 1 else (shape[2], shape[1], shape[0])
    with np.errstate(invalid="ignore"):
        last = np.rint(array[:, -1].max()) + 1
    window = steps or (int(last) if 1 <= last <= MAX_WINDOW else MAX_WINDOW)
    for column, limit, values in zip(columns, (*limits, window), array.T, strict=True):
        rounded = np.rint(values)
        with np.errstate(invalid="ignore"):
            outside = ~((rounded >= 0) & (rounded < limit))
        if outside.any():
            row = int(np.argmax(outside))
            raise InputError(f"{what}: event {row + 1}: {column} must be 0 to {limit - 1}, got {values[row]:g}")
    _check_window(what, window)
    if window * math.prod(shape) > MAX_BYTES:
        raise InputError(f"{what}: {window} steps of {math.prod(shape)} lines are too many")
    *place, step = np.rint(array.T).astype(np.int64)
    trains = np.zeros((1, window, *shape), dtype=np.uint8)
    trains[(0, step, place[0]) if len(shape) == 1 else (0, step, place[2], place[1], place[0])] = 1
    return SpikeSamples(trains, what)


def read_labels(path: Path, samples: int, classes: int) -> np.ndarray:
    """Read labels.

    Parameters
    ----------
    path
        A .npy file, (samples,) integers from 0: which neuron of the last layer is each sample's class.
    samples, classes
        How many there are.

    Returns
    -------
    np.ndarray
        (samples,) int64.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    array = open_npy(path, "labels")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"labels {path}: must be integers of shape ({samples},), got {array.dtype} of shape {array.shape}"
        )
    if len(array) != samples:
        raise InputError(f"labels {path}: has {len(array)} labels for {samples} samples")
    outside = (array < 0) | (array >= classes)
    if outside.any():
        row = int(np.argmax(outside))
        raise InputError(
            f"labels {path}: label {row + 1} must be 0 to {classes - 1}, one of the network's {classes} outputs, got "
            f"{array[row]}"
        )
    return np.asarray(array, dtype=np.int64)


def _array(path: Path, what: str, network: Network, axes: Sequence[str], before: Sequence[int]) -> np.ndarray:
    """Open an array whose last axes are the network's input, with one of these numbers of axes before; in our order."""
    array = open_npy(path, what)
    shape = network.layers[0].input_shape[::-1]  # NetX has (width, height, channels)
    fits = array.ndim - len(shape) in before and array.shape[array.ndim - len(shape) :] == shape
    if not fits or 0 in array.shape or array.dtype.kind not in "biuf":
        names = " (width, height, channels)" if len(shape) == 3 else ""
        shapes = " or ".join(f"({axis}, {', '.join(map(str, shape))})" for axis in axes)
        raise InputError(
            f"{what} {path}: must be numbers of shape {shapes}{names}, got {array.dtype} of shape {array.shape}"
        )
    if what == "spikes" and array.ndim == 1 + len(shape):
        array = array[None]
    if len(shape) == 1:
        return array
    return np.moveaxis(array, (-3, -2, -1), (-1, -2, -3))


def _check_window(what: str, steps: int) -> None:
    if not 1 <= steps <= MAX_WINDOW:
        raise InputError(f"{what}: must have 1 to {MAX_WINDOW} steps, got {steps}")
