"""Record all that a layer sends, at its source.

A Process that receives all spikes would need a channel from every layer, and channels dominate the time of a step in
Lava's simulator. So the models of the source and of the neurons write their spikes themselves, into memory-mapped
files that grow step by step: nothing is lost if the run breaks off.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class Recording:
    """Destination of one layer's spikes.

    Parameters
    ----------
    train_file
        An .npy file: (steps, ceil(neurons / 8)) uint8, bit-packed spikes, or (steps, neurons) int32, graded messages.
    step_file
        An .npy file of int64, one per layer: the last step written.
    layer
        Index of the layer.
    """

    def __init__(self, train_file: Path, step_file: Path, layer: int) -> None:
        self.train_file, self.step_file, self.layer = train_file, step_file, layer

    def write(self, time_step: int, messages: np.ndarray) -> None:
        """Write what the neurons send in a step, (neurons,) or (width, height, channels); Lava counts from 1."""
        flat = messages.T.ravel()  # in the order of the lines of what follows: channels, height, width
        self._train[time_step - 1] = np.packbits(flat != 0) if self._train.dtype == np.uint8 else flat
        self._steps[self.layer] = time_step

    @cached_property  # opened by the process that writes
    def _train(self) -> np.ndarray:
        return np.load(self.train_file, mmap_mode="r+")

    @cached_property
    def _steps(self) -> np.ndarray:
        return np.load(self.step_file, mmap_mode="r+")


class SpikeRecorder(AbstractProcess):
    """Records arriving spikes, step by step.

    Parameters
    ----------
    neurons
        Number of lines.
    recording
        Destination of the spikes.

    Attributes
    ----------
    a_in
        (neurons,) spikes.
    """

    def __init__(self, *, neurons: int, recording: Recording) -> None:
        super().__init__(neurons=neurons, recording=recording)
        self.a_in = InPort(shape=(neurons,))


@implements(proc=SpikeRecorder, protocol=LoihiProtocol)
@requires(CPU)
class PySpikeRecorder(PyLoihiProcessModel):
    """Receives the spikes of each step."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.recording: Recording = proc_params["recording"]

    def run_spk(self) -> None:
        """Record the spikes of this step."""
        self.recording.write(self.time_step, self.a_in.recv())
