"""The folder through which a Lava worker and its parent work together.

``job.json`` says what to run, ``input.npy`` holds SAF values or packed spikes, ``spikes0.npy`` ... take the
spikes of the input and of every recorded layer step by step, bit-packed, and ``step.npy`` the last step of each of
them. The worker fills them through shared mappings, so that nothing is lost if it ends early, and the parent only
looks.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from snnlp_lava.encode.base import EncodedSamples, Samples
from snnlp_lava.encode.saf import SafEncoder

_JOB, _INPUT, _STEP, _METERED, LOG = "job.json", "input.npy", "step.npy", "metered.json", "log.txt"


_CHUNK = 256  # samples made into input in one go


@dataclass(frozen=True)
class Board:
    """Where a Loihi 2 is, and how spikes come to it and back; see `snnlp_lava.backends.lava.loihi2`.

    Attributes
    ----------
    host
        ``slurm``, ``ethernet``, or None: as Lava's environment variables say.
    partition, name
        SLURM's partition, and its board, or the address of an Ethernet host.
    generation
        The chip's, such as ``N3B3``.
    input_delay, output_delay
        Steps that the adapters to and from the chip add.
    metered
        Whether Lava's profiler looks on.
    """

    host: str | None = None
    partition: str | None = None
    name: str | None = None
    generation: str | None = None
    input_delay: int = 0
    output_delay: int = 0
    metered: bool = False


@dataclass(frozen=True)
class LavaJob:
    """One share of the samples, for one Lava runtime.

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
    saf
        Whether the input is SAF values, which a SAF Process makes into spikes, or the spikes themselves.
    board
        The Loihi 2 that runs it, None for the simulator. Of a chip's layers only the last is recorded.
    """

    network: str
    sizes: tuple[int, ...]
    samples: int
    window: int
    period: int
    saf: bool
    board: Board | None = None

    @classmethod
    def of(
        cls,
        network: Path,
        sizes: tuple[int, ...],
        samples: Samples,
        count: int,
        period: int,
        board: Board | None = None,
    ) -> LavaJob:
        """The job for `count` of the samples."""
        return cls(str(network.resolve()), sizes, count, samples.window, period, _saf(samples) is not None, board)

    @property
    def recorded(self) -> tuple[int, ...]:
        """Which layers' spikes are written down, the input being 0."""
        return tuple(range(len(self.sizes))) if self.board is None else (0, len(self.sizes) - 1)

    @property
    def delays(self) -> tuple[int, ...]:
        """Steps by which each recorded layer's record runs behind the input: one a layer, and the adapters'."""
        if self.board is None:
            return self.recorded
        return (0, len(self.sizes) - 1 + self.board.input_delay + self.board.output_delay)

    @property
    def latency(self) -> int:
        """Steps by which the last layer's record runs behind the input."""
        return self.delays[-1]

    @property
    def steps(self) -> int:
        """Steps until the last sample has left the last layer."""
        return self.samples * self.period + self.latency

    def finished(self, step: int) -> int:
        """Samples that have left the last layer after `step` steps."""
        return max(0, min(self.samples, (step - self.latency) // self.period))

    def write(self, folder: Path, samples: Samples, rows: np.ndarray) -> None:
        """Make the folder's files, with those rows of the samples as input."""
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            saf = _saf(samples)
            values = saf.quantised(chunk) if saf else np.packbits(samples.spikes(chunk), axis=2)
            if not start:
                shape = (len(rows), *values.shape[1:])
                whole = np.lib.format.open_memmap(folder / _INPUT, mode="w+", dtype=values.dtype, shape=shape)  # type: ignore[no-untyped-call]
            whole[start : start + len(chunk)] = values
        for path, layer in zip(self.train_files(folder), self.recorded, strict=True):
            shape = (self.steps, (self.sizes[layer] + 7) // 8)
            np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)  # type: ignore[no-untyped-call]
        np.save(self.step_file(folder), np.zeros(len(self.recorded), dtype=np.int64))
        (folder / _JOB).write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> LavaJob:
        """The job of a folder."""
        document = json.loads((folder / _JOB).read_text("utf-8"))
        board = Board(**document["board"]) if document["board"] else None
        return cls(**{**document, "sizes": tuple(document["sizes"]), "board": board})

    def train_files(self, folder: Path) -> list[Path]:
        """Files of the spike trains, (steps, ceil(neurons / 8)) uint8 each, of every recorded layer."""
        return [folder / f"spikes{layer}.npy" for layer in self.recorded]

    @staticmethod
    def step_file(folder: Path) -> Path:
        """File of the last step written of each recorded layer, int64."""
        return folder / _STEP

    @staticmethod
    def metered_file(folder: Path) -> Path:
        """File of what Lava's profiler saw, if it did."""
        return folder / _METERED

    @staticmethod
    def input(folder: Path) -> np.ndarray:
        """The input, memory-mapped: (samples, channels) int32, or (samples, window, bytes) uint8 packed spikes."""
        return np.load(folder / _INPUT, mmap_mode="r")

    def trains(self, folder: Path, samples: int) -> list[np.ndarray]:
        """Packed trains of the first samples, (samples, period, bytes) uint8 of every recorded layer.

        Layer l runs l steps behind the input, and is reset then; its steps are cut where its own window begins.
        """
        found = []
        for layer, delay, path in zip(self.recorded, self.delays, self.train_files(folder), strict=True):
            steps = np.load(path)[delay : delay + samples * self.period]
            found.append(steps.reshape(samples, self.period, (self.sizes[layer] + 7) // 8))
        return found


def _saf(samples: Samples) -> EncodedSamples | None:
    """The samples, if a SAF Process makes their spikes."""
    return samples if isinstance(samples, EncodedSamples) and isinstance(samples.encoder, SafEncoder) else None


def shared_memory_prefix(pid: int) -> str:
    """Prefix of the names of a worker's shared memory, by which the parent removes what a killed one leaves.

    Python allows names of 14 characters with the slash, four of them random.
    """
    return f"sl{pid:06x}_"


def remove_shared_memory(pid: int) -> None:
    """Remove what a worker left in shared memory."""
    for block in Path("/dev/shm").glob(shared_memory_prefix(pid) + "*"):  # noqa: S108 (POSIX)
        block.unlink(missing_ok=True)
