"""Define the Backend protocol and its registry, the recordings that backends return, and the counts of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from msgspec import Meta

from snnlp_lava.progress import AdvanceCallback
from snnlp_lava.records import Amount, Positive, Record, opt
from snnlp_lava.registry import Registry
from snnlp_lava.workers import Spread, run_local, run_on_cluster

if TYPE_CHECKING:
    from snnlp_lava.encode.base import Samples
    from snnlp_lava.metrics import Says
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.network_file import NetworkFile


class Metered(Record, frozen=True):
    """Measurements taken while samples ran; None for quantities that were not measured.

    Attributes
    ----------
    by
        The instrument.
    samples, steps
        Number of samples and time steps measured.
    seconds, watts, static_watts, joules, static_joules
        Totals of time, power and energy, and the static share that an idle chip draws as well.
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
        """Combine two measurements: add times and energies, weight powers by time steps; None if one lacks it."""
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
    """The spikes read from a backend, possibly of some layers or some samples only.

    Attributes
    ----------
    finished
        (n,) indices of the finished samples.
    trains
        What they sent by layer, layer 0 being the input, as `packed`: (n, period, ...) each, from the layer's own first
        step on. Empty for the emulator, the reference for all backends.
    steps
        Number of time steps run.
    metered
        Measurements of an instrument.
    broken
        Why the run ended early, None if it did not.
    interrupted
        Whether the user interrupted it.
    """

    finished: np.ndarray
    trains: Mapping[int, np.ndarray]
    steps: int
    metered: Metered | None = None
    broken: str | None = None
    interrupted: bool = False

    registers: ClassVar[bool] = True
    """Whether u and v are 24-bit registers; see `snnlp_lava.backends.compare.Peer`."""

    def spikes(self, start: int, stop: int) -> Mapping[int, np.ndarray]:
        """Return what the finished samples from `start` to `stop` sent, by layer, packed."""
        return {layer: packed[start:stop] for layer, packed in self.trains.items()}


def packed(trains: np.ndarray) -> np.ndarray:
    """Spikes (..., neurons) uint8 as bits, (..., ceil(neurons / 8)) uint8; int32 messages as they are."""
    return np.packbits(trains, axis=-1) if trains.dtype == np.uint8 else trains.astype(np.int32, copy=False)


def unpacked(trains: np.ndarray, neurons: int) -> np.ndarray:
    """Inverse of `packed`."""
    return np.unpackbits(trains, axis=-1, count=neurons) if trains.dtype == np.uint8 else trains


class NoOptions(Record, frozen=True):
    """Options of a backend without any."""


class Backend(ABC):
    """Base class of backends, which run a network and return the spikes they read.

    Plug-ins register a class as an entry point in the group ``snnlp_lava.backends``; it is created from its options.
    `snnlp_lava.run` computes counts, scores and the comparison with the emulator from the spikes, not the backend.
    """

    name: ClassVar[str]
    """Value of ``--backend``."""
    help: ClassVar[str]
    """Short description for ``--help``."""
    options: ClassVar[type[Record]] = NoOptions
    """Options record; each field becomes a command-line option."""
    batch: ClassVar[int] = 1024
    """Number of samples that are run, compared and saved as one batch."""
    hint: ClassVar[str] = "snnlp-lava verify shows where"
    """Hint for the user if its spikes differ from the emulator's."""
    spread: Spread | None = None
    """How batches are distributed to other processes, which run them on the emulator; None to run them in this one."""

    def __init__(self, options: Record) -> None:
        """Store validated options."""
        self._options = options

    def check(self, file: NetworkFile, period: int) -> None:  # noqa: B027 (optional to override)
        """Raise an InputError for what cannot run, before texts are embedded and without side effects.

        Raises
        ------
        InputError
            If the network, the period or the options cannot be used.
        """

    @abstractmethod
    def record(self, file: NetworkFile, samples: Samples, period: int, progress: AdvanceCallback) -> Recording:
        """Run samples, each independently of the others.

        Parameters
        ----------
        file
            The network file.
        samples
            Samples to present.
        period
            Time steps from one sample to the next, >= the samples' window.
        progress
            Called with the number of samples done since the last call.

        Raises
        ------
        InputError
            If a sample cannot be encoded, or the backend cannot be used. A failure after the run has begun is stored in
                        `Recording.broken` instead.
        """


JOBS = "Batches (emulator) or Lava runtimes (sim) at once, each in a process of its own."


class EmulatorOptions(Record, frozen=True):
    """Options of the emulator."""

    jobs: Annotated[int, opt(JOBS, ge=1, le=4096)] = 1
    scheduler: Annotated[
        str | None, opt("Address of a Dask scheduler, tcp://HOST:PORT, whose workers run the batches.")
    ] = None

    def __post_init__(self) -> None:
        if self.jobs > 1 and self.scheduler is not None:
            raise ValueError("use either --jobs or --scheduler, not both")


class Emulator(Backend):
    """The emulator; its recording is empty, since `compare` computes its spikes for every run."""

    name: ClassVar[str] = "emulator"
    help: ClassVar[str] = "NumPy, the chip's integers"
    options: ClassVar[type[Record]] = EmulatorOptions
    batch: ClassVar[int] = 8192

    def __init__(self, options: EmulatorOptions) -> None:
        if options.scheduler is not None:
            self.spread = partial(run_on_cluster, options.scheduler)
        elif options.jobs > 1:
            self.spread = partial(run_local, options.jobs)

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
"""Backend classes by name."""


@dataclass(frozen=True)
class LayerCounts:
    """Per-sample counts of one layer. All arrays are (n,) int64.

    Attributes
    ----------
    name
        ``input``, ``hidden1``, ..., ``output``.
    neurons
        Number of neurons.
    spikes
        Spikes, or messages that are not 0.
    synops
        Arriving spikes times the stored synapses of each (for a dense layer all of them, including zero weights).
    synops_nonzero
        The same for synapses with non-zero weight.
    neuron_updates
        Neurons times steps.
    active_updates
        Those in which the neuron was not at rest (see `snnlp_lava.network.kernels.LayerRun`).
    wraps, clips
        How often a 24-bit register wrapped (u) or saturated (v); of sigma-delta neurons see
        `snnlp_lava.network.kernels.LayerRun`.
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
"""Names of the counts of each layer."""


@dataclass(frozen=True)
class RunResult:
    """The counts of a run over n samples.

    Attributes
    ----------
    window, period
        Steps for which a sample is presented, and steps from one sample to the next.
    steps
        Total number of steps.
    output_counts
        (n, classes) int64 output spikes within the window; of other last layers the sum of changes, or the last values
        (see `snnlp_lava.metrics.Says`).
    output_scores
        (n, classes) float64: the same with ties broken, see `snnlp_lava.metrics.output_scores`.
    first_spikes
        (n,) int64 input spikes of each sample's first step, which the paper's counting omits; values are none.
    layers
        The input and every layer.
    neuron_spikes
        For the input and every layer, (neurons,) int64 spikes of each line or neuron over all samples.
    seconds
        Wall-clock time.
    says
        What the outputs are made of.
    trains
        What the input and every layer sent in the first samples (`keep_trains` of them), as `packed`:
        (samples, period, ...) each, in the layer's own time; v instead of the spikes of a last layer that never spikes.
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
    says: Says = "spikes"

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.output_counts)


def concat_batches(parts: Sequence[tuple[LayerCounts, ...]]) -> tuple[LayerCounts, ...]:
    """Concatenate the counts of several batches."""
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
    """Compute the counts of every layer from the spikes of every neuron.

    Parameters
    ----------
    network
        The network.
    counts
        Spikes of the input lines and of each layer's neurons over the whole period, (n, neurons) each.
    period
        Steps per sample.
    active, wraps, clips
        (n,) for each layer, without the input.
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
