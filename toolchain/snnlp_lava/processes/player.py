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

    Attributes
    ----------
    s_out
        (channels,) spikes.
    """

    def __init__(self, *, trains: np.ndarray, channels: int, period: int) -> None:
        super().__init__(trains=trains, channels=channels, period=period)
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

    def run_spk(self) -> None:
        """Send the spikes of this step."""
        sample, step = divmod(self.time_step - 1, self.period)  # Lava counts from 1
        if step >= self.trains.shape[1] or sample >= len(self.trains):
            self.s_out.send(np.zeros(self.channels, dtype=np.int32))
        else:
            self.s_out.send(np.unpackbits(self.trains[sample, step], count=self.channels).astype(np.int32))
