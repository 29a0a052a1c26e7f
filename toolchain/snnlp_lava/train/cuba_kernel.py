"""SLAYER's CUBA neuron on the CPU, forward and backward each in one pass over time.

SLAYER's own code walks time in Python, with several tensor operations a step. The kernels here compute the
same integers (float64 holds them exactly) and the same surrogate gradient; the tests hold both to SLAYER's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange


@njit(cache=True, parallel=True, fastmath=False)
def _forward(drive: Any, keep_u: float, keep_v: float, threshold: float, spikes: Any, voltage: Any) -> None:
    # drive: (n, steps, neurons), in units of the state; keep_*: (4096 - decay) / 4096
    samples, steps, neurons = drive.shape
    for n in prange(samples):
        u = np.zeros(neurons, dtype=np.float64)
        v = np.zeros(neurons, dtype=np.float64)
        for t in range(steps):
            for i in range(neurons):
                u[i] = np.trunc(u[i] * keep_u) + drive[n, t, i]
                raised = np.trunc(v[i] * keep_v) + u[i]
                fired = raised > threshold
                spikes[n, t, i] = 1.0 if fired else 0.0
                voltage[n, t, i] = raised
                v[i] = 0.0 if fired else raised


@njit(cache=True, parallel=True, fastmath=False)
def _backward(gradient: Any, keep_u: float, keep_v: float, out: Any) -> None:
    # gradient: d loss / d voltage of each step by itself; out: d loss / d drive
    samples, steps, neurons = gradient.shape
    keep_u32, keep_v32 = np.float32(keep_u), np.float32(keep_v)
    for n in prange(samples):
        along_u = np.zeros(neurons, dtype=np.float32)
        along_v = np.zeros(neurons, dtype=np.float32)
        for t in range(steps - 1, -1, -1):
            for i in range(neurons):
                along_v[i] = keep_v32 * along_v[i] + gradient[n, t, i]
                along_u[i] = keep_u32 * along_u[i] + along_v[i]
                out[n, t, i] = along_u[i]


class CubaSpikes(torch.autograd.Function):
    """Drive to spikes.

    ``CubaSpikes.apply(drive, current_decay, voltage_decay, threshold, tau, height, scale)`` takes the drive
    (n, steps, neurons) float32 in SLAYER's units, the decays as integers of 4096, the threshold as an integer of
    the state, SLAYER's surrogate ``height / (2 tau) exp(-|v - threshold| / tau)``, and the state's scale; it
    returns spikes (n, steps, neurons) float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        drive: torch.Tensor,
        current_decay: int,
        voltage_decay: int,
        threshold: int,
        tau: float,
        height: float,
        scale: int,
    ) -> torch.Tensor:
        ctx.keeps = (4096 - current_decay) / 4096, (4096 - voltage_decay) / 4096
        state = (drive.detach() * scale).contiguous()
        spikes, voltage = torch.empty_like(state), torch.empty_like(state)
        keep_u, keep_v = ctx.keeps
        _forward(state.numpy(), keep_u, keep_v, float(threshold), spikes.numpy(), voltage.numpy())
        # The surrogate's derivative is all that backward needs of the voltage.
        slope = voltage.sub_(threshold).abs_().mul_(-1 / (tau * scale)).exp_().mul_(height / (2 * tau))
        ctx.save_for_backward(slope)
        return spikes

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        local = slope * gradient
        out = torch.empty_like(local)
        keep_u, keep_v = ctx.keeps
        _backward(local.numpy(), keep_u, keep_v, out.numpy())
        return out, None, None, None, None, None, None
