"""Estimate latency, NeuroBench's metrics and the SNNLP paper's energy ratio.

Source: Yik et al., "NeuroBench: a framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 16, 2025; benchmarks/neurobench_metrics.py compares the metrics with its package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snnlp_lava.energy.bill import Ledger


def neurobench_metrics(
    layers: Sequence[Mapping[str, Any]], synapses: Sequence[int], nonzero: Sequence[int], words: int, steps: float
) -> dict[str, float]:
    """Compute NeuroBench's metrics of a network, as means per text.

    Parameters
    ----------
    layers
        The input and every layer of a result, with spikes, synops_nonzero and neuron_updates, summed over n texts
            or averaged.
    synapses, nonzero
        Synapses of each layer, and those with non-zero weight.
    words
        64-bit words of synaptic memory on all cores.
    steps
        Time steps that the layers' counts cover.

    Returns
    -------
    dict
        ``Footprint`` (bytes of synaptic memory on Loihi 1, not those of a model in Python), ``ConnectionSparsity``,
        ``ActivationSparsity`` (of neurons, not input lines), and of ``SynapticOperations``
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
"""Nanoseconds to synchronise a step, over 1 to 32 tiles."""


NEURON_UPDATE_NS = (5.3, 8.4)
"""Nanoseconds of an idle and of an active neuron update."""


SYNOP_NS = 3.5


def latency_ns(ledger: Ledger, steps: float) -> tuple[float, float]:
    """Bound the nanoseconds per text: barriers only, and barriers plus all operations one after the other on one core.

    A chip lies in between, since its cores run in parallel. Input and output are not included.

    Parameters
    ----------
    ledger
        Operations per text.
    steps
        Time steps per text.
    """
    updates = zip(("idle_update", "active_update"), NEURON_UPDATE_NS, strict=True)
    work = sum(ledger.total(term) * time for term, time in updates) + ledger.total("synop") * SYNOP_NS
    return steps * BARRIER_NS[0], steps * BARRIER_NS[1] + work


MAC_PJ, SPIKE_PJ = 4.6, 0.9
"""Horowitz, ISSCC 2014, 45 nm, float32: the usual pair. The paper does not state its constants."""


def energy_ratio(macs: float, operations: float) -> float | None:
    """Return an ANN's MAC energy over that of spikes (or synops) counted as accumulations; None if there are none."""
    return macs * MAC_PJ / (operations * SPIKE_PJ) if operations else None
