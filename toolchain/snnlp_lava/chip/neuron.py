"""The integer CUBA neuron of Loihi, for whole batches: the arithmetic of Lava's fixed-point models.

At every step, with s the spikes that arrive, du and dv the decays, all integers:

    a = W s
    u = sgn(u) (|u| (4096 - du) >> 12) + (a << 6)                     wraps at 24 bits
    v = clip(sgn(v) (|v| (4096 - dv) >> 12) + u + (bias << 6), +-(2^23 - 1))
    spike iff v > threshold << 6;   a spike sets v to 0 and leaves u

Source: AbstractPyLifModelFixed and PyLifModelBitAcc in lava-nc 0.10.0, lava.proc.lif.models.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnlp_lava.chip import limits
from snnlp_lava.chip.network import Layer

_FLOAT32_EXACT = 1 << 24


class LayerRun(NamedTuple):
    """What a layer did.

    Attributes
    ----------
    spikes
        (n, steps, out) uint8.
    wraps, clips
        (n,) int64: how often a u wrapped, a v was clipped. SLAYER does neither, so each of these is a place
        where trainer and chip may part.
    """

    spikes: np.ndarray
    wraps: np.ndarray
    clips: np.ndarray


def run_layer(layer: Layer, spikes: np.ndarray) -> LayerRun:
    """Run n independent samples through a layer whose state is 0 at the first step.

    Parameters
    ----------
    layer
        The layer.
    spikes
        (n, steps, in) uint8, 0 or 1: what arrives at each step.
    """
    samples, steps, inputs = spikes.shape
    # A sum of `inputs` weights is exact in float32 below 2^24, and float products are the fast ones.
    exact = int(np.abs(layer.weight).sum(axis=1).max()) < _FLOAT32_EXACT
    dtype = np.float32 if exact else np.float64
    products = spikes.reshape(-1, inputs).astype(dtype) @ layer.weight.T.astype(dtype)
    drive = products.reshape(samples, steps, layer.neurons).astype(np.int64) << limits.STATE_SHIFT
    bias = layer.bias.astype(np.int64) << limits.BIAS_EXPONENT
    threshold = layer.threshold << limits.STATE_SHIFT
    highest = limits.STATE_LIMIT - 1

    u = np.zeros((samples, layer.neurons), dtype=np.int64)
    v = np.zeros_like(u)
    out = np.empty((samples, steps, layer.neurons), dtype=np.uint8)
    wraps = np.zeros(samples, dtype=np.int64)
    clips = np.zeros(samples, dtype=np.int64)
    for step in range(steps):
        u = _decay(u, layer.current_decay) + drive[:, step]
        over, under = u > limits.STATE_LIMIT, u <= -limits.STATE_LIMIT
        if over.any() or under.any():
            wraps += (over | under).sum(axis=1)
            u += 2 * limits.STATE_LIMIT * (under.astype(np.int64) - over)
        v = _decay(v, layer.voltage_decay) + u + bias
        clipped = np.abs(v) > highest
        if clipped.any():
            clips += clipped.sum(axis=1)
            np.clip(v, -highest, highest, out=v)
        fired = v > threshold
        out[:, step] = fired
        v[fired] = 0
    return LayerRun(out, wraps, clips)


def _decay(state: np.ndarray, decay: int) -> np.ndarray:
    kept = np.abs(state) * (limits.DECAY_UNITY - decay) >> 12
    return np.where(state < 0, -kept, kept)
