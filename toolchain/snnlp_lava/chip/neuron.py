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

    The state is kept in float64, which holds all these integers exactly and which NumPy is quick with: with u
    below 2^24, u (4096 - du) / 4096 has 36 bits, and truncation is what the shift of the absolute value does.

    Parameters
    ----------
    layer
        The layer.
    spikes
        (n, steps, in) uint8, 0 or 1: what arrives at each step.
    """
    samples, steps, _ = spikes.shape
    keep_u = (limits.DECAY_UNITY - layer.current_decay) / limits.DECAY_UNITY
    keep_v = (limits.DECAY_UNITY - layer.voltage_decay) / limits.DECAY_UNITY
    bias = (layer.bias.astype(np.float64) * (1 << limits.BIAS_EXPONENT)) if layer.bias.any() else None
    threshold = float(layer.threshold << limits.STATE_SHIFT)
    may_wrap = _largest_current(layer) > limits.STATE_LIMIT

    drive = _products(layer, spikes)
    u = np.zeros((samples, layer.neurons))
    v = np.zeros_like(u)
    out = np.empty((samples, steps, layer.neurons), dtype=np.uint8)
    arriving = np.empty_like(u)
    silent = np.empty(u.shape, dtype=bool)
    wraps = np.zeros(samples, dtype=np.int64)
    clips = np.zeros(samples, dtype=np.int64)
    for step in range(steps):
        np.multiply(drive[:, step], 1 << limits.STATE_SHIFT, out=arriving)
        u *= keep_u
        np.trunc(u, out=u)
        u += arriving
        if may_wrap:
            _wrap(u, wraps)
        v *= keep_v
        np.trunc(v, out=v)
        v += u
        if bias is not None:
            v += bias
        # One pass finds out whether anything is to be clipped, which is rare.
        if max(v.max(), -v.min()) >= limits.STATE_LIMIT:
            _clip(v, clips)
        np.less_equal(v, threshold, out=silent)
        np.logical_not(silent, out=out[:, step].view(bool))
        v *= silent
    return LayerRun(out, wraps, clips)


def _products(layer: Layer, spikes: np.ndarray) -> np.ndarray:
    """W s of every step, (n, steps, out), exact: float32 where every sum is below 2^24, else float64."""
    samples, steps, inputs = spikes.shape
    exact = int(np.abs(layer.weight).sum(axis=1, dtype=np.int64).max()) < _FLOAT32_EXACT
    dtype = np.float32 if exact else np.float64
    flat = spikes.reshape(-1, inputs)
    return (flat.astype(dtype) @ layer.weight.T.astype(dtype)).reshape(samples, steps, layer.neurons)


def _largest_current(layer: Layer) -> float:
    """A bound of |u| if nothing wraps: the largest sum that can arrive at every step, against the decay."""
    positive = layer.weight.clip(min=0).sum(axis=1, dtype=np.int64).max()
    negative = layer.weight.clip(max=0).sum(axis=1, dtype=np.int64).min()
    largest = float(max(positive, -negative)) * (1 << limits.STATE_SHIFT)
    return largest * limits.DECAY_UNITY / layer.current_decay


def _wrap(u: np.ndarray, wraps: np.ndarray) -> None:
    over, under = u > limits.STATE_LIMIT, u <= -limits.STATE_LIMIT
    if over.any() or under.any():
        wraps += (over | under).sum(axis=1)
        u += 2.0 * limits.STATE_LIMIT * (under.astype(np.float64) - over)


def _clip(v: np.ndarray, clips: np.ndarray) -> None:
    highest = limits.STATE_LIMIT - 1
    clips += (np.abs(v) > highest).sum(axis=1)
    np.clip(v, -highest, highest, out=v)
