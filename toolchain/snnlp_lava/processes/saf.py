"""SAF as a Lava Process: the deterministic rate code of `snnlp_lava.encode.saf`, spike for spike."""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from snnlp_lava.encode.saf import ONE
from snnlp_lava.processes.recording import Recording
from snnlp_lava.processes.source import PySource


class SAF(AbstractProcess):
    """Self-accumulate-and-fire neurons.

    At the first step of every period each neuron takes its next value x and forgets its remainder; then, for
    `window` steps, it adds x to v and spikes when v reaches the threshold, which is then taken off v (soft
    reset). For the rest of the period, and after the last sample, it is silent.

    Parameters
    ----------
    values
        (samples, channels) int32 in [0, ONE], from a calibration. May be memory-mapped; it is only read.
    window
        Steps a sample is presented.
    period
        Steps from one sample to the next, at least `window`.
    recording
        Where its spikes are written down.

    Attributes
    ----------
    s_out
        (channels,) spikes.
    x, v
        (channels,) the value in force, and the accumulator.
    """

    def __init__(self, *, values: np.ndarray, window: int, period: int, recording: Recording) -> None:
        super().__init__(values=values, window=window, period=period, recording=recording)
        if not 0 < window <= period:  # after super: Lava's destructor needs what it sets
            raise ValueError(f"a window of {window} steps does not fit a period of {period}")
        channels = values.shape[1]
        self.s_out = OutPort(shape=(channels,))
        self.x = Var(shape=(channels,), init=0)
        self.v = Var(shape=(channels,), init=0)


class _PySAF(PySource):
    """What both models share; `unit` is the value of ONE in their arithmetic."""

    unit: int | float = ONE

    def __init__(self, proc_params: dict) -> None:
        super().__init__(proc_params)
        self.values = proc_params["values"]
        self.samples, self.channels = self.values.shape
        self.window = proc_params["window"]

    def spikes(self, sample: int, step: int) -> np.ndarray:
        if step == 0:
            self.x[:] = self.values[sample] * (self.unit / ONE)
            self.v[:] = 0
        self.v += self.x
        spikes: np.ndarray = self.v >= self.unit
        self.v[spikes] -= self.unit
        return spikes


@implements(proc=SAF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySAFFixed(_PySAF):
    """Integer accumulator with threshold ONE."""

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
