"""NeuroBench's metrics of a run, under its names.

Source: Yik et al., "NeuroBench: a framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 16, 2025; benchmarks/neurobench_metrics.py holds them against its package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snnlp_lava.energy.bill import Ledger


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


BARRIER_NS = (113.0, 465.0)
"""Synchronisation of a step, over 1 to 32 tiles."""


NEURON_UPDATE_NS = (5.3, 8.4)
"""Idle and active."""


SYNOP_NS = 3.5


def latency_ns(ledger: Ledger, steps: float) -> tuple[float, float]:
    """Nanoseconds of one text: the barriers of its steps alone, and with all its work done by one core in turn.

    A chip is between the two: cores work at the same time, each on its own neurons. Input and output are not in it.

    Parameters
    ----------
    ledger
        Operations of one text.
    steps
        Time steps of one text.
    """
    updates = zip(("idle_update", "active_update"), NEURON_UPDATE_NS, strict=True)
    work = sum(ledger.total(term) * time for term, time in updates) + ledger.total("synop") * SYNOP_NS
    return steps * BARRIER_NS[0], steps * BARRIER_NS[1] + work


MAC_PJ, SPIKE_PJ = 4.6, 0.9
"""Horowitz, ISSCC 2014, 45 nm, float32: the usual pair. The paper's own constants are not known."""


def energy_ratio(macs: float, operations: float) -> float | None:
    """Energy of an ANN's MACs over that of spikes, or synops, each as one accumulation; None where there are none."""
    return macs * MAC_PJ / (operations * SPIKE_PJ) if operations else None
