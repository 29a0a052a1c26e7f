"""Read-out scores of a network: the integers that probabilities are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from snnlp_lava.network.network import Network


def readout_scores(network: Network, trains: Sequence[np.ndarray]) -> np.ndarray:
    """What each class has to say for itself.

    Where the last layer only adds up (no decay of the voltage), the sum of the weights of all spikes that arrived at a
    neuron and of its bias: its evidence, which says more than which neuron crossed first. Else the number of output
    spikes.

    Parameters
    ----------
    network
        The network.
    trains
        Spikes (n, steps, neurons) uint8 of the input and every layer.

    Returns
    -------
    np.ndarray
        (n, classes) int64.
    """
    last = network.layers[-1]
    if last.neuron.voltage_decay == 0 and len(last.synapses()) == 1:
        (group,) = last.synapses()
        return trains[-2].sum(axis=1, dtype=np.int64) @ group.weight.T + last.neuron.bias
    return trains[-1].sum(axis=1, dtype=np.int64)


def class_probabilities(scores: np.ndarray, classes: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of scores over a temperature; equal probabilities for a text whose class is unknown (< 0).

    Parameters
    ----------
    scores
        (n, classes).
    classes
        (n,) the answers.
    temperature
        Scores that make a factor e between two probabilities.
    """
    known = np.where(classes[:, None] >= 0, scores, 0)
    scaled = (known - known.max(axis=1, keepdims=True)) / temperature
    raised = np.exp(scaled)
    return raised / raised.sum(axis=1, keepdims=True)


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least negative log-likelihood of labelled texts, by golden-section search.

    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), section 4.2.

    Parameters
    ----------
    scores, labels
        (n, classes) and (n,); texts with a label below 0 are left out.
    """
    seen = labels >= 0
    if not seen.any() or not np.ptp(scores[seen]):
        return 1.0
    own, rest = scores[seen], labels[seen]
    relative = own - own.max(axis=1, keepdims=True)
    true = np.take_along_axis(relative, rest[:, None], axis=1)[:, 0]

    def loss(log_temperature: float) -> float:
        scaled = relative / np.exp(log_temperature)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - true / np.exp(log_temperature)))

    low, high = np.log(1e-2), np.log(float(np.ptp(own)) * 10 + 1)
    part = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - part * (high - low), low + part * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def calibration_error(probabilities: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over bins of equal width.

    Parameters
    ----------
    probabilities
        (n,) of the answers.
    right
        (n,) bool.
    bins
        Number of bins (Naeini et al., AAAI 2015).
    """
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(probabilities[place == each].mean() - right[place == each].mean()) * (place == each).sum()
        for each in np.unique(place)
    ]
    return float(sum(gaps) / max(1, len(right)))
