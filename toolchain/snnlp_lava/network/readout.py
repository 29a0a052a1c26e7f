"""Read-out scores of a network: the integers that probabilities are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnlp_lava.network import limits
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.neuron import Neuron

if TYPE_CHECKING:
    from snnlp_lava.network.network import Network


def readout_scores(network: Network, trains: Sequence[np.ndarray]) -> np.ndarray:
    """What each class has to say for itself.

    Where the last layer never spikes, its v after the last step. Where it only adds up (no decay of the voltage), what
    its voltage would be at the end without a spike, in units of weight: the sum of all weights that arrived, and the
    bias of every step. That says more than which neuron crossed first. Else the number of output spikes.

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
    from snnlp_lava.network.kernels import count_spikes

    last = network.layers[-1]
    if last.neuron.reads_out:
        return np.stack([last.states(*sample)[1][-1] for sample in zip(*trains[-2:], strict=True)])
    if isinstance(last, Dense) and isinstance(last.neuron, Neuron) and last.neuron.voltage_decay == 0:
        arrived = count_spikes(trains[-2]).astype(np.float64) @ last.weight.T.astype(np.float64)  # exact, by BLAS
        return arrived.astype(np.int64) + trains[-1].shape[1] * last.neuron.bias.astype(np.int64)
    return trains[-1].sum(axis=1, dtype=np.int64)


def readout_voltages(network: Network, trains: Sequence[np.ndarray]) -> np.ndarray:
    """Return the membrane potentials of the last layer, in thresholds, before a spike resets them.

    Parameters
    ----------
    network
        The network.
    trains
        Spikes (n, steps, neurons) uint8 of the input and every layer.

    Returns
    -------
    np.ndarray
        (n, steps, classes) float64.
    """
    last = network.layers[-1]
    states = [last.states(arrived, sent)[1] for arrived, sent in zip(*trains[-2:], strict=True)]
    threshold = float(max(1, last.neuron.threshold) << limits.STATE_SHIFT)  # sigma-delta neurons may have 0
    return np.reshape(states, trains[-1].shape) / threshold


def integrate_once(sums: np.ndarray, bias: np.ndarray, threshold: int, steps: int) -> np.ndarray | None:
    """Spikes of neurons that get all their input in the first step, keep no current and forget no voltage.

    The same integers as `snnlp_lava.network.neuron.Neuron` with a current decay of 4096 and a voltage decay of 0, in
    plain NumPy, so that one text needs no compiler.

    Parameters
    ----------
    sums
        (n, neurons) int64 sums of weights that arrive in the first step.
    bias, threshold
        The neurons'.
    steps
        Number of steps.

    Returns
    -------
    np.ndarray or None
        (n, steps, neurons) uint8; None where a sum or a voltage may leave the 24-bit registers.
    """
    largest = int(np.abs(sums).max(initial=0)) + steps * int(np.abs(bias).max(initial=0))
    if largest << limits.STATE_SHIFT >= limits.STATE_LIMIT:
        return None
    spikes = np.empty((len(sums), steps, sums.shape[1]), dtype=np.uint8)
    voltage = sums + bias
    for step in range(steps):
        if step:
            voltage = voltage + bias
        fired = voltage > threshold
        spikes[:, step] = fired
        if step + 1 < steps:
            voltage[fired] = 0
    return spikes


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
