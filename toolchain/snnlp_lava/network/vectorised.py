"""Arithmetic of a layer in NumPy, all samples at once: what `compiled` does where numba is installed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from snnlp_lava.network import limits

DENSE_FROM = 0.0
"""BLAS always: nothing else adds up weights here."""
_STATE_UNIT = float(1 << limits.STATE_SHIFT)
_STATE_LIMIT = float(limits.STATE_LIMIT)


def threads_for(values: int) -> AbstractContextManager[None]:
    """As in `compiled`; nothing here has threads of its own."""
    return nullcontext()


def add_delayed(spikes: np.ndarray, weight: np.ndarray, delay: np.ndarray, sums: np.ndarray) -> None:
    """Add the weights that arrive, each with the delay of its synapse, to `sums` (n, steps, neurons)."""
    steps = spikes.shape[1]
    for steps_later in np.unique(delay[delay < steps]):
        arriving = spikes[:, : steps - steps_later].astype(np.float64) @ np.where(delay == steps_later, weight, 0)
        sums[:, steps_later:] += arriving.astype(sums.dtype)


def add_steps(spikes: np.ndarray, counts: np.ndarray) -> None:
    """Add the spikes of all steps to `counts` (n, neurons)."""
    counts += spikes.sum(axis=1, dtype=counts.dtype)


def feed_forward(sums: np.ndarray, *arguments: Any) -> None:
    """Run neurons without synapses among themselves."""
    _run(sums, None, *arguments)


def recurrent(sums: np.ndarray, own: np.ndarray, *arguments: Any) -> None:
    """Run neurons whose spikes arrive at each other one step later."""
    _run(sums, own.astype(np.float64), *arguments)


def trace(sums: np.ndarray, keep_u: float, keep_v: float, bias: float, threshold: float, limit: float) -> Any:
    """Run one neuron: u and v after the last step."""
    u: Any = 0.0
    v: Any = 0.0
    for arriving in sums:
        v = np.where(v > threshold, 0.0, v)
        u, v, _, _ = _step(u, v, arriving, keep_u, keep_v, bias, limit)
    return float(u), float(v)


def _step(u: Any, v: Any, sums: Any, keep_u: float, keep_v: float, bias: Any, limit: float) -> tuple[Any, ...]:
    current = np.trunc(u * keep_u) + sums * _STATE_UNIT
    over, under = current > limit, current <= -limit
    if np.any(over | under):
        current = current + 2.0 * limit * (1.0 * under - 1.0 * over)
    raised = np.trunc(v * keep_v) + current + bias
    voltage = np.minimum(np.maximum(raised, 1.0 - limit), limit - 1.0)
    return current, voltage, over | under, voltage != raised


def _run(
    sums: np.ndarray,
    own: np.ndarray | None,
    keep_u: float,
    keep_v: float,
    bias: np.ndarray,
    threshold: float,
    out: np.ndarray,
    wraps: np.ndarray,
    clips: np.ndarray,
    active: np.ndarray,
) -> None:
    samples, steps, neurons = out.shape
    u = v = feedback = np.zeros((samples, neurons))
    biased = bias != 0.0
    for step in range(steps):
        arriving = sums[:, step] + feedback
        active += ((u != 0.0) | (v != 0.0) | (arriving != 0.0) | biased).sum(axis=1)
        u, voltage, wrapped, clipped = _step(u, v, arriving, keep_u, keep_v, bias, _STATE_LIMIT)
        wraps += wrapped.sum(axis=1)
        clips += clipped.sum(axis=1)
        fired = voltage > threshold
        out[:, step] = fired
        v = np.where(fired, 0.0, voltage)
        if own is not None:
            feedback = fired @ own
