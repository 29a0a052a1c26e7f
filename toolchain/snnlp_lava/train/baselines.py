"""Train the baselines: an ANN on standardised vectors, and TF-IDF with logistic regression."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from snnlp_lava.encode.calibration import inverse_spread


class AnnClassifier(nn.Module):
    """Linear layers with ReLU in between, as in the paper.

    Parameters
    ----------
    sizes
        Dimensions of a vector, hidden layers, classes.
    dropout
        Fraction of hidden neurons dropped at random in training.
    """

    rate_per_logit: float | None = None
    spikes_counted = 0

    def __init__(self, sizes: tuple[int, ...], dropout: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers[:-2])

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Compute logits (n, classes) from standardised vectors, (n, d) float32."""
        device = next(self.parameters()).device
        return self.layers(torch.from_numpy(np.ascontiguousarray(inputs)).to(device))

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits (n, classes) twice: they are also the class scores."""
        logits = self.logits(inputs).cpu().numpy()
        return logits, logits


def standardisation(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit mean and factor, (d,) float32 each, on training vectors (n, d); constant dimensions get factor 0."""
    vectors = np.asarray(vectors, dtype=np.float64)
    factor = inverse_spread(vectors.std(axis=0), np.abs(vectors).max())
    return vectors.mean(axis=0).astype(np.float32), factor.astype(np.float32)


def standardise(vectors: np.ndarray, mean: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Standardise vectors (n, d) to float32 of mean 0 and deviation 1."""
    return (np.asarray(vectors, dtype=np.float32) - mean) * factor


def macs(tensors: Mapping[str, np.ndarray | torch.Tensor]) -> int:
    """Count the multiply-accumulates of a forward pass of an `AnnClassifier`: its weights, without biases."""
    return sum(math.prod(tensor.shape) for tensor in tensors.values() if tensor.ndim == 2)


def effective_macs(classifier: AnnClassifier, inputs: np.ndarray) -> float:
    """Count the multiply-accumulates of non-zero activations: the mean over samples.

    NeuroBench's Effective_MACs also exclude zero weights.

    Parameters
    ----------
    classifier
        The ANN.
    inputs
        Standardised vectors, (n, d) float32.
    """
    classifier.eval()
    total, activations = 0, torch.from_numpy(np.ascontiguousarray(inputs))
    with torch.no_grad():
        for layer in classifier.layers:
            if isinstance(layer, nn.Linear):
                total += int(torch.count_nonzero(activations)) * layer.out_features
            activations = layer(activations)
    return total / len(inputs)
