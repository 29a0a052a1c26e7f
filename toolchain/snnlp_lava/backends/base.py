"""What every backend returns: integers, per sample and layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from snnlp_lava.errors import BackendError, StoppedError
from snnlp_lava.network.network import Network

HOST, EMULATOR, CHIP = COUNTERS = ("host", "emulator", "chip")
"""Who may have counted a layer's spikes where a backend cannot read them all."""


@dataclass(frozen=True)
class LayerTally:
    """What one layer did, sample by sample. All arrays are (n,) int64.

    Attributes
    ----------
    name
        ``input``, ``hidden1``, ..., ``output``.
    neurons
        Number of neurons.
    spikes
        Spikes sent.
    synops
        Spikes that arrived, times the synapses stored for each (all of a dense layer's, zeros included).
    synops_nonzero
        The same over the synapses whose weight is not 0.
    neuron_updates
        Neurons times steps.
    active_updates
        Those of them that do something (see `snnlp_lava.network.kernels.LayerRun`).
    wraps, clips
        24-bit registers that wrapped (u) or saturated (v).
    """

    name: str
    neurons: int
    spikes: np.ndarray
    synops: np.ndarray
    synops_nonzero: np.ndarray
    neuron_updates: np.ndarray
    active_updates: np.ndarray
    wraps: np.ndarray
    clips: np.ndarray


@dataclass(frozen=True)
class RunResult:
    """The outcome of a run over n samples.

    Attributes
    ----------
    backend
        Name of the backend.
    window, period
        Steps a sample is presented, and steps from one sample to the next.
    steps
        Steps that were run in all.
    output_counts
        (n, classes) int64 spikes of the output neurons within the window.
    output_scores
        (n, classes) float64: the same with ties broken, see `snnlp_lava.metrics.tie_broken_counts`.
    first_spikes
        (n,) int64 input spikes of each sample's first step, which the paper's way of counting leaves out.
    layers
        The input and every layer.
    neuron_spikes
        (neurons,) int64 of the input and every layer: spikes of each line or neuron over all samples.
    seconds
        Wall-clock time.
    trains
        Packed spike trains of the first samples, as many as were asked for, of the input and every layer:
        (samples, period, ceil(neurons / 8)) uint8 each, every layer's in its own time.
    counted_by
        Who counted each layer's spikes, one of COUNTERS each; empty if the backend did all of it.
    metered
        What an instrument measured over all steps, in seconds, watts and joules; None where there was none.
    """

    backend: str
    window: int
    period: int
    steps: int
    output_counts: np.ndarray
    output_scores: np.ndarray
    first_spikes: np.ndarray
    layers: tuple[LayerTally, ...]
    neuron_spikes: tuple[np.ndarray, ...]
    seconds: float
    trains: tuple[np.ndarray, ...] = field(default=())
    counted_by: tuple[str, ...] = ()
    metered: Mapping[str, Any] | None = None

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.output_counts)


class BrokenRunError(BackendError):
    """A run that ended early.

    Attributes
    ----------
    finished
        Indices of the samples that were done.
    result
        Their result, None if there are none.
    """

    def __init__(self, message: str, *, interrupted: bool = False) -> None:
        super().__init__(message)
        self.interrupted = interrupted
        self.exit_code = StoppedError.exit_code if interrupted else BackendError.exit_code
        self.finished = np.zeros(0, dtype=np.int64)
        self.result: RunResult | None = None

    def with_result(self, finished: np.ndarray, result: RunResult) -> BrokenRunError:
        """The same, with what was done."""
        self.finished, self.result = finished, result
        return self


def joined(parts: Sequence[tuple[LayerTally, ...]]) -> tuple[LayerTally, ...]:
    """One ledger of the ledgers of several batches."""
    counts = [counted.name for counted in fields(LayerTally) if counted.name not in ("name", "neurons")]
    return tuple(
        replace(batches[0], **{name: np.concatenate([getattr(tally, name) for tally in batches]) for name in counts})
        for batches in zip(*parts, strict=True)
    )


def tally_layers(
    network: Network,
    counts: Sequence[np.ndarray],
    period: int,
    active: Sequence[np.ndarray],
    wraps: Sequence[np.ndarray],
    clips: Sequence[np.ndarray],
) -> tuple[LayerTally, ...]:
    """Ledger of a run from the spikes of every neuron.

    Parameters
    ----------
    network
        The network that ran.
    counts
        Spikes of the input lines and of each layer's neurons, (n, neurons) each, over the whole period.
    period
        Steps a sample took.
    active, wraps, clips
        (n,) for each layer, the input not among them.
    """
    samples = len(counts[0])
    zero = np.zeros(samples, dtype=np.int64)
    spikes = [layer_counts.sum(axis=1, dtype=np.int64) for layer_counts in counts]
    tallies = [LayerTally("input", network.inputs, spikes[0], zero, zero, zero, zero, zero, zero)]
    for index, layer in enumerate(network.layers):
        stored, nonzero = layer.synops(counts[index], counts[index + 1])
        tallies.append(
            LayerTally(
                name=network.layer_names[index + 1],
                neurons=layer.neurons,
                spikes=spikes[index + 1],
                synops=stored,
                synops_nonzero=nonzero,
                neuron_updates=np.full(samples, layer.neurons * period, dtype=np.int64),
                active_updates=active[index],
                wraps=wraps[index],
                clips=clips[index],
            )
        )
    return tuple(tallies)


Trains = Mapping[int, np.ndarray]
"""Spikes of some layers, the input being 0, (samples, steps, neurons) uint8 each."""
