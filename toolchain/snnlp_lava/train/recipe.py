"""How the loop trains: our way, or as SNNLP's published code does (arXiv 2401.17911, main.py)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from snnlp_lava.train.config import ANN, TrainConfig

_TRUE_RATE, _FALSE_RATE = 0.75, 0.05

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """What the two ways differ in.

    Attributes
    ----------
    shuffle
        Whether every epoch has an order of its own.
    cosine
        Whether the learning rate falls to 0 along a cosine.
    weight_decay
        Adam's.
    by_loss
        Whether the best epoch is the one with the lowest validation loss; else it has the highest accuracy.
    loss
        Of logits (n, classes) and labels (n,): a mean, or a sum, over the batch.
    """

    shuffle: bool
    cosine: bool
    weight_decay: float
    by_loss: bool
    loss: Loss

    def rate(self, config: TrainConfig, done: float) -> float:
        """Learning rate after `done` epochs."""
        return config.learning_rate * (0.5 * (1 + math.cos(math.pi * done / config.epochs)) if self.cosine else 1.0)

    def order(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Order of the training rows in an epoch."""
        return rng.permutation(rows) if self.shuffle else np.arange(rows)


def recipe_for(config: TrainConfig, steps_per_logit: float) -> Recipe:
    """The recipe of a configuration.

    Parameters
    ----------
    config
        The configuration.
    steps_per_logit
        Output spikes over window steps that a logit of 1 stands for, by which spike rates follow from logits.
    """
    if not config.reference:
        return Recipe(shuffle=True, cosine=True, weight_decay=0.0, by_loss=False, loss=functional.cross_entropy)
    loss = functional.cross_entropy if config.method == ANN else _spike_rate_loss(steps_per_logit)
    return Recipe(shuffle=False, cosine=False, weight_decay=1e-5, by_loss=True, loss=loss)


def _spike_rate_loss(steps_per_logit: float) -> Loss:
    """SLAYER's SpikeRate with reduction 'sum': squared distance of the output rates from 0.75 and 0.05."""

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        targets = torch.full_like(logits, _FALSE_RATE).scatter_(1, labels[:, None], _TRUE_RATE)
        return ((logits * steps_per_logit - targets) ** 2).sum()

    return loss
