"""The folder through which a Lava worker and its parent work together.

``job.json`` says what to run, ``values.npy`` holds the SAF values, ``spikes0.npy`` ... take the spikes of the
input and of every layer step by step, bit-packed, and ``step.npy`` the last step that was written. The worker
fills them through shared mappings, so that nothing is lost if it ends early, and the parent only looks.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

_JOB, _VALUES, _STEP, LOG = "job.json", "values.npy", "step.npy", "log.txt"


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
    """

    network: str
    sizes: tuple[int, ...]
    samples: int
    window: int
    period: int

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

    def write(self, folder: Path, values: np.ndarray) -> None:
        """Make the folder's files; `values` is (samples, channels) int32."""
        np.save(folder / _VALUES, values)
        for path, size in zip(self.train_files(folder), self.sizes, strict=True):
            shape = (self.steps, (size + 7) // 8)
            np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)  # type: ignore[no-untyped-call]
        np.save(self.step_file(folder), np.zeros(1, dtype=np.int64))
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
        """File of the last step written, one int64."""
        return folder / _STEP

    @staticmethod
    def values(folder: Path) -> np.ndarray:
        """The SAF values, memory-mapped."""
        return np.load(folder / _VALUES, mmap_mode="r")

    def trains(self, folder: Path, samples: int) -> list[np.ndarray]:
        """Packed trains of the first samples, (samples, period, bytes) uint8 of the input and every layer.

        Layer l runs l steps behind the input, and is reset then; its steps are cut where its own window begins.
        """
        return [
            np.load(path)[depth : depth + samples * self.period].reshape(samples, self.period, -1)
            for depth, path in enumerate(self.train_files(folder))
        ]
