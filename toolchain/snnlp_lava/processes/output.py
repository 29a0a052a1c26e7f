"""A Lava Process on the host that writes down the spikes of a chip's last layer."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from snnlp_lava.processes.recording import Recording


class SpikeRecorder(AbstractProcess):
    """Writes down what arrives, step by step.

    Parameters
    ----------
    neurons
        Number of lines.
    recording
        Where to.

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
    """Waits for the spikes of each step."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.recording: Recording = proc_params["recording"]

    def run_spk(self) -> None:
        """Write down the spikes of this step."""
        self.recording.write(self.time_step, self.a_in.recv())
