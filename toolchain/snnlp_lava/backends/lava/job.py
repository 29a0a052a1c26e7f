"""Exchange a job and its results between a Lava worker and its parent, through a folder.

``job.json`` describes the run, ``input.npy`` contains SAF values, packed spikes or integers, ``layer0.npy`` ... receive
what the input and every recorded layer sends step by step (bit-packed spikes, or int32 messages), and ``step.npy`` the
last step of each. The worker writes through shared memory maps, so nothing is lost if it dies, and the parent only
reads.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.base import packed
from snnlp_lava.encode.base import EncodedSamples, Samples, SpikeSamples
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.network.network import Network

_JOB, _INPUT, _STEP, _METERED, LOG = "job.json", "input.npy", "step.npy", "metered.json", "log.txt"
_SCHEDULE = "schedule.npz"


_CHUNK = 256  # samples encoded at a time


@dataclass(frozen=True)
class Loihi2Board:
    """How to reach a Loihi 2, and the delays of its adapters; see `snnlp_lava.backends.lava.loihi2`.

    Attributes
    ----------
    host
        ``slurm``, ``ethernet``, or None to use Lava's environment variables.
    partition, name
        SLURM partition, and SLURM board or address of an Ethernet host.
    chip_generation
        Such as ``N3B3``.
    input_delay, output_delay
        Steps of delay added by the adapters to and from the chip.
    metered
        Whether Lava's profiler measures the run.
    """

    host: str | None = None
    partition: str | None = None
    name: str | None = None
    chip_generation: str | None = None
    input_delay: int = 0
    output_delay: int = 0
    metered: bool = False


@dataclass(frozen=True)
class LavaJob:
    """The job of one Lava runtime: a network and some of the samples.

    Attributes
    ----------
    network
        Path of the network file.
    sizes
        Input lines, then the neurons of each layer.
    samples
        Number of samples.
    window, period
        Steps a sample is presented, and steps from one sample to the next.
    source
        What the input is: ``saf``, values that a SAF Process encodes as spikes; ``spikes``, which are played; or
        ``values``, of which an input layer's own neurons make spikes.
    graded
        For the input and each layer, whether it sends integers instead of spikes.
    read_out
        Whether v of the last layer is recorded, which never spikes.
    board
        The Loihi 2 that runs it, None for the simulator. On a chip only the last layer is recorded.
    """

    network: str
    sizes: tuple[int, ...]
    samples: int
    window: int
    period: int
    source: str
    graded: tuple[bool, ...]
    read_out: bool = False
    board: Loihi2Board | None = None

    @classmethod
    def of(
        cls,
        path: Path,
        network: Network,
        samples: Samples,
        count: int,
        period: int,
        board: Loihi2Board | None = None,
    ) -> LavaJob:
        """Create the job for `count` of the samples."""
        source = "saf" if _saf(samples) is not None else "spikes"
        if network.layers[0].takes_values:
            source = "values"
        graded_input = isinstance(samples, SpikeSamples) and samples.graded
        return cls(
            network=str(path.resolve()),
            sizes=network.sizes,
            samples=count,
            window=samples.window,
            period=period,
            source=source,
            graded=(graded_input, *(layer.neuron.graded for layer in network.layers)),
            read_out=network.layers[-1].neuron.reads_out,
            board=board,
        )

    @property
    def recorded(self) -> tuple[int, ...]:
        """Indices of the recorded layers, 0 being the input, whose values need not be recorded."""
        layers = tuple(range(len(self.sizes)))
        if self.board is not None:
            return layers[:1] + layers[-1:]
        return layers[1:] if self.source == "values" else layers

    @property
    def delays(self) -> tuple[int, ...]:
        """Steps by which each recorded layer lags behind the first, plus the adapters' delays."""
        last = self.recorded[-1]
        if self.board is None:
            return tuple(layer - self.recorded[0] for layer in self.recorded)
        return (0, last + self.board.input_delay + self.board.output_delay)

    @property
    def latency(self) -> int:
        """Steps by which the last recorded layer lags behind the input."""
        return self.delays[-1]

    @property
    def steps(self) -> int:
        """Number of steps until the last sample has left the last layer."""
        return self.samples * self.period + self.latency

    def finished(self, step: int) -> int:
        """Return how many samples have left the last layer after `step` steps."""
        return max(0, min(self.samples, (step - self.latency) // self.period))

    def write(self, folder: Path, samples: Samples, rows: np.ndarray) -> None:
        """Write the folder's files, with the given rows of the samples as input."""
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            saf = _saf(samples)
            values = saf.quantised(chunk) if saf else packed(samples.spikes(chunk))
            if not start:
                shape = (len(rows), *values.shape[1:])
                whole = np.lib.format.open_memmap(folder / _INPUT, mode="w+", dtype=values.dtype, shape=shape)  # type: ignore[no-untyped-call, unused-ignore]
            whole[start : start + len(chunk)] = values
        encoder = saf.encoder if saf else None
        if isinstance(encoder, SafEncoder) and encoder.schedule is not None:
            np.savez(folder / _SCHEDULE, steps=np.array(encoder.steps), schedule=encoder.schedule)
        for path, layer in zip(self.train_files(folder), self.recorded, strict=True):
            dtype, width = self._stored(layer)
            shape = (self.steps, width)
            np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)  # type: ignore[no-untyped-call, unused-ignore]
        np.save(self.step_file(folder), np.zeros(len(self.recorded), dtype=np.int64))
        (folder / _JOB).write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> LavaJob:
        """Read the job of a folder."""
        document = json.loads((folder / _JOB).read_text("utf-8"))
        board = Loihi2Board(**document["board"]) if document["board"] else None
        return cls(**{**document, **{name: tuple(document[name]) for name in ("sizes", "graded")}, "board": board})

    def train_files(self, folder: Path) -> list[Path]:
        """Return the files of every recorded layer, (steps, ceil(neurons / 8)) uint8 or (steps, neurons) int32 each."""
        return [folder / f"layer{layer}.npy" for layer in self.recorded]

    def _stored(self, layer: int) -> tuple[type, int]:
        """Type and width of what is recorded of a layer in a step."""
        size = self.sizes[layer]
        integers = self.graded[layer] or (self.read_out and layer == len(self.sizes) - 1)
        return (np.int32, size) if integers else (np.uint8, (size + 7) // 8)

    @staticmethod
    def step_file(folder: Path) -> Path:
        """Return the file with the last written step of each recorded layer, int64."""
        return folder / _STEP

    @staticmethod
    def metered_file(folder: Path) -> Path:
        """Return the file for the measurements of Lava's profiler."""
        return folder / _METERED

    @staticmethod
    def input(folder: Path) -> np.ndarray:
        """Open the input memory-mapped: (samples, channels) int32, or packed as `snnlp_lava.backends.base.packed`."""
        return np.load(folder / _INPUT, mmap_mode="r")

    @staticmethod
    def schedule(folder: Path) -> dict[str, Any]:
        """Arguments ``steps`` and ``schedule`` of the SAF Process; {} where all lines are SAF neurons."""
        if not (folder / _SCHEDULE).exists():
            return {}
        with np.load(folder / _SCHEDULE) as arrays:
            return {"steps": int(arrays["steps"]), "schedule": arrays["schedule"]}

    def trains(self, folder: Path, samples: int) -> list[np.ndarray]:
        """Read what every recorded layer sent in the first samples: (samples, period, ...) each, packed.

        Layer l lags l steps behind the input and is reset at that offset; its trains are cut at its own windows.
        """
        found = []
        for layer, delay, path in zip(self.recorded, self.delays, self.train_files(folder), strict=True):
            steps = np.load(path)[delay : delay + samples * self.period]
            found.append(steps.reshape(samples, self.period, self._stored(layer)[1]))
        return found


def _saf(samples: Samples) -> EncodedSamples | None:
    """Return the samples if a SAF Process can encode them."""
    return samples if isinstance(samples, EncodedSamples) and isinstance(samples.encoder, SafEncoder) else None


def shared_memory_prefix(pid: int) -> str:
    """Return the name prefix of a worker's shared memory, by which the parent cleans up after a killed worker.

    Python allows names of 14 characters including the slash; four of them are random.
    """
    return f"sl{pid:06x}_"


def remove_shared_memory(pid: int) -> None:
    """Remove the shared memory of a worker."""
    for block in Path("/dev/shm").glob(shared_memory_prefix(pid) + "*"):  # noqa: S108 (POSIX)
        block.unlink(missing_ok=True)
