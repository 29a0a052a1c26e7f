"""Lava's fixed-point neurons, made to record what they send, to start samples from zero, and to take values.

NetX resets u and v of CUBA neurons alone (`LIFReset`). Sigma-delta neurons keep what they have received and sent for
ever, so that a sample would begin where the one before ended; they are cleared here in the first step of their layer's
window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.lif.models import PyLifResetModelBitAcc
from lava.proc.sdn.models import PyDeltaModelFixed, PySigmaDeltaModelFixed, PySigmaModelFixed

from snnlp_lava.backends.lava.processes.recorders import Recording

_STATE = ("sigma", "act", "residue", "error")


def recording_neuron(neuron: Any, recording: Recording, first: int, period: int, *, voltage: bool = False) -> type:
    """A model for the neurons of one of NetX's layers, as Lava's run configuration takes exceptions.

    Parameters
    ----------
    neuron
        The Process.
    recording
        Destination of what the neurons send.
    first
        First step of the layer's first window; Lava counts steps from 1.
    period
        Steps from one sample to the next.
    voltage
        Whether to record v after each step instead: that of a read-out, which never spikes.
    """
    kind = type(neuron).__name__
    if kind == "LIFReset":
        return _lif(recording, voltage)
    return _sigma(recording, first, period) if kind == "Sigma" else _delta(kind, recording, first, period)


def biased_input(model: type, values: np.ndarray, first: int, period: int) -> type:
    """Extend a model of `recording_neuron` to take its bias mantissas from an array, step by step.

    Lava scales the bias anew in every step, so that it may change in any.

    Parameters
    ----------
    model
        The model.
    values
        (samples, steps, neurons) integers; afterwards the bias is 0. May be memory-mapped.
    first, period
        As in `recording_neuron`.
    """

    def run_spk(self: Any) -> None:
        sample, step = divmod(self.time_step - first, period)
        shown = 0 <= sample < values.shape[0] and step < values.shape[1]
        # The file has (channels, height, width), Lava (width, height, channels).
        self.bias_mant = values[sample, step].reshape(self.v.shape[::-1]).T.astype(np.int32) if shown else 0 * self.v
        model.run_spk(self)  # type: ignore[attr-defined]

    return type(f"Input{model.__name__}", (model,), {"run_spk": run_spk})


def _lif(recording: Recording, voltage: bool) -> type:
    def spiking_activation(self: Any) -> np.ndarray:
        spikes: np.ndarray = PyLifResetModelBitAcc.spiking_activation(self)
        recording.write(self.time_step, self.v if voltage else spikes)
        return spikes

    return type(f"RecordingLif{recording.layer}", (PyLifResetModelBitAcc,), {"spiking_activation": spiking_activation})


def _delta(kind: str, recording: Recording, first: int, period: int) -> type:
    base = {"Delta": PyDeltaModelFixed, "SigmaDelta": PySigmaDeltaModelFixed}[kind]

    def delta_dynamics(self: Any, act_data: np.ndarray) -> np.ndarray:
        sent: np.ndarray = base.delta_dynamics(self, act_data)
        recording.write(self.time_step, np.right_shift(sent, self.state_exp))  # as run_spk sends it
        return sent

    return _forgetting(f"Recording{kind}{recording.layer}", base, first, period, delta_dynamics=delta_dynamics)


def _sigma(recording: Recording, first: int, period: int) -> type:
    def sigma_dynamics(self: Any, a_in_data: np.ndarray) -> np.ndarray:
        sent: np.ndarray = PySigmaModelFixed.sigma_dynamics(self, a_in_data)
        recording.write(self.time_step, sent)
        return sent

    name = f"RecordingSigma{recording.layer}"
    return _forgetting(name, PySigmaModelFixed, first, period, sigma_dynamics=sigma_dynamics)


def _forgetting(name: str, base: Any, first: int, period: int, **methods: Any) -> type:
    def run_spk(self: Any) -> None:
        if self.time_step % period == first % period:
            for state in _STATE:
                if (found := getattr(self, state, None)) is not None:
                    setattr(self, state, np.zeros_like(found))
        base.run_spk(self)

    return type(name, (base,), {"run_spk": run_spk, **methods})
