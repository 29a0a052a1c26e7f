"""Compare the emulator, spike by spike, with recordings of backends and with SLAYER."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np
from msgspec import Meta

from snnlp_lava.backends.base import RunResult
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import Samples
from snnlp_lava.network.network import Network
from snnlp_lava.progress import AdvanceCallback, no_advance
from snnlp_lava.records import Count, Record

State = Annotated[int, Meta(ge=-(1 << 62), le=1 << 62)]


class Peer(Protocol):
    """Source of spikes to compare the emulator with: a `snnlp_lava.backends.base.Recording`, or SLAYER."""

    registers: ClassVar[bool]
    """Whether u wraps and v saturates at 24 bits."""

    def spikes(self, start: int, stop: int) -> Mapping[int, np.ndarray]:
        """Return bit-packed spikes of the samples from `start` to `stop`, by layer, layer 0 being the input.

        (m, steps, ceil(neurons / 8)) uint8 each; if there are fewer steps than the period, only those are compared.
        """
        ...


class FirstDifference(Record, frozen=True):
    """The first spike in which the emulator and a peer differ.

    Attributes
    ----------
    peer
        Name of the peer.
    sample, layer, neuron, step
        Sample (from 0), layer name, neuron, and step within the layer's own window.
    peer_spikes
        True if the peer spikes and the emulator does not, False if it is the other way round.
    emulator_state, peer_state
        u and v after that step, before the reset by a spike. They are recomputed from the spikes that arrived on each
        side, since only spikes are recorded. None if those were not read; 0 for the input, which has no state.
    """

    peer: str
    sample: Count
    layer: str
    neuron: Count
    step: Count
    peer_spikes: bool
    emulator_state: tuple[State, State]
    peer_state: tuple[State, State] | None

    def __str__(self) -> str:
        one, two = (self.peer, "the emulator") if self.peer_spikes else ("the emulator", self.peer)
        u, v = self.emulator_state
        state = f"u {self.peer_state[0]} v {self.peer_state[1]}" if self.peer_state else "not read"
        return (
            f"first in sample {self.sample + 1}, layer {self.layer}, neuron {self.neuron}, step {self.step}, where "
            f"{one} spikes and {two} does not (emulator u {u} v {v}, {self.peer} {state})"
        )


@dataclass(frozen=True)
class Comparison:
    """Counts of the emulator, and differences between its spikes and those of its peers.

    Attributes
    ----------
    result
        Counts of the emulator.
    differences
        For each peer, the number of differing spikes of the input and every layer; None for a layer that was not read.
    first
        First difference, ordered by layer, then sample, then step; None if there is none.
    """

    result: RunResult
    differences: Mapping[str, list[int | None]]
    first: FirstDifference | None


def compare(
    network: Network,
    samples: Samples,
    period: int,
    peers: Mapping[str, Peer],
    *,
    keep_trains: int = 0,
    on_batch: Callable[[Sequence[np.ndarray]], None] = lambda trains: None,
    progress: AdvanceCallback = no_advance,
) -> Comparison:
    """Run samples on the emulator and compare each batch with the same samples of every peer.

    Parameters
    ----------
    network, samples, period, keep_trains, progress
        As in `snnlp_lava.backends.emulator.run_emulator`.
    peers
        Peers by name.
    on_batch
        Called with the emulator's spikes of each batch: (m, period, neurons) uint8 of the input and every layer.

    Raises
    ------
    InputError
        If a sample cannot be encoded.
    """
    differences: dict[str, list[int | None]] = {name: [None] * len(network.sizes) for name in peers}
    first: FirstDifference | None = None
    start = 0

    def compare_batch(trains: Sequence[np.ndarray]) -> None:
        nonlocal first, start
        stop = start + len(trains[0])
        for name, peer in peers.items():
            packed = peer.spikes(start, stop)
            for layer in sorted(packed):
                theirs = _unpacked(packed, layer, network)
                differ = trains[layer][:, : theirs.shape[1]] != theirs
                count = int(np.count_nonzero(differ))
                differences[name][layer] = (differences[name][layer] or 0) + count
                if count and (first is None or network.layer_names.index(first.layer) > layer):
                    first = _first_difference(network, layer, differ, trains, name, peer, packed, start)
        on_batch(trains)
        start = stop

    result = run_emulator(network, samples, period, keep_trains=keep_trains, progress=progress, inspect=compare_batch)
    return Comparison(result, differences, first)


def _unpacked(packed: Mapping[int, np.ndarray], layer: int, network: Network) -> np.ndarray:
    return np.unpackbits(packed[layer], axis=2, count=network.sizes[layer])


def _first_difference(
    network: Network,
    layer: int,
    differ: np.ndarray,
    trains: Sequence[np.ndarray],
    name: str,
    peer: Peer,
    packed: Mapping[int, np.ndarray],
    start: int,
) -> FirstDifference:
    sample, step, neuron = (int(place) for place in np.argwhere(differ)[0])
    ours: tuple[int, int] = (0, 0)
    theirs: tuple[int, int] | None = (0, 0)
    if layer:
        traced, until = network.layers[layer - 1], slice(0, step + 1)
        ours = traced.trace(neuron, trains[layer - 1][sample, until], trains[layer][sample, until])
        theirs = None
        if layer - 1 in packed:
            arrived, sent = (_unpacked(packed, index, network)[sample, until] for index in (layer - 1, layer))
            theirs = traced.trace(neuron, arrived, sent, registers=peer.registers)
    return FirstDifference(
        peer=name,
        sample=start + sample,
        layer=network.layer_names[layer],
        neuron=neuron,
        step=step,
        peer_spikes=not trains[layer][sample, step, neuron],
        emulator_state=ours,
        peer_state=theirs,
    )
