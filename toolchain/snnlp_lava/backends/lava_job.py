"""The folder through which a Lava worker and its parent work together.

``job.json`` says what to run, ``input.npy`` holds SAF values or packed spikes, ``spikes0.npy`` ... take the
spikes of the input and of every layer step by step, bit-packed, and ``step.npy`` the last step of each of them.
The worker fills them through shared mappings, so that nothing is lost if it ends early, and the parent only looks.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from snnlp_lava.encode.encoder import SafEncoder
from snnlp_lava.encode.samples import EncodedSamples, Samples

_JOB, _INPUT, _STEP, LOG = "job.json", "input.npy", "step.npy", "log.txt"
_CHUNK = 256  # samples made into input in one go


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
    """

    network: str
    sizes: tuple[int, ...]
    samples: int
    window: int
    period: int
    saf: bool

    @classmethod
    def of(cls, network: Path, sizes: tuple[int, ...], samples: Samples, count: int, period: int) -> LavaJob:
        """The job for `count` of the samples."""
        return cls(str(network.resolve()), sizes, count, samples.window, period, _saf(samples) is not None)

    @property
    def latency(self) -> int:
        """Steps by which the last layer runs behind the input: one a layer."""
        return len(self.sizes) - 1

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
            values = saf.inputs(chunk) if saf else np.packbits(samples.spikes(chunk), axis=2)
            if not start:
                shape = (len(rows), *values.shape[1:])
                whole = np.lib.format.open_memmap(folder / _INPUT, mode="w+", dtype=values.dtype, shape=shape)  # type: ignore[no-untyped-call]
            whole[start : start + len(chunk)] = values
        for path, size in zip(self.train_files(folder), self.sizes, strict=True):
            shape = (self.steps, (size + 7) // 8)
            np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)  # type: ignore[no-untyped-call]
        np.save(self.step_file(folder), np.zeros(len(self.sizes), dtype=np.int64))
        (folder / _JOB).write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, folder: Path) -> LavaJob:
        """The job of a folder."""
        document = json.loads((folder / _JOB).read_text("utf-8"))
        return cls(**{**document, "sizes": tuple(document["sizes"])})

    def train_files(self, folder: Path) -> list[Path]:
        """Files of the spike trains, (steps, ceil(neurons / 8)) uint8 each, of the input and every layer."""
        return [folder / f"spikes{index}.npy" for index in range(len(self.sizes))]

    @staticmethod
    def step_file(folder: Path) -> Path:
        """File of the last step written of the input and of each layer, int64."""
        return folder / _STEP

    @staticmethod
    def input(folder: Path) -> np.ndarray:
        """The input, memory-mapped: (samples, channels) int32, or (samples, window, bytes) uint8 packed spikes."""
        return np.load(folder / _INPUT, mmap_mode="r")

    def trains(self, folder: Path, samples: int) -> list[np.ndarray]:
        """Packed trains of the first samples, (samples, period, bytes) uint8 of the input and every layer.

        Layer l runs l steps behind the input, and is reset then; its steps are cut where its own window begins.
        """
        return [
            np.load(path)[depth : depth + samples * self.period].reshape(samples, self.period, (size + 7) // 8)
            for depth, (path, size) in enumerate(zip(self.train_files(folder), self.sizes, strict=True))
        ]


def _saf(samples: Samples) -> EncodedSamples | None:
    """The samples, if a SAF Process makes their spikes."""
    return samples if isinstance(samples, EncodedSamples) and isinstance(samples.encoder, SafEncoder) else None
