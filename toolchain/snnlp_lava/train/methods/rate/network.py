"""The trainable form of a rate-coded network: counts of input spikes, pruned weights, a hidden layer of few levels.

A vector is standardised to z; its on channel has x = gain z + offset, its off channel x = -gain z + offset, each
clipped to [0, 1], with one gain and one offset a dimension, which are learned. A channel spikes n = floor(T x) times in
T steps (SAF), and both channels of a dimension have opposite weights. So with n = n_on - n_off

    s = W n + b                  hidden neurons, in units of 64 of the chip's integers
    m = clip(floor(s / unit), 0, levels)
    logits = V m + c             without a hidden layer: V n + c

Weights are rounded to the chip's even integers (steps of 1/32) in every forward pass; gradients pass straight through
roundings, floors count as their argument (Bengio et al., arXiv 1308.3432). During training the weights of the first
layer that are smallest in absolute value are removed, along the cubic schedule of Zhu and Gupta (arXiv 1710.01878).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from snnlp_lava.train.loop import Recipe

UNIT = 64
"""Integers of the chip in a unit of the trained weights."""
_REACH = 2.5
"""Standard deviations that drive a channel at every step, before training."""
_PRUNE_FROM, _PRUNE_TO = 0.1, 0.6
"""Fractions of the training between which weights are removed."""
_WARM_UP = 0.02


class RateNetwork(nn.Module):
    """The network above.

    Parameters
    ----------
    dimension, hidden, classes
        Sizes; `hidden` is 0 for none.
    steps
        Steps T of input.
    levels
        Levels of a hidden neuron.
    kept
        Part of the first layer's weights that remains.
    dropout
        Of hidden neurons; of input dimensions a third of it.
    z_loss
        Weight of the squared log-partition of the logits, which keeps logits near log-probabilities, so that one level
        fits all texts (a rise needs it).
    seed
        Of the initial weights.
    """

    rate_per_logit: float | None = None

    def __init__(
        self,
        dimension: int,
        hidden: int,
        classes: int,
        *,
        steps: int,
        levels: int,
        kept: float,
        dropout: float,
        z_loss: float,
        seed: int,
    ) -> None:
        super().__init__()
        self.steps, self.levels, self.kept, self.dropout, self.z_loss = steps, levels, kept, dropout, z_loss
        self.unit = levels / 2
        self.spikes_counted = 0
        generator = torch.Generator().manual_seed(seed)

        def uniform(rows: int, columns: int, reach: float) -> nn.Parameter:
            return nn.Parameter((2 * torch.rand(rows, columns, generator=generator) - 1) * reach)

        self.gain = nn.Parameter(torch.full((dimension,), 1 / _REACH))
        self.offset = nn.Parameter(torch.zeros(dimension))
        if hidden:
            self.weight = uniform(hidden, dimension, 2 / math.sqrt(dimension))
            self.bias = nn.Parameter(torch.zeros(hidden))
            self.out_weight: nn.Parameter | None = uniform(classes, hidden, 0.5 / math.sqrt(hidden))
            self.out_bias: nn.Parameter | None = nn.Parameter(torch.zeros(classes))
        else:
            self.weight = nn.Parameter(torch.zeros(classes, dimension))
            self.bias = nn.Parameter(torch.zeros(classes))
            self.out_weight = self.out_bias = None
        self.register_buffer("mask", torch.ones_like(self.weight))

    def counts(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised vectors (n, d) to input spikes of the on and the off channels, (n, d) each."""
        scaled = self.gain * inputs
        on = _Floor.apply(torch.clamp(scaled + self.offset, 0, 1) * self.steps)
        off = _Floor.apply(torch.clamp(self.offset - scaled, 0, 1) * self.steps)
        return on, off

    def codes(self, inputs: torch.Tensor) -> torch.Tensor:
        """Standardised vectors (n, d) to levels of the hidden neurons, or without these to n_on - n_off."""
        on, off = self.counts(inputs)
        difference = on - off
        self.spikes_counted += int((on.detach() + off.detach()).sum()) if self.training else 0
        if self.training:
            difference = functional.dropout(difference, self.dropout / 3)
        if self.out_weight is None:
            return difference
        held = functional.linear(difference, even(self.weight) * self.mask, even(self.bias))
        levels: torch.Tensor = _Floor.apply(torch.clamp(held / self.unit, 0, self.levels))
        if self.training:
            self.spikes_counted += int((levels.detach() > 0).sum())
            levels = functional.dropout(levels, self.dropout)
        return levels

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Standardised vectors (n, d) float32 to logits (n, classes)."""
        codes = self.codes(torch.from_numpy(inputs).to(self.gain.device))
        if self.out_weight is None:
            return functional.linear(codes, even(self.weight) * self.mask, even(self.bias))
        return functional.linear(codes, even(self.out_weight), self.out_bias)

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, classes), which also rank the classes."""
        logits = self.logits(inputs).cpu().numpy()
        return logits, logits

    @property
    def recipe(self) -> Recipe:
        """How it is trained; an epoch may be the best once all weights that go are removed."""
        return Recipe(
            shuffle=True,
            cosine=True,
            weight_decay=0.0,
            by_loss=False,
            loss=self._loss,
            warm_up=_WARM_UP,
            settled_from=_PRUNE_TO,
        )

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        entropy = functional.cross_entropy(logits, labels)
        return entropy + self.z_loss * (torch.logsumexp(logits, dim=1) ** 2).mean() if self.z_loss else entropy

    def prune(self, progress: float) -> None:
        """Remove the smallest weights of the first layer, as many as are due at a part of the training, 0 to 1."""
        part = min(1.0, max(0.0, (progress - _PRUNE_FROM) / (_PRUNE_TO - _PRUNE_FROM)))
        kept = self.kept + (1 - self.kept) * (1 - part) ** 3
        size = self.weight.detach().abs().flatten()
        removed = int(len(size) * (1 - kept))
        if removed:
            level = size.kthvalue(removed).values
            self.mask.copy_((size > level).view_as(self.mask))

    def integers(self) -> tuple[np.ndarray, np.ndarray]:
        """The first layer's weights (neurons, 2 d) of on and off channels, and biases (neurons,): even integers."""
        weight = np.rint((even(self.weight) * self.mask).detach().cpu().numpy() * UNIT).astype(np.int64)
        bias = np.rint(even(self.bias).detach().cpu().numpy() * UNIT).astype(np.int64)
        return np.concatenate([weight, -weight], axis=1), bias


def even(weight: torch.Tensor) -> torch.Tensor:
    """Weights on the chip's grid of even integers, -254 to 254 of UNIT; gradients pass straight through."""
    rounded = torch.clamp(torch.round(weight * (UNIT / 2)), -127, 127) / (UNIT / 2)
    return weight + (rounded - weight).detach()


class _Floor(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        return torch.floor(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient
