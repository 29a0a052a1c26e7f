"""NIR files of other programs: chains of layers, quantised to the chip's integers.

NIR (Pedersen et al., Nature Communications 15, 8122, 2024) describes neurons in continuous time. Its CubaLIF is

    tau_syn dI/dt = -I + w_in S
    tau_mem dv/dt = v_leak - v + r I          a spike, and v = v_reset, where v > v_threshold

S is what the Linear or Affine in front sends. One step of Euler's method of length dt, the current first, is

    I[t] = (1 - dt/tau_syn) I[t-1] + (w_in dt/tau_syn) S[t]
    v[t] = (1 - dt/tau_mem) v[t-1] + (r dt/tau_mem) I[t] + (dt/tau_mem) v_leak

The chip's neuron (`snnlp_lava.network.neuron`) is, with the decays du and dv, W s written as a, all over 4096,

    u[t] = (1 - du/4096) u[t-1] + a[t]/64
    v[t] = (1 - dv/4096) v[t-1] + u[t] + bias/64           a spike, and v = 0, where v > threshold/64

They are the same but for what the chip's integers leave out: it cuts what is left of u and v to integers, wraps u and
clips v.
"""

from __future__ import annotations

import math

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.network import Network
from snnlp_lava.netx.nir.graph import TOLERANCE, Imported, Node
from snnlp_lava.netx.quantise import FloatLayer, quantise


def import_foreign(pairs: list[tuple[Node, Node]], time_step: float) -> Imported:
    """Quantise the layers of another program's graph, whose step has so many seconds.

    Raises
    ------
    InputError
        If the time step is no positive number, or a layer cannot be stored on the chip.
    """
    if not 0 < time_step < math.inf:
        raise InputError(f"time step must be a positive number of seconds, got {time_step}")
    layers, changes, notes = [], [], []
    for number, (weights, neurons) in enumerate(pairs, start=1):
        floats, of_layer = _float_layer(number, weights, neurons, time_step)
        layer, change = quantise(number, floats)
        layers.append(layer)
        changes.append(change)
        notes += of_layer
    return Imported(Network(tuple(layers)), None, time_step, tuple(changes), tuple(notes))


def _float_layer(number: int, weights: Node, neurons: Node, time_step: float) -> tuple[FloatLayer, list[str]]:
    """Euler's step of a layer, and what a reader should know of it."""
    weight = weights.weight()
    count = len(weight)
    bias = weights.bias(count)
    r, threshold, reset = (neurons.parameter(name, count) for name in ("r", "v_threshold", "v_reset"))
    if reset.any():
        raise InputError(f"{neurons}: v_reset {reset[reset != 0][0]:g} is not 0; the chip resets to 0")
    notes = []
    syn = mem = np.ones(count)
    with np.errstate(over="ignore", invalid="ignore"):
        if neurons.kind == "IF":
            mem, gain, leak = np.full(count, np.inf), time_step * r, np.zeros(count)
        else:
            mem = _steps(neurons, "tau" if neurons.kind == "LIF" else "tau_mem", count, time_step)
            gain, leak = r / mem, neurons.parameter("v_leak", count) / mem
        if neurons.kind == "CubaLIF":
            syn = _steps(neurons, "tau_syn", count, time_step)
            gain = gain * neurons.parameter("w_in", count) / syn
            if bias.any() and (syn != 1).any():
                notes.append(
                    f"layer {number}: its bias charges the current in the file; on the chip it acts on the voltage, "
                    "from the first step on with the value at which that current settles"
                )
        floats = FloatLayer(
            weight=weight * gain[:, None],
            bias=bias * gain * syn + leak,
            current_decay=limits.DECAY_UNITY / syn,
            voltage_decay=limits.DECAY_UNITY / mem,
            threshold=threshold,
        )
    if leak.any():
        notes.append(f"layer {number}: v_leak became a bias; v starts at 0, not at v_leak")
    for name, values in (
        ("weights", floats.weight),
        ("biases", floats.bias),
        ("thresholds", 1 / threshold[threshold > 0]),
    ):
        if not (np.abs(values) <= np.finfo(np.float32).max).all():
            raise InputError(f"{neurons}: its {name}, with its gain, are outside the range of float32")
    return floats, notes


def _steps(neurons: Node, name: str, count: int, time_step: float) -> np.ndarray:
    """A time constant in time steps."""
    tau = neurons.parameter(name, count)
    steps = tau / time_step
    if not (steps >= 1 - TOLERANCE).all():
        raise InputError(
            f"{neurons}: {name} {tau.min():g} s is shorter than the time step, {time_step:g} s; "
            "give the file's own with --time-step"
        )
    return np.maximum(steps, 1)
