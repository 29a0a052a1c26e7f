"""NeuroBench's metrics of a run, under its names.

Source: Yik et al., "NeuroBench: a framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 16, 2025; benchmarks/neurobench_metrics.py holds them against its package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def neurobench_metrics(
    layers: Sequence[Mapping[str, Any]], synapses: Sequence[int], nonzero: Sequence[int], words: int, steps: float
) -> dict[str, float]:
    """Metrics of one text, on average, and of the network.

    Parameters
    ----------
    layers
        The input and every layer of a result, with spikes, synops_nonzero and neuron_updates each, sums over n texts
        or means.
    synapses, nonzero
        Of each layer: synapses, and those whose weight is not 0.
    words
        64-bit words of synaptic memory of all cores.
    steps
        Steps of as many texts as the layers' counts are for.

    Returns
    -------
    dict
        ``Footprint`` (bytes of synaptic memory on Loihi 1, not those of a model in Python), ``ConnectionSparsity``,
        ``ActivationSparsity`` (of the neurons, input lines are none), and of ``SynapticOperations``
        ``Effective_MACs``, ``Effective_ACs`` and ``Dense``.
    """
    updates = sum(layer["neuron_updates"] for layer in layers)
    spikes = sum(layer["spikes"] for layer in layers if layer["neuron_updates"])
    return {
        "Footprint": 8 * words,
        "ConnectionSparsity": 1 - sum(nonzero) / sum(synapses),
        "ActivationSparsity": 1 - spikes / updates if updates else 1.0,
        "Effective_MACs": 0.0,
        "Effective_ACs": sum(layer["synops_nonzero"] for layer in layers),
        "Dense": sum(synapses) * steps,
    }
