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
_REGISTER = limits.STATE_LIMIT


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
                spike = spikes[sample, step, line]
                if spike:
                    for neuron in range(weight.shape[1]):
                        arrival = step + delay[line, neuron]
                        if arrival < steps:
                            sums[sample, arrival, neuron] += spike * weight[line, neuron]


@njit(cache=True, parallel=True)
def convolve(messages: Any, weight: Any, down: Any, right: Any, sums: Any) -> None:
    """Convolve rows of spikes or messages, mostly 0, into `sums`, which no sum may overflow.

    Parameters
    ----------
    messages
        (rows, channels, height, width) numbers.
    weight
        (groups, channels of a group, kernel height, kernel width, outputs of a group) of the type of `sums`.
    down, right
        Which places a line reaches, by its row and its column (see `Geometry.reached`).
    sums
        (rows, outputs, height, width) int32 or int64.
    """
    rows, channels, height, width = messages.shape
    grouped, part = weight.shape[1], weight.shape[4]
    starts, kernel_rows, to_rows = down
    starts_right, kernel_columns, to_columns = right
    for row in prange(rows):
        added = np.zeros((sums.shape[2], sums.shape[3], sums.shape[1]), dtype=sums.dtype)
        for channel in range(channels):
            group = channel // grouped
            taps, own = weight[group, channel % grouped], added[:, :, group * part : (group + 1) * part]
            for y in range(height):
                for x in range(width):
                    message = messages[row, channel, y, x]
                    if message:
                        for a in range(starts[y], starts[y + 1]):
                            for b in range(starts_right[x], starts_right[x + 1]):
                                place = own[to_rows[a], to_columns[b]]
                                tap = taps[kernel_rows[a], kernel_columns[b]]
                                for k in range(part):
                                    place[k] += message * tap[k]
        sums[row] = added.transpose(2, 0, 1)


@njit(inline="always")
def _in_32_bits(value: float) -> float:
    return value - np.floor((value + 2.0**31) / 2.0**32) * 2.0**32


@njit(inline="always")
def _step(u: float, v: float, sums: float, keep_u: float, keep_v: float, bias: float, limit: float, wide: bool) -> Any:
    """One step of one neuron: u, v before a spike resets it, whether u wrapped, whether v was clipped.

    The state is kept in float64, which holds all these integers exactly and which vectorises well: with u below 2^24,
    u (4096 - du) / 4096 has 36 bits, and truncation is what the shift of the absolute value does. `limit` is 2^23, or
    infinite for a neuron without 24-bit registers. `wide`: sums may be 2^18 or more, which wrap u more than once; Lava
    wraps it once, and goes on in 32 bits.
    """
    current = np.trunc(u * keep_u) + sums * _STATE_UNIT
    current = _in_32_bits(current) if wide else current
    over, under = current > limit, current <= -limit
    current = current - 2.0 * limit if over else current
    current = current + 2.0 * limit if under else current
    raised = np.trunc(v * keep_v) + current + bias
    raised = _in_32_bits(raised) if wide else raised
    voltage = min(max(raised, 1.0 - limit), limit - 1.0)
    return current, voltage, over | under, voltage != raised


@njit(cache=True, parallel=True)
def add_steps(spikes: Any, counts: Any) -> None:
    """Add the spikes, or messages that are not 0, of all steps to `counts` (n, neurons)."""
    samples, steps, neurons = spikes.shape
    for sample in prange(samples):
        for step in range(steps):
            for neuron in range(neurons):
                counts[sample, neuron] += spikes[sample, step, neuron] != 0


@njit(cache=True, parallel=True)
def feed_forward(
    sums: Any,
    keep_u: float,
    keep_v: float,
    bias: Any,
    threshold: float,
    wide: bool,
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
                u[i], voltage, wrap, clip = _step(u[i], v[i], arriving, keep_u, keep_v, bias[i], _STATE_LIMIT, wide)
                wrapped += wrap
                clipped += clip
                fired = voltage > threshold
                out[sample, step, i] = fired
                v[i] = 0.0 if fired else voltage
        wraps[sample], clips[sample], active[sample] = wrapped, clipped, moved


@njit(cache=True, parallel=True)
def driven(currents: Any, keep_v: float, threshold: float, out: Any, clips: Any, active: Any) -> None:
    """Run neurons that a current of each step drives instead of synapses, so that u stays 0."""
    samples, steps, neurons = out.shape
    for sample in prange(samples):
        v = np.zeros(neurons)
        clipped, moved = 0, 0
        for step in range(steps):
            for i in range(neurons):
                bias = float(currents[sample, step, i]) * _STATE_UNIT
                moved += (v[i] != 0.0) | (bias != 0.0)
                _, voltage, _, clip = _step(0.0, v[i], 0.0, 0.0, keep_v, bias, _STATE_LIMIT, False)
                clipped += clip
                fired = voltage > threshold
                out[sample, step, i] = fired
                v[i] = 0.0 if fired else voltage
        clips[sample], active[sample] = clipped, moved


@njit(cache=True, parallel=True)
def recurrent(
    sums: Any,
    own: Any,
    keep_u: float,
    keep_v: float,
    bias: Any,
    threshold: float,
    wide: bool,
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
                u[i], voltage, wrap, clip = _step(u[i], v[i], arriving, keep_u, keep_v, bias[i], _STATE_LIMIT, wide)
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
def trace(
    sums: Any,
    keep_u: float,
    keep_v: float,
    bias: Any,
    threshold: float,
    wide: bool,
    limit: float,
    us: Any,
    vs: Any,
) -> None:
    """Run neurons of one sample: u and v after each step, (steps, neurons)."""
    steps, neurons = sums.shape
    for i in range(neurons):
        u = v = 0.0
        for step in range(steps):
            v = 0.0 if v > threshold else v
            u, v, _, _ = _step(u, v, sums[step, i], keep_u, keep_v, bias[i], limit, wide)
            us[step, i], vs[step, i] = u, v


_MESSAGE_MIN, _MESSAGE_MAX = limits.MESSAGE_MIN, limits.MESSAGE_MAX


_DELTA, _SIGMA_DELTA, _SIGMA = 0, 1, 2
_STATE_SHIFT = limits.STATE_SHIFT
_MESSAGE_SHIFT = limits.SPIKE_EXPONENT + limits.STATE_SHIFT


@njit(inline="always")
def _sigma_delta_step(added: Any, told: Any, arriving: Any, bias: Any, threshold: int, role: int) -> Any:
    """One step of one neuron: what it has added up, what of it it has told, and its message; see `SigmaDelta`.

    States have 32 bits, as Lava's.
    """
    added = np.int64(np.int32(arriving << _MESSAGE_SHIFT if role == _DELTA else added + arriving))
    if role == _SIGMA:
        return added, added, added
    value = added if role == _DELTA else max(np.int64(0), np.int64(np.int32(added + bias)))
    delta = np.int64(np.int32(value - told))
    if abs(delta) >= threshold:
        return added, value, delta >> _STATE_SHIFT
    return added, told, np.int64(0)


@njit(cache=True, parallel=True)
def sigma_delta(
    sums: Any,
    bias: Any,
    threshold: int,
    role: int,
    out: Any,
    wraps: Any,
    clips: Any,
    active: Any,
) -> None:
    """Run sigma-delta neurons."""
    samples, steps, neurons = out.shape
    for sample in prange(samples):
        added, told = np.zeros(neurons, dtype=np.int64), np.zeros(neurons, dtype=np.int64)
        wrapped, clipped, moved = 0, 0, 0
        for step in range(steps):
            for i in range(neurons):
                arriving, before = np.int64(sums[sample, step, i]), added[i]
                added[i], told[i], message = _sigma_delta_step(before, told[i], arriving, bias[i], threshold, role)
                moved += (added[i] != before) | (message != 0)
                wrapped += (abs(added[i]) > _REGISTER) | (abs(told[i]) > _REGISTER)
                clipped += (message < _MESSAGE_MIN) | (message > _MESSAGE_MAX)
                out[sample, step, i] = message
        wraps[sample], clips[sample], active[sample] = wrapped, clipped, moved


@njit(cache=True)
def trace_sigma_delta(sums: Any, bias: Any, threshold: int, role: int, all_added: Any, all_told: Any) -> None:
    """Run sigma-delta neurons of one sample: their states after each step, (steps, neurons)."""
    steps, neurons = sums.shape
    for i in range(neurons):
        added, told = np.int64(0), np.int64(0)
        for step in range(steps):
            added, told, _ = _sigma_delta_step(added, told, sums[step, i], bias[i], threshold, role)
            all_added[step, i], all_told[step, i] = added, told
