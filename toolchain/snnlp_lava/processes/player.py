"""A Lava Process that plays ready spike trains."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from snnlp_lava.processes.recording import Recording


class SpikePlayer(AbstractProcess):
    """Plays one spike train after another; silent for the rest of each period, and after the last.

    Parameters
    ----------
    trains
        (samples, window, ceil(channels / 8)) uint8, bit-packed. May be memory-mapped; it is only read.
    channels
        Number of lines.
    period
        Steps from one sample to the next, at least the window.
    recording
        Where its spikes are written down.

    Attributes
    ----------
    s_out
        (channels,) spikes.
    """

    def __init__(self, *, trains: np.ndarray, channels: int, period: int, recording: Recording) -> None:
        super().__init__(trains=trains, channels=channels, period=period, recording=recording)
        if trains.shape[1] > period:  # after super: Lava's destructor needs what it sets
            raise ValueError(f"a window of {trains.shape[1]} steps does not fit a period of {period}")
        self.s_out = OutPort(shape=(channels,))


@implements(proc=SpikePlayer, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "floating_pt")
class PySpikePlayer(PyLoihiProcessModel):
    """Unpacks one row a step."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.trains = proc_params["trains"]
        self.channels = proc_params["channels"]
        self.period = proc_params["period"]
        self.recording: Recording = proc_params["recording"]

    def run_spk(self) -> None:
        """Send the spikes of this step."""
        sample, step = divmod(self.time_step - 1, self.period)  # Lava counts from 1
        spikes = np.zeros(self.channels, dtype=np.uint8)
        if step < self.trains.shape[1] and sample < len(self.trains):
            spikes = np.unpackbits(self.trains[sample, step], count=self.channels)
        self.recording.write(self.time_step, spikes)
        self.s_out.send(spikes.astype(np.int32))
