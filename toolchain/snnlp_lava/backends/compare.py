"""Lava's spikes held against the emulator's, each of them, before a run has a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnlp_lava.backends.base import RunResult, Trains
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.process import LavaRun
from snnlp_lava.encode.base import Samples
from snnlp_lava.errors import BackendError
from snnlp_lava.network.network import Network


def agreed(
    backend: str,
    network: Network,
    samples: Samples,
    period: int,
    ran: LavaRun,
    *,
    hint: str,
    keep_trains: int = 0,
    inspect: Callable[[Sequence[np.ndarray]], None] = lambda trains: None,
) -> RunResult:
    """The result of a backend whose spikes were read: the emulator's, if every spike that was read is the emulator's.

    Spikes are all that Lava tells; wraps, clips and active updates follow from them.

    Parameters
    ----------
    backend
        Its name.
    network, samples, period
        What ran.
    ran
        What was read: of all layers, or of some.
    hint
        Where to look when they differ.
    keep_trains, inspect
        As in `snnlp_lava.backends.emulator.run_emulator`. The trains of the layers that were read are those.

    Raises
    ------
    BackendError
        If a spike differs.
    """
    differences, first, start = 0, "", 0

    def compare(trains: Sequence[np.ndarray]) -> None:
        nonlocal differences, first, start
        stop = start + len(trains[0])
        for index, packed in ran.trains.items():
            ours, name = trains[index], network.layer_names[index]
            theirs = np.unpackbits(packed[start:stop], axis=2, count=ours.shape[2])
            found = np.argwhere(ours != theirs)
            differences += len(found)
            if len(found) and not first:
                sample, step, neuron = found[0]
                has, lacks = (backend, "the emulator") if theirs[sample, step, neuron] else ("the emulator", backend)
                where = f"sample {ran.finished[start + sample] + 1}, {name} neuron {neuron}, step {step}"
                first = f"first in {where}: {has} spikes, {lacks} does not"
        inspect(trains)
        start = stop

    result = run_emulator(network, samples.take(ran.finished), period, keep_trains=keep_trains, inspect=compare)
    if first:
        raise BackendError(f"{backend} and emulator differ in {differences} spikes; {first}; {hint}")
    read = {index: packed[:keep_trains] for index, packed in ran.trains.items()}
    trains = tuple(read.get(index, train) for index, train in enumerate(result.trains))
    return replace(result, backend=backend, steps=ran.steps, trains=trains)


@dataclass(frozen=True)
class Place:
    """The first spike in which two sides differ.

    Attributes
    ----------
    other
        Which side differs from the emulator.
    sample, layer, neuron, step
        Where: the sample from 0, the layer's name, the neuron, the step of the layer's own window.
    emulator_state, other_state
        u and v after that step, before the reset by a spike, as they follow from the spikes that arrived on either
        side: Lava and SLAYER record spikes, so their registers are computed from those. None for a layer of a chip,
        of which only the output is read.
    """

    other: str
    sample: int
    layer: str
    neuron: int
    step: int
    emulator_state: tuple[int, int]
    other_state: tuple[int, int] | None


def _place(
    network: Network,
    index: int,
    differ: np.ndarray,
    emulated: Trains,
    side: str,
    trains: Trains,
) -> Place:
    sample = int(np.flatnonzero(differ.any(axis=(1, 2)))[0])
    step = int(np.flatnonzero(differ[sample].any(axis=1))[0])
    neuron = int(np.flatnonzero(differ[sample, step])[0])
    ours: tuple[int, int] = (0, 0)
    theirs: tuple[int, int] | None = (0, 0)
    if index:
        layer = network.layers[index - 1]
        theirs = None
        ours = layer.trace(neuron, emulated[index - 1][sample, : step + 1], emulated[index][sample, : step + 1])
        if index - 1 in trains:
            arrived, sent = (trains[i][sample, : step + 1] for i in (index - 1, index))
            theirs = layer.trace(neuron, arrived, sent, registers=side != "slayer")
    return Place(side, sample, network.layer_names[index], neuron, step, ours, theirs)
