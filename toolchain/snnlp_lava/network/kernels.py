"""Arithmetic of a layer: the sums of weights that arrive, and the neurons' steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from snnlp_lava.network import compiled, limits

if TYPE_CHECKING:
    from snnlp_lava.network.neuron import StateUnits

_FLOAT32_EXACT = 1 << 24
_STATE_LIMIT = float(limits.STATE_LIMIT)


class LayerRun(NamedTuple):
    """What a layer did.

    Attributes
    ----------
    spikes
        (n, steps, neurons) uint8.
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


def is_sparse(spikes: np.ndarray) -> bool:
    """Whether so few of the spikes, an array of any shape, are not 0 that `add_weights` is quicker than BLAS."""
    return bool(np.count_nonzero(spikes) < compiled.DENSE_FROM * spikes.size)


def exact_sums(spikes: np.ndarray, weight: np.ndarray, weight_by_line: np.ndarray) -> np.ndarray:
    """The weights that arrive at each neuron in each step, exact.

    Few spikes: int32 sums of the weights of those lines that spike, 2^28 at most. Many: matrix products, in float32
    where every sum is below 2^24, else in float64.

    Parameters
    ----------
    spikes
        (n, steps, lines) uint8, 0 or 1.
    weight, weight_by_line
        (neurons, lines) int32, and the same as (lines, neurons) int16.

    Returns
    -------
    np.ndarray
        (n, steps, neurons) int32 or float.
    """
    samples, steps, lines = spikes.shape
    flat = spikes.reshape(-1, lines)
    if is_sparse(flat):
        sums = np.zeros((len(flat), len(weight)), dtype=np.int32)
        with compiled.threads_for(sums.size):
            compiled.add_weights(np.ascontiguousarray(flat), weight_by_line, sums)
    else:
        exact = int(np.abs(weight).sum(axis=1, dtype=np.int64).max()) < _FLOAT32_EXACT
        dtype = np.float32 if exact else np.float64
        sums = flat.astype(dtype) @ weight.T.astype(dtype)
    return sums.reshape(samples, steps, len(weight))


def delayed_sums(spikes: np.ndarray, weight_by_line: np.ndarray, delay_by_line: np.ndarray) -> np.ndarray:
    """As `exact_sums` for synapses with delays, (lines, neurons) uint8; what arrives after the last step is lost."""
    samples, steps, _ = spikes.shape
    sums = np.zeros((samples, steps, weight_by_line.shape[1]), dtype=np.int32)
    with compiled.threads_for(sums.size):
        compiled.add_delayed(np.ascontiguousarray(spikes), weight_by_line, delay_by_line, sums)
    return sums


def run_neurons(neurons: StateUnits, sums: np.ndarray, own: np.ndarray | None = None) -> LayerRun:
    """Run the neurons of a layer on what arrives from outside, for n samples whose state is 0 at the first step.

    Parameters
    ----------
    neurons
        Their parameters.
    sums
        (n, steps, neurons) weights that arrive at each step, exact.
    own
        (neurons, neurons) int16: the weight of the synapse from neuron i, the row, onto neuron j, whose spikes arrive
        one step later. None if there are none.
    """
    samples, steps, count = sums.shape
    out = np.empty((samples, steps, count), dtype=np.uint8)
    wraps, clips, active = np.zeros((3, samples), dtype=np.int64)
    with compiled.threads_for(sums.size):
        if own is None:
            compiled.feed_forward(sums, *neurons, out, wraps, clips, active)
        else:
            compiled.recurrent(sums, own, *neurons, out, wraps, clips, active)
    return LayerRun(out, wraps, clips, active)


def trace_neuron(neurons: StateUnits, neuron: int, sums: np.ndarray, *, registers: bool = True) -> tuple[int, int]:
    """The u and v of one neuron after the last step, v before a spike resets it.

    Parameters
    ----------
    neurons
        The layer's parameters.
    neuron
        Which of its neurons.
    sums
        (steps,) weights that arrive at it at each step, those of the layer's own spikes among them.
    registers
        Whether u and v have 24 bits, which in SLAYER they have not.
    """
    limit = _STATE_LIMIT if registers else np.inf
    bias = float(neurons.bias[neuron])
    u, v = compiled.trace(sums.astype(np.float64), neurons.keep_u, neurons.keep_v, bias, neurons.threshold, limit)
    return int(u), int(v)


def count_spikes(spikes: np.ndarray) -> np.ndarray:
    """Spikes of each neuron over all steps: (n, steps, neurons) uint8 to (n, neurons) int32."""
    counts = np.zeros((len(spikes), spikes.shape[2]), dtype=np.int32)
    with compiled.threads_for(spikes.size):
        compiled.add_steps(spikes, counts)
    return counts
