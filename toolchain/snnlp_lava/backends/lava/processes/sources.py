"""Send input spikes from Lava Processes: SAF neurons (as `snnlp_lava.encode.saf`, spike for spike) and a player."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from snnlp_lava.backends.lava.processes.recorders import Recording
from snnlp_lava.encode.calibration import FIXED_ONE


class PySource(PyLoihiProcessModel):
    """Presents samples one after another; silent for the rest of each period and after the last sample.

    A subclass sets `samples`, `window` and `shape`: number of samples and of steps, and the shape of the lines.
    """

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)
    samples: int
    window: int
    shape: tuple[int, ...]

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.period: int = proc_params["period"]
        self.recording: Recording | None = proc_params["recording"]

    @abstractmethod
    def messages(self, sample: int, step: int) -> np.ndarray:
        """Return what to send in a step of a sample's window; called once for each, in order."""

    def run_spk(self) -> None:
        """Send this step's messages and record them."""
        sample, step = divmod(self.time_step - 1, self.period)  # Lava counts from 1
        presents = step < self.window and sample < self.samples
        messages = self.messages(sample, step) if presents else np.zeros(self.shape, dtype=bool)
        if self.recording is not None:
            self.recording.write(self.time_step, messages)
        self.s_out.send(messages.astype(np.int32))


class SAF(AbstractProcess):
    """Self-accumulate-and-fire neurons.

    At the first step of every period each neuron loads its next value x and clears its accumulator v; then, for
    `steps` steps, it adds x to v and spikes when v reaches the threshold, which is then subtracted from v (soft
    reset). For the rest of the period and after the last sample it is silent. Behind the neurons' lines are those of
    a schedule, which spike at the same steps of every window.

    Parameters
    ----------
    values
        (samples, channels) int32 in [0, FIXED_ONE], from a calibration. May be memory-mapped; read-only.
    window
        Steps for which a sample is presented.
    period
        Steps from one sample to the next, >= `window`.
    recording
        Destination of its spikes.
    steps
        Steps of the window in which the neurons spike; None for all.
    schedule
        (window, scheduled lines) uint8; None without.

    Attributes
    ----------
    s_out
        (channels + scheduled lines,) spikes.
    x, v
        (channels,) the current value and the accumulator.
    """

    def __init__(
        self,
        *,
        values: np.ndarray,
        window: int,
        period: int,
        recording: Recording | None,
        steps: int | None = None,
        schedule: np.ndarray | None = None,
    ) -> None:
        scheduled = np.zeros((window, 0), dtype=np.uint8) if schedule is None else schedule
        super().__init__(
            values=values, window=window, period=period, recording=recording, steps=steps or window, schedule=scheduled
        )
        if not 0 < window <= period:  # after super().__init__, whose attributes Lava's destructor needs
            raise ValueError(f"a window of {window} steps does not fit a period of {period}")
        channels = values.shape[1]
        self.s_out = OutPort(shape=(channels + scheduled.shape[1],))
        self.x = Var(shape=(channels,), init=0)
        self.v = Var(shape=(channels,), init=0)


class _PySAF(PySource):
    """Base of both models; `unit` represents FIXED_ONE in their arithmetic."""

    unit: int | float = FIXED_ONE

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.values = proc_params["values"]
        self.window, self.steps = proc_params["window"], proc_params["steps"]
        self.schedule = proc_params["schedule"].astype(bool)
        self.samples, neurons = self.values.shape
        self.shape = (neurons + self.schedule.shape[1],)

    def messages(self, sample: int, step: int) -> np.ndarray:
        if step == 0:
            self.x[:] = self.values[sample] * (self.unit / FIXED_ONE)
            self.v[:] = 0
        if step == self.steps:  # only the schedule is left
            self.x[:] = 0
        self.v += self.x
        spikes: np.ndarray = self.v >= self.unit
        self.v[spikes] -= self.unit
        return np.concatenate([spikes, self.schedule[step]])


@implements(proc=SAF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySAFFixed(_PySAF):
    """Integer accumulator with threshold FIXED_ONE."""

    x: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=17)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=18)


@implements(proc=SAF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySAFFloat(_PySAF):
    """Float64 accumulator with threshold 1.0; exact, since x is a multiple of 2^-16."""

    x: np.ndarray = LavaPyType(np.ndarray, float)
    v: np.ndarray = LavaPyType(np.ndarray, float)
    unit = 1.0


class Player(AbstractProcess):
    """Plays spike trains, or integers, one sample after another; 0 for the rest of each period and after the last.

    Parameters
    ----------
    trains
        (samples, window, ceil(lines / 8)) uint8, bit-packed spikes, or (samples, window, lines) int32. May be
        memory-mapped; read-only.
    shape
        Of the lines, as Lava has them: (lines,) or (width, height, channels).
    period
        Steps from one sample to the next, >= the window.
    recording
        Destination of what it sends; None for none.

    Attributes
    ----------
    s_out
        Of that shape.
    """

    def __init__(self, *, trains: np.ndarray, shape: tuple[int, ...], period: int, recording: Recording | None) -> None:
        super().__init__(trains=trains, shape=shape, period=period, recording=recording)
        if trains.shape[1] > period:  # after super().__init__, whose attributes Lava's destructor needs
            raise ValueError(f"a window of {trains.shape[1]} steps does not fit a period of {period}")
        self.s_out = OutPort(shape=shape)


@implements(proc=Player, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt", "floating_pt")
class PyPlayer(PySource):
    """Unpacks one row per step."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.trains = proc_params["trains"]
        self.samples, self.window = self.trains.shape[:2]
        self.shape = tuple(proc_params["shape"])

    def messages(self, sample: int, step: int) -> np.ndarray:
        """Return the spikes of the train."""
        row = self.trains[sample, step]
        lines = np.unpackbits(row, count=math.prod(self.shape)) if row.dtype == np.uint8 else row
        return lines.reshape(self.shape[::-1]).T  # a file has (channels, height, width), Lava (width, height, channels)
