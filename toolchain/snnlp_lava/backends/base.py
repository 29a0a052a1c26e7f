"""What a backend is and the registry of backends, the spikes that a backend returns, and what a run counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from msgspec import Meta

from snnlp_lava.progress import AdvanceCallback
from snnlp_lava.records import Amount, Positive, Record
from snnlp_lava.registry import Registry

if TYPE_CHECKING:
    from snnlp_lava.encode.base import Samples
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.network_file import NetworkFile


class Metered(Record, frozen=True):
    """What an instrument measured while samples ran; None where it measured no such thing.

    Attributes
    ----------
    by
        The instrument.
    samples, steps
        What it measured: so many samples, in so many time steps.
    seconds, watts, static_watts, joules, static_joules
        Time, power and energy over all of them, and the part of power and energy that is drawn by an idle chip, too.
    """

    by: Annotated[str, Meta(max_length=200)]
    samples: Positive
    steps: Positive
    seconds: Amount | None = None
    watts: Amount | None = None
    static_watts: Amount | None = None
    joules: Amount | None = None
    static_joules: Amount | None = None

    def plus(self, other: Metered) -> Metered:
        """Both as one: times and energies added, powers weighted by time steps; None where one of the two has none."""
        steps = self.steps + other.steps

        def sum_of(name: str) -> float | None:
            one, two = getattr(self, name), getattr(other, name)
            if one is None or two is None:
                return None
            if name.endswith("watts"):
                return float(one * self.steps + two * other.steps) / steps
            return float(one + two)

        sums = {name: sum_of(name) for name in ("seconds", "watts", "static_watts", "joules", "static_joules")}
        return self.replace(samples=self.samples + other.samples, steps=steps, **sums)


@dataclass(frozen=True)
class Recording:
    """The spikes that were read from a backend: perhaps of some layers only, perhaps of some samples only.

    Attributes
    ----------
    finished
        (n,) indices of the samples that are done.
    trains
        Their bit-packed spikes by layer, the input being layer 0: (n, period, ceil(neurons / 8)) uint8 each, every
        layer's from its own first step. Empty for the emulator, which every backend is compared with.
    steps
        Time steps that were run.
    metered
        What an instrument measured.
    broken
        Why it ended early, None if it did not.
    interrupted
        Whether it ended early because the user interrupted it.
    """

    finished: np.ndarray
    trains: Mapping[int, np.ndarray]
    steps: int
    metered: Metered | None = None
    broken: str | None = None
    interrupted: bool = False

    registers: ClassVar[bool] = True
    """Whether u and v are kept in registers of 24 bits; see `snnlp_lava.backends.compare.Peer`."""

    def spikes(self, start: int, stop: int) -> Mapping[int, np.ndarray]:
        """Bit-packed spikes of the finished samples from `start` up to `stop`, by layer."""
        return {layer: packed[start:stop] for layer, packed in self.trains.items()}


class NoOptions(Record, frozen=True):
    """Options of a backend that has none."""


class Backend(ABC):
    """Something that runs a network and returns the spikes it read.

    A class is registered by an entry point of the group ``snnlp_lava.backends`` and built from its options. Counts,
    scores and the comparison with the emulator are made of the spikes by `snnlp_lava.run`, not by the backend.
    """

    name: ClassVar[str]
    """As ``--backend`` takes it."""
    help: ClassVar[str]
    """What it is, in a few words for ``--help``."""
    options: ClassVar[type[Record]] = NoOptions
    """Its options; each field becomes an option of the command line."""
    batch: ClassVar[int] = 1024
    """Samples that are run, compared and kept on disk in one go."""
    hint: ClassVar[str] = "snnlp-lava verify shows where"
    """Where to look when its spikes are not the emulator's."""

    def __init__(self, options: Record) -> None:
        """Take options that were checked."""
        self._options = options

    def check(self, file: NetworkFile, period: int) -> None:  # noqa: B027 (not every backend has something to refuse)
        """Refuse, before texts are embedded and without side effects, what cannot run.

        Raises
        ------
        InputError
            If the network, the period or the options cannot be used.
        """

    @abstractmethod
    def record(self, file: NetworkFile, samples: Samples, period: int, progress: AdvanceCallback) -> Recording:
        """Run samples, each independent of the others.

        Parameters
        ----------
        file
            The network and the file that it was read from.
        samples
            What is presented.
        period
            Time steps from one sample to the next, at least the samples' window.
        progress
            Called with the number of samples done since the last call.

        Raises
        ------
        InputError
            If a sample cannot be made into spikes, or the backend cannot be used. What ends a run after it has begun
            is said in the recording.
        """


class Emulator(Backend):
    """The backend whose recording is empty: its spikes are computed where other backends are compared with them."""

    name: ClassVar[str] = "emulator"
    help: ClassVar[str] = "NumPy, the chip's integers"
    batch: ClassVar[int] = 8192

    def record(self, file: NetworkFile, samples: Samples, period: int, progress: AdvanceCallback) -> Recording:
        """Record nothing."""
        return Recording(np.arange(len(samples)), {}, len(samples) * period)


BACKENDS: Registry[type[Backend]] = Registry(
    "backend",
    "snnlp_lava.backends",
    {
        "emulator": "snnlp_lava.backends.base:Emulator",
        "sim": "snnlp_lava.backends.lava.sim:Simulator",
        "loihi2": "snnlp_lava.backends.lava.loihi2:Loihi2",
    },
)
"""Backends by name; classes that are built from their options."""


@dataclass(frozen=True)
class LayerCounts:
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


COUNTS = tuple(counted.name for counted in fields(LayerCounts) if counted.name not in ("name", "neurons"))
"""Names of what is counted of each layer."""


@dataclass(frozen=True)
class RunResult:
    """The counts of a run over n samples.

    Attributes
    ----------
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
    """

    window: int
    period: int
    steps: int
    output_counts: np.ndarray
    output_scores: np.ndarray
    first_spikes: np.ndarray
    layers: tuple[LayerCounts, ...]
    neuron_spikes: tuple[np.ndarray, ...]
    seconds: float
    trains: tuple[np.ndarray, ...] = field(default=())

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.output_counts)


def concat_batches(parts: Sequence[tuple[LayerCounts, ...]]) -> tuple[LayerCounts, ...]:
    """The counts of several batches as those of one."""
    return tuple(
        replace(batches[0], **{name: np.concatenate([getattr(layer, name) for layer in batches]) for name in COUNTS})
        for batches in zip(*parts, strict=True)
    )


def count_layers(
    network: Network,
    counts: Sequence[np.ndarray],
    period: int,
    active: Sequence[np.ndarray],
    wraps: Sequence[np.ndarray],
    clips: Sequence[np.ndarray],
) -> tuple[LayerCounts, ...]:
    """What every layer did, from the spikes of every neuron.

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
    layers = [LayerCounts("input", network.inputs, spikes[0], zero, zero, zero, zero, zero, zero)]
    for index, layer in enumerate(network.layers):
        stored, nonzero = layer.synops(counts[index], counts[index + 1])
        layers.append(
            LayerCounts(
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
    return tuple(layers)
