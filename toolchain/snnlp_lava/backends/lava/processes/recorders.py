"""Record every spike of a layer at its source.

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
from lava.proc.lif.models import PyLifResetModelBitAcc


class Recording:
    """Destination of one layer's spikes.

    Parameters
    ----------
    train_file
        An .npy file, (steps, ceil(neurons / 8)) uint8: bit-packed spikes.
    step_file
        An .npy file of int64, one per layer: the last step written.
    layer
        Index of the layer.
    """

    def __init__(self, train_file: Path, step_file: Path, layer: int) -> None:
        self.train_file, self.step_file, self.layer = train_file, step_file, layer

    def write(self, time_step: int, spikes: np.ndarray) -> None:
        """Write the spikes (neurons,) of a step; Lava counts steps from 1."""
        self._train[time_step - 1] = np.packbits(spikes != 0)
        self._steps[self.layer] = time_step

    @cached_property  # opened by the process that writes
    def _train(self) -> np.ndarray:
        return np.load(self.train_file, mmap_mode="r+")

    @cached_property
    def _steps(self) -> np.ndarray:
        return np.load(self.step_file, mmap_mode="r+")


def recording_lif(recording: Recording) -> type[PyLifResetModelBitAcc]:
    """Return Lava's unchanged fixed-point model of a resetting LIF Process, extended to record its spikes."""

    def spiking_activation(self: PyLifResetModelBitAcc) -> np.ndarray:
        spikes = PyLifResetModelBitAcc.spiking_activation(self)
        recording.write(self.time_step, spikes)
        return spikes

    name = f"RecordingLif{recording.layer}"
    return type(name, (PyLifResetModelBitAcc,), {"spiking_activation": spiking_activation})


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
