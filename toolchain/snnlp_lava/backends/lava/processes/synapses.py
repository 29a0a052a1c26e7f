"""Lava's fixed-point synapses, emptied between samples: what is under way in them at a layer's reset is forgotten.

NetX resets the neurons alone. Spikes that a recurrent layer sent itself in the last step of a sample, and spikes under
way in delays, would arrive in the next sample. They are in a synapse Process's buffer, `a_buff`, which is cleared in
the step in which the layer's neurons are reset. In it the synapse has to

* send nothing, where the layer's own neurons are its lines: all that is under way is of the sample before;
* send what arrived in the step before, which is the first step of the layer in front, where lines with delays lead to
  it: so the buffer is cleared a step earlier, between what it sends and the spikes that it takes in.

Synapses from outside without delays hold one step, which is the new sample's already.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc


def forgetting_synapses(layer: Any, first: int, period: int) -> dict[Any, type]:
    """Models for those synapse Processes of one of NetX's layers that hold more than a step.

    Parameters
    ----------
    layer
        NetX's block.
    first
        First step of the layer's first window; Lava counts steps from 1.
    period
        Steps from one sample to the next.

    Returns
    -------
    dict
        Process to model, as Lava's run configuration takes exceptions.
    """
    models: dict[Any, type] = {}
    if (own := getattr(layer, "synapse_rec", None)) is not None:
        models[own] = _forgetting_feedback(first, period)
    if type(getattr(layer, "synapse", None)).__name__ == "DelayDense":
        models[layer.synapse] = _forgetting_delays(first, period)
    return models


def _forgetting_feedback(first: int, period: int) -> type:
    def run_spk(self: Any) -> None:
        if self.time_step % period == first % period:
            self.a_buff[:] = 0
        PyDenseModelBitAcc.run_spk(self)

    return type("ForgettingFeedback", (PyDenseModelBitAcc,), {"run_spk": run_spk})


def _forgetting_delays(first: int, period: int) -> type:
    def calc_act(self: Any, s_in: np.ndarray) -> np.ndarray:  # called after sending, before the buffer moves on
        if (self.time_step + 1) % period == first % period:
            self.a_buff[:] = 0
        activation: np.ndarray = PyDelayDenseModelBitAcc.calc_act(self, s_in)
        return activation

    return type("ForgettingDelays", (PyDelayDenseModelBitAcc,), {"calc_act": calc_act})
