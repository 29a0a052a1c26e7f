"""Loops of a layer's arithmetic, compiled by numba."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads

from snnlp_lava.network import limits

DENSE_FROM = 0.2
"""Share of lines that spike from which BLAS is quicker than adding up weights."""
_SERIAL_BELOW = 1 << 20
"""Values, of sums or states, below which one thread is quicker than waking others."""
_STATE_UNIT = float(1 << limits.STATE_SHIFT)
_STATE_LIMIT = float(limits.STATE_LIMIT)


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
def add_delayed(spikes: Any, weight: Any, delay: Any, sums: Any) -> None:
    """Add the weights that arrive, each with the delay of its synapse, to `sums` (n, steps, neurons)."""
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


@njit(cache=True, parallel=True)
def add_steps(spikes: Any, counts: Any) -> None:
    """Add the spikes of all steps to `counts` (n, neurons)."""
    samples, steps, neurons = spikes.shape
    for sample in prange(samples):
        for step in range(steps):
            for neuron in range(neurons):
                counts[sample, neuron] += spikes[sample, step, neuron]


@njit(cache=True, parallel=True)
def feed_forward(
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
    """Run neurons without synapses among themselves."""
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
def recurrent(
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
    """Run neurons whose spikes arrive at each other one step later."""
    # As `feed_forward`, which would take a quarter longer with the feedback in it.
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
def trace(sums: Any, keep_u: float, keep_v: float, bias: float, threshold: float, limit: float) -> Any:
    """Run one neuron: u and v after the last step."""
    u = v = 0.0
    for step in range(len(sums)):
        v = 0.0 if v > threshold else v
        u, v, _, _ = _step(u, v, sums[step], keep_u, keep_v, bias, limit)
    return u, v
