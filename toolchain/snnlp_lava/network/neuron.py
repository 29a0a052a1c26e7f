"""The integer CUBA neuron of Loihi, for whole batches: the arithmetic of Lava's fixed-point models.

At every step, with s the spikes that arrive, du and dv the decays, all integers:

    a = W s
    u = sgn(u) (|u| (4096 - du) >> 12) + (a << 6)                     wraps at 24 bits
    v = clip(sgn(v) (|v| (4096 - dv) >> 12) + u + (bias << 6), +-(2^23 - 1))
    spike iff v > threshold << 6;   a spike sets v to 0 and leaves u

Source: AbstractPyLifModelFixed and PyLifModelBitAcc in lava-nc 0.10.0, lava.proc.lif.models.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from snnlp_lava.network import limits
from snnlp_lava.network.network import Layer

_DENSE_FROM = 0.2
"""Share of lines that spike from which BLAS is quicker."""


def is_sparse(spikes: np.ndarray) -> bool:
    """Whether so few of the spikes, an array of any shape, are not 0 that `add_weights` is quicker than BLAS."""
    return bool(np.count_nonzero(spikes) < _DENSE_FROM * spikes.size)


@njit(cache=True, parallel=True)
def add_weights(spikes: Any, weight: Any, sums: Any) -> None:
    """Add spikes @ weight to `sums`, which no sum may overflow.

    Parameters
    ----------
    spikes
        (rows, in) numbers, mostly 0.
    weight
        (in, out) numbers.
    sums
        (rows, out) numbers.
    """
    rows, lines = spikes.shape
    for row in prange(rows):
        for line in range(lines):
            spike = spikes[row, line]
            if spike:
                for neuron in range(weight.shape[1]):
                    sums[row, neuron] += spike * weight[line, neuron]


_FLOAT32_EXACT = 1 << 24


_SPAN = 2.0 * limits.STATE_LIMIT


_U_LIMIT = float(limits.STATE_LIMIT)


_V_LIMIT = float(limits.STATE_LIMIT - 1)


_STATE_UNIT = float(1 << limits.STATE_SHIFT)


class LayerRun(NamedTuple):
    """What a layer did.

    Attributes
    ----------
    spikes
        (n, steps, out) uint8.
    wraps, clips
        (n,) int64: how often a u wrapped, a v was clipped. SLAYER does neither, so each of these is a place
        where trainer and chip may part.
    active
        (n,) int64: updates that do something. One is idle where u and v are 0, the sum that arrives is 0, and so is
        the bias: such a neuron is left as it was.
    """

    spikes: np.ndarray
    wraps: np.ndarray
    clips: np.ndarray
    active: np.ndarray


def run_layer(layer: Layer, spikes: np.ndarray) -> LayerRun:
    """Run n independent samples through a layer whose state is 0 at the first step.

    Parameters
    ----------
    layer
        The layer.
    spikes
        (n, steps, in) uint8, 0 or 1: what arrives at each step.
    """
    samples, steps, _ = spikes.shape
    out = np.empty((samples, steps, layer.neurons), dtype=np.uint8)
    wraps, clips, active = np.zeros((3, samples), dtype=np.int64)
    _neurons(
        _products(layer, spikes),
        (limits.DECAY_UNITY - layer.current_decay) / limits.DECAY_UNITY,
        (limits.DECAY_UNITY - layer.voltage_decay) / limits.DECAY_UNITY,
        layer.bias * float(1 << limits.BIAS_EXPONENT),
        float(layer.threshold << limits.STATE_SHIFT),
        out,
        wraps,
        clips,
        active,
    )
    return LayerRun(out, wraps, clips, active)


def count_spikes(spikes: np.ndarray) -> np.ndarray:
    """Spikes of each neuron over all steps: (n, steps, neurons) uint8 to (n, neurons) int32."""
    counts = np.zeros((len(spikes), spikes.shape[2]), dtype=np.int32)
    _add_steps(spikes, counts)
    return counts


def _products(layer: Layer, spikes: np.ndarray) -> np.ndarray:
    """W s of every step, (n, steps, out), exact.

    Few spikes: int32 sums of the weights of those lines that spike, 2^28 at most. Many: matrix products, in
    float32 where every sum is below 2^24, else in float64.
    """
    samples, steps, inputs = spikes.shape
    flat = spikes.reshape(-1, inputs)
    if is_sparse(flat):
        sums = np.zeros((len(flat), layer.neurons), dtype=np.int32)
        add_weights(np.ascontiguousarray(flat), np.ascontiguousarray(layer.weight.T, dtype=np.int16), sums)
    else:
        exact = int(np.abs(layer.weight).sum(axis=1, dtype=np.int64).max()) < _FLOAT32_EXACT
        dtype = np.float32 if exact else np.float64
        sums = flat.astype(dtype) @ layer.weight.T.astype(dtype)
    return sums.reshape(samples, steps, layer.neurons)


@njit(cache=True, parallel=True)
def _add_steps(spikes: Any, counts: Any) -> None:
    samples, steps, neurons = spikes.shape
    for sample in prange(samples):
        for step in range(steps):
            for neuron in range(neurons):
                counts[sample, neuron] += spikes[sample, step, neuron]


@njit(cache=True, parallel=True)
def _neurons(
    drive: Any,
    keep_u: float,
    keep_v: float,
    bias: Any,
    threshold: float,
    out: Any,
    wraps: Any,
    clips: Any,
    active: Any,
) -> None:
    # The state is kept in float64, which holds all these integers exactly and which vectorises well: with u below
    # 2^24, u (4096 - du) / 4096 has 36 bits, and truncation is what the shift of the absolute value does.
    samples, steps, neurons = out.shape
    for sample in prange(samples):
        u, v = np.zeros(neurons), np.zeros(neurons)
        wrapped, clipped, moved = 0, 0, 0
        for step in range(steps):
            for i in range(neurons):
                arriving = drive[sample, step, i] * _STATE_UNIT
                moved += (u[i] != 0.0) | (v[i] != 0.0) | (arriving != 0.0) | (bias[i] != 0.0)
                current = np.trunc(u[i] * keep_u) + arriving
                over, under = current > _U_LIMIT, current <= -_U_LIMIT
                current = current - _SPAN if over else current
                current = current + _SPAN if under else current
                wrapped += over | under
                u[i] = current
                raised = np.trunc(v[i] * keep_v) + current + bias[i]
                voltage = min(max(raised, -_V_LIMIT), _V_LIMIT)
                clipped += voltage != raised
                fired = voltage > threshold
                out[sample, step, i] = fired
                v[i] = 0.0 if fired else voltage
        wraps[sample], clips[sample], active[sample] = wrapped, clipped, moved


def _state(layer: Layer, neuron: int, spikes: np.ndarray, *, registers: bool) -> tuple[int, int]:
    """U and v of one neuron after the last of the steps, in plain integers; SLAYER has no 24-bit registers."""
    u = v = 0
    weights = layer.weight[neuron].astype(np.int64)
    for arriving in spikes.astype(np.int64):
        if v > layer.threshold << limits.STATE_SHIFT:
            v = 0
        u = _decayed(u, layer.current_decay) + (int(weights @ arriving) << limits.STATE_SHIFT)
        if registers and u > limits.STATE_LIMIT:
            u -= 2 * limits.STATE_LIMIT
        elif registers and u <= -limits.STATE_LIMIT:
            u += 2 * limits.STATE_LIMIT
        v = _decayed(v, layer.voltage_decay) + u + (int(layer.bias[neuron]) << limits.BIAS_EXPONENT)
        if registers:
            v = max(-limits.STATE_LIMIT + 1, min(limits.STATE_LIMIT - 1, v))
    return u, v


def _decayed(state: int, decay: int) -> int:
    kept = abs(state) * (limits.DECAY_UNITY - decay) >> 12
    return kept if state >= 0 else -kept
