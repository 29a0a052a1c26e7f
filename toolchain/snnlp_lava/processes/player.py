"""A Lava Process that plays ready spike trains."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from snnlp_lava.processes.recording import Recording
from snnlp_lava.processes.source import PySource


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
class PySpikePlayer(PySource):
    """Unpacks one row a step."""

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.trains = proc_params["trains"]
        self.channels = proc_params["channels"]
        self.samples, self.window = self.trains.shape[:2]

    def spikes(self, sample: int, step: int) -> np.ndarray:
        """Those of the train."""
        return np.unpackbits(self.trains[sample, step], count=self.channels)
