"""What the models of all sources have in common: whose turn it is at a step, and where its spikes go."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType

from snnlp_lava.processes.recording import Recording


class PySource(PyLoihiProcessModel):
    """Presents one sample after another; silent for the rest of each period, and after the last.

    A subclass sets `samples`, `channels` and `window`: how many samples there are, their lines and their steps.
    """

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    samples: int
    channels: int
    window: int

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.period: int = proc_params["period"]
        self.recording: Recording = proc_params["recording"]

    @abstractmethod
    def spikes(self, sample: int, step: int) -> np.ndarray:
        """Spikes (channels,) of a step of a sample's window; called for each once, in order."""

    def run_spk(self) -> None:
        """Send the spikes of this step and write them down."""
        sample, step = divmod(self.time_step - 1, self.period)  # Lava counts from 1
        presents = step < self.window and sample < self.samples
        spikes = self.spikes(sample, step) if presents else np.zeros(self.channels, dtype=bool)
        self.recording.write(self.time_step, spikes)
        self.s_out.send(spikes.astype(np.int32))
