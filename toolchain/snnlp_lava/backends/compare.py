"""Compare the emulator, spike by spike and message by message, with recordings of backends and with SLAYER."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np
from msgspec import Meta

from snnlp_lava.backends.base import RunResult, unpacked
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import Samples
from snnlp_lava.network import limits
from snnlp_lava.network.network import Network
from snnlp_lava.progress import AdvanceCallback, no_advance
from snnlp_lava.records import Count, Record

State = Annotated[int, Meta(ge=-(1 << 62), le=1 << 62)]


class Peer(Protocol):
    """Source of spikes to compare the emulator with: a `snnlp_lava.backends.base.Recording`, or SLAYER."""

    registers: ClassVar[bool]
    """Whether u wraps and v saturates at 24 bits."""

    def spikes(self, start: int, stop: int) -> Mapping[int, np.ndarray]:
        """Return what the samples from `start` to `stop` sent, by layer, layer 0 being the input.

        As `snnlp_lava.backends.base.packed`, (m, steps, ...) each; if there are fewer steps than the period, only those
        are compared.
        """
        ...


class FirstDifference(Record, frozen=True):
    """The first spike or message in which the emulator and a peer differ.

    Attributes
    ----------
    peer
        Name of the peer.
    sample, layer, neuron, step
        Sample (from 0), layer name, neuron, and step within the layer's own window.
    sent
        What the emulator and the peer sent: 1 or 0 of neurons that spike, a message, or the v of neurons that never do.
    graded
        Whether it is not spikes.
    emulator_state, peer_state
        u and v after that step, before the reset by a spike; of sigma-delta neurons what they have added up and told.
        They are recomputed from the spikes that arrived on each
        side, since only spikes are recorded. None if those were not read; 0 for the input, which has no state.
    """

    peer: str
    sample: Count
    layer: str
    neuron: Count
    step: Count
    sent: tuple[State, State]
    graded: bool
    emulator_state: tuple[State, State]
    peer_state: tuple[State, State] | None

    def __str__(self) -> str:
        one, two = ("the emulator", self.peer) if self.sent[0] else (self.peer, "the emulator")
        what = f"{one} spikes and {two} does not"
        if self.graded:
            what = f"the emulator has {self.sent[0]} and {self.peer} {self.sent[1]}"
        u, v = self.emulator_state
        state = f"u {self.peer_state[0]} v {self.peer_state[1]}" if self.peer_state else "not read"
        return (
            f"first in sample {self.sample + 1}, layer {self.layer}, neuron {self.neuron}, step {self.step}, where "
            f"{what} (emulator u {u} v {v}, {self.peer} {state})"
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
        Called with what the emulator sent in each batch, as its `inspect`.

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
            read = {index: unpacked(sent, network.sizes[index]) for index, sent in peer.spikes(start, stop).items()}
            if network.layers[0].takes_values:
                read[0] = trains[0]  # the values, which nobody sends
            for layer in sorted(read):
                theirs = read[layer]
                ours = trains[layer] if theirs.dtype != np.uint8 else _as_spikes(trains[layer], network, layer)
                differ = ours[:, : theirs.shape[1]] != theirs
                count = int(np.count_nonzero(differ))
                differences[name][layer] = (differences[name][layer] or 0) + count
                if count and (first is None or network.layer_names.index(first.layer) > layer):
                    before = read.get(layer - 1)
                    first = _first_difference(
                        network, layer, trains, theirs, differ, before, name, peer.registers, start
                    )
        on_batch(trains)
        start = stop

    result = run_emulator(network, samples, period, keep_trains=keep_trains, progress=progress, inspect=compare_batch)
    return Comparison(result, differences, first)


def _as_spikes(said: np.ndarray, network: Network, layer: int) -> np.ndarray:
    """Spikes of neurons of which v is told, which it says; what others sent as it is."""
    if layer and network.layers[layer - 1].neuron.reads_out and said.dtype != np.uint8:
        return (said > network.layers[layer - 1].neuron.threshold << limits.STATE_SHIFT).astype(np.uint8)
    return said


def _first_difference(
    network: Network,
    layer: int,
    trains: Sequence[np.ndarray],
    theirs: np.ndarray,
    differ: np.ndarray,
    arrived: np.ndarray | None,
    peer: str,
    registers: bool,
    start: int,
) -> FirstDifference:
    """Describe the first of `differ` (m, steps, neurons) in a layer of a batch from sample `start`.

    `theirs` is what the peer sent, and `arrived` what it got from the layer before; None if that was not read.
    """
    sample, step, neuron = (int(place) for place in np.argwhere(differ)[0])
    ours = trains[layer] if theirs.dtype != np.uint8 else _as_spikes(trains[layer], network, layer)
    own_state: tuple[int, int] = (0, 0)
    peer_state: tuple[int, int] | None = (0, 0)
    if layer:
        traced, until = network.layers[layer - 1], slice(0, step + 1)
        sent = _as_spikes(trains[layer], network, layer)
        own_state = traced.trace(neuron, trains[layer - 1][sample, until], sent[sample, until])
        peer_state = None
        if arrived is not None:
            sent = _as_spikes(theirs, network, layer)
            peer_state = traced.trace(neuron, arrived[sample, until], sent[sample, until], registers=registers)
    return FirstDifference(
        peer=peer,
        sample=start + sample,
        layer=network.layer_names[layer],
        neuron=neuron,
        step=step,
        sent=(int(ours[sample, step, neuron]), int(theirs[sample, step, neuron])),
        graded=theirs.dtype != np.uint8,
        emulator_state=own_state,
        peer_state=peer_state,
    )
