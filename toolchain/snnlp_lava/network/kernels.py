"""Compiled arithmetic of a layer: the sums of weights that arrive, and the neuron's step, which stands here once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads

from snnlp_lava.network import limits

if TYPE_CHECKING:
    from snnlp_lava.network.neuron import StateUnits

_SERIAL_BELOW = 1 << 20
"""Values, of sums or states, below which one thread is quicker than waking others."""
_DENSE_FROM = 0.2
"""Share of lines that spike from which BLAS is quicker than adding up weights."""
_FLOAT32_EXACT = 1 << 24
_STATE_UNIT = float(1 << limits.STATE_SHIFT)
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


@contextmanager
def threads_for(values: int) -> Iterator[None]:
    """Let compiled code work with one thread where there are few values: waking the others takes longer."""
    threads = get_num_threads()
    if values >= _SERIAL_BELOW or threads == 1:
        yield
        return
    set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)


def is_sparse(spikes: np.ndarray) -> bool:
    """Whether so few of the spikes, an array of any shape, are not 0 that `add_weights` is quicker than BLAS."""
    return bool(np.count_nonzero(spikes) < _DENSE_FROM * spikes.size)


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
        with threads_for(sums.size):
            add_weights(np.ascontiguousarray(flat), weight_by_line, sums)
    else:
        exact = int(np.abs(weight).sum(axis=1, dtype=np.int64).max()) < _FLOAT32_EXACT
        dtype = np.float32 if exact else np.float64
        sums = flat.astype(dtype) @ weight.T.astype(dtype)
    return sums.reshape(samples, steps, len(weight))


def delayed_sums(spikes: np.ndarray, weight_by_line: np.ndarray, delay_by_line: np.ndarray) -> np.ndarray:
    """As `exact_sums` for synapses with delays, (lines, neurons) uint8; what arrives after the last step is lost."""
    samples, steps, _ = spikes.shape
    sums = np.zeros((samples, steps, weight_by_line.shape[1]), dtype=np.int32)
    with threads_for(sums.size):
        _add_delayed(np.ascontiguousarray(spikes), weight_by_line, delay_by_line, sums)
    return sums


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


@njit(cache=True, parallel=True)
def _add_delayed(spikes: Any, weight: Any, delay: Any, sums: Any) -> None:
    samples, steps, lines = spikes.shape
    for sample in prange(samples):
        for step in range(steps):
            for line in range(lines):
                if spikes[sample, step, line]:
                    for neuron in range(weight.shape[1]):
                        arrival = step + delay[line, neuron]
                        if arrival < steps:
                            sums[sample, arrival, neuron] += weight[line, neuron]


@njit(inline="always")
def _step(u: float, v: float, sums: float, keep_u: float, keep_v: float, bias: float, limit: float) -> Any:
    """One step of one neuron: u, v before a spike resets it, whether u wrapped, whether v was clipped.

    The state is kept in float64, which holds all these integers exactly and which vectorises well: with u below 2^24,
    u (4096 - du) / 4096 has 36 bits, and truncation is what the shift of the absolute value does. `limit` is 2^23, or
    infinite for a neuron without 24-bit registers.
    """
    current = np.trunc(u * keep_u) + sums * _STATE_UNIT
    over, under = current > limit, current <= -limit
    current = current - 2.0 * limit if over else current
    current = current + 2.0 * limit if under else current
    raised = np.trunc(v * keep_v) + current + bias
    voltage = min(max(raised, 1.0 - limit), limit - 1.0)
    return current, voltage, over | under, voltage != raised


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
    with threads_for(sums.size):
        if own is None:
            _feed_forward(sums, *neurons, out, wraps, clips, active)
        else:
            _recurrent(sums, own, *neurons, out, wraps, clips, active)
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
    u, v = _trace(sums.astype(np.float64), neurons.keep_u, neurons.keep_v, bias, neurons.threshold, limit)
    return int(u), int(v)


def count_spikes(spikes: np.ndarray) -> np.ndarray:
    """Spikes of each neuron over all steps: (n, steps, neurons) uint8 to (n, neurons) int32."""
    counts = np.zeros((len(spikes), spikes.shape[2]), dtype=np.int32)
    with threads_for(spikes.size):
        _add_steps(spikes, counts)
    return counts


@njit(cache=True, parallel=True)
def _add_steps(spikes: Any, counts: Any) -> None:
    samples, steps, neurons = spikes.shape
    for sample in prange(samples):
        for step in range(steps):
            for neuron in range(neurons):
                counts[sample, neuron] += spikes[sample, step, neuron]


@njit(cache=True, parallel=True)
def _feed_forward(
    sums: Any,
    keep_u: float,
    keep_v: float,
    bias: Any,
    threshold: float,
    out: Any,
    wraps: Any,
    clips: Any,
    active: Any,
) -> None:
    samples, steps, neurons = out.shape
    for sample in prange(samples):
        u, v = np.zeros(neurons), np.zeros(neurons)
        wrapped, clipped, moved = 0, 0, 0
        for step in range(steps):
            for i in range(neurons):
                arriving = float(sums[sample, step, i])
                moved += (u[i] != 0.0) | (v[i] != 0.0) | (arriving != 0.0) | (bias[i] != 0.0)
                u[i], voltage, wrap, clip = _step(u[i], v[i], arriving, keep_u, keep_v, bias[i], _STATE_LIMIT)
                wrapped += wrap
                clipped += clip
                fired = voltage > threshold
                out[sample, step, i] = fired
                v[i] = 0.0 if fired else voltage
        wraps[sample], clips[sample], active[sample] = wrapped, clipped, moved


@njit(cache=True, parallel=True)
def _recurrent(
    sums: Any,
    own: Any,
    keep_u: float,
    keep_v: float,
    bias: Any,
    threshold: float,
    out: Any,
    wraps: Any,
    clips: Any,
    active: Any,
) -> None:
    # As `_feed_forward`, which would take a quarter longer with the feedback in it.
    samples, steps, neurons = out.shape
    for sample in prange(samples):
        u, v, feedback = np.zeros(neurons), np.zeros(neurons), np.zeros(neurons, dtype=np.int32)
        wrapped, clipped, moved = 0, 0, 0
        for step in range(steps):
            for i in range(neurons):
                arriving = float(sums[sample, step, i] + feedback[i])
                moved += (u[i] != 0.0) | (v[i] != 0.0) | (arriving != 0.0) | (bias[i] != 0.0)
                u[i], voltage, wrap, clip = _step(u[i], v[i], arriving, keep_u, keep_v, bias[i], _STATE_LIMIT)
                wrapped += wrap
                clipped += clip
                fired = voltage > threshold
                out[sample, step, i] = fired
                v[i] = 0.0 if fired else voltage
            feedback[:] = 0
            for i in range(neurons):
                if out[sample, step, i]:
                    for j in range(neurons):
                        feedback[j] += own[i, j]
        wraps[sample], clips[sample], active[sample] = wrapped, clipped, moved


@njit(cache=True)
def _trace(sums: Any, keep_u: float, keep_v: float, bias: float, threshold: float, limit: float) -> Any:
    u = v = 0.0
    for step in range(len(sums)):
        v = 0.0 if v > threshold else v
        u, v, _, _ = _step(u, v, sums[step], keep_u, keep_v, bias, limit)
    return u, v
