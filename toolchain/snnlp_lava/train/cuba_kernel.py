"""SLAYER's CUBA neuron on the CPU, forward and backward each in one pass over time.

SLAYER's own code walks time in Python, with several tensor operations a step. The kernels here compute the
same integers (float64 holds them exactly) and the same surrogate gradient; the tests hold both to SLAYER's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numba import njit, prange

from snnlp_lava.chip.limits import DECAY_UNITY as _UNITY


@njit(cache=True, parallel=True)
def _forward(
    drive: Any, kept: Any, unit: float, keep_u: float, keep_v: float, threshold: float, steepness: float, spikes: Any
) -> None:
    # drive: (n, steps, neurons) in SLAYER's units, each `unit` of the integer state; the exponent of the surrogate's
    # derivative takes its place, for that is all that backward needs. keep_*: (4096 - decay) / 4096.
    samples, steps, neurons = drive.shape
    for n in prange(samples):
        u, v = np.zeros(neurons), np.zeros(neurons)
        for t in range(steps):
            for i in range(neurons):
                u[i] = np.trunc(u[i] * keep_u) + drive[n, t, i] * unit
                raised = np.trunc(v[i] * keep_v) + u[i]
                fired = raised > threshold
                spikes[n, t, i] = kept[n, i] if fired else 0.0
                drive[n, t, i] = -steepness * abs(raised - threshold)
                v[i] = 0.0 if fired else raised


@njit(cache=True, parallel=True)
def _backward(gradient: Any, slope: Any, kept: Any, height: float, keep_u: float, keep_v: float, out: Any) -> None:
    # gradient: d loss / d spikes; slope: d spikes / d voltage, over `height`; out: d loss / d drive
    samples, steps, neurons = gradient.shape
    keep_u32, keep_v32, height32 = np.float32(keep_u), np.float32(keep_v), np.float32(height)
    for n in prange(samples):
        along_u, along_v = np.zeros(neurons, dtype=np.float32), np.zeros(neurons, dtype=np.float32)
        for t in range(steps - 1, -1, -1):
            for i in range(neurons):
                along_v[i] = keep_v32 * along_v[i] + gradient[n, t, i] * slope[n, t, i] * (height32 * kept[n, i])
                along_u[i] = keep_u32 * along_u[i] + along_v[i]
                out[n, t, i] = along_u[i]


class CubaSpikes(torch.autograd.Function):
    """Drive to spikes.

    ``CubaSpikes.apply(drive, kept, current_decay, voltage_decay, threshold, tau, height, scale)`` takes the drive
    (n, steps, neurons) float32 in SLAYER's units, which it overwrites; what dropout makes of a spike of each neuron
    (n, neurons) float32, 1 without dropout; the decays as integers of 4096, the threshold as an integer of the state,
    SLAYER's surrogate ``height / (2 tau) exp(-|v - threshold| / tau)``, and the state's scale. It returns spikes
    (n, steps, neurons) float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        drive: torch.Tensor,
        kept: torch.Tensor,
        current_decay: int,
        voltage_decay: int,
        threshold: int,
        tau: float,
        height: float,
        scale: int,
    ) -> torch.Tensor:
        """Spikes, as the class says."""
        ctx.keep_u, ctx.keep_v = (_UNITY - current_decay) / _UNITY, (_UNITY - voltage_decay) / _UNITY
        ctx.height = height / (2 * tau)
        slope = drive.detach().contiguous()
        spikes = torch.empty_like(slope)
        steepness = 1 / (tau * scale)
        _forward(slope.numpy(), kept.numpy(), scale, ctx.keep_u, ctx.keep_v, threshold, steepness, spikes.numpy())
        ctx.save_for_backward(slope.exp_(), kept)
        return spikes

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The surrogate's gradient of the drive; none of the rest."""
        slope, kept = ctx.saved_tensors
        out = torch.empty_like(slope)
        _backward(
            gradient.contiguous().numpy(), slope.numpy(), kept.numpy(), ctx.height, ctx.keep_u, ctx.keep_v, out.numpy()
        )
        return out, None, None, None, None, None, None, None
