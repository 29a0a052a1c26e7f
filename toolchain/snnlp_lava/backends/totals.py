"""The samples of a run as tables, and their sums."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.backends.result import RunResult
from snnlp_lava.chip.network import Network
from snnlp_lava.metrics import ranks, scores_of_ranks
from snnlp_lava.netx.card import Card
from snnlp_lava.versions import versions

if TYPE_CHECKING:
    import pyarrow as pa

COUNTS = ("spikes", "synops", "synops_nonzero", "neuron_updates", "active_updates", "wraps", "clips")
"""What is counted of each layer."""
_FIRST = "input_first_spikes"  # spikes of the first step, which the paper does not count
_SUMS = "sums"  # over a table's samples, in its metadata


def class_scores(result: RunResult, card: Card | None) -> np.ndarray:
    """(n, classes) scores that rank the classes; for a reference network counts alone, ties to the lower class."""
    return result.output_counts if counts_alone(card) else result.output_scores


def counts_alone(card: Card | None) -> bool:
    """Whether spike counts alone rank the classes, as in a reference network."""
    return card is not None and bool(card.training.get("config", {}).get("reference", False))


def sample_table(
    result: RunResult,
    scores: np.ndarray,
    rows: np.ndarray,
    labels: np.ndarray | None,
    right_over_time: np.ndarray | None = None,
) -> pa.Table:
    """One row for each sample of a run, or of a part of it; what it needs to be added up stands in its metadata.

    Parameters
    ----------
    result
        What was run.
    scores
        (n, classes) from `class_scores`.
    rows
        (n,) row of each sample in the data.
    labels
        (n,) true classes, or None where they are unknown.
    right_over_time
        (window,) how many samples are right if the answer is taken after each step; None without labels.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"row": rows}
    if labels is not None:
        columns |= {"label": labels, "rank": ranks(scores, labels)}
    columns |= {"prediction": scores.argmax(axis=1), "output_counts": list(result.output_counts)}
    columns[_FIRST] = result.first_spikes
    for tally in result.layers:
        for count in COUNTS:
            columns[f"{tally.name}_{count}"] = getattr(tally, count)
    sums = {
        "steps": result.steps,
        "seconds": result.seconds,
        "neuron_spikes": [spikes.tolist() for spikes in result.neuron_spikes],
        "right_over_time": right_over_time.tolist() if right_over_time is not None else None,
        "metered": {**result.metered, "samples": result.samples} if result.metered is not None else None,
        "counted_by": result.counted_by,
    }
    return pa.table(columns).replace_schema_metadata({_SUMS: json.dumps(sums)})


class Totals:
    """Sums over the tables of a run.

    Attributes
    ----------
    samples, steps, seconds
        Number of samples, steps in all, time.
    layers
        Name, neurons and summed counts of the input and each layer.
    neuron_spikes
        (neurons,) int64 of the input and every layer: spikes of each line or neuron.
    right_over_time
        (window,) how many samples are right if the answer is taken after each step; None without labels.
    counted_by
        Who counted each layer's spikes, by its name; empty if the backend did all of it.
    metered
        What a board's meter said of the samples that were metered; None where there was none.
    """

    def __init__(self, network: Network) -> None:
        names = network.layer_names
        self.samples = self.steps = self._first = 0
        self.seconds = 0.0
        self.layers: list[dict[str, Any]] = [
            {"name": name, "neurons": size, **dict.fromkeys(COUNTS, 0)}
            for name, size in zip(names, network.sizes, strict=True)
        ]
        self.neuron_spikes = [np.zeros(size, dtype=np.int64) for size in network.sizes]
        self.right_over_time: np.ndarray | None = None
        self.counted_by: dict[str, str] = {}
        self.metered: dict[str, Any] | None = None
        self._ranks = np.zeros(network.outputs + 1, dtype=np.int64)

    @classmethod
    def of(cls, network: Network, tables: Iterable[pa.Table]) -> Totals:
        """The sums of all tables of a run."""
        totals = cls(network)
        for table in tables:
            totals.add(table)
        return totals

    def add(self, table: pa.Table) -> None:
        """Add the samples of a table."""
        sums = json.loads(table.schema.metadata[_SUMS.encode()])
        self.samples += len(table)
        self.steps += sums["steps"]
        self.seconds += sums["seconds"]
        self._first += int(table[_FIRST].to_numpy().sum())
        for layer, spikes, more in zip(self.layers, self.neuron_spikes, sums["neuron_spikes"], strict=True):
            spikes += np.array(more, dtype=np.int64)
            for count in COUNTS:
                layer[count] += int(table[f"{layer['name']}_{count}"].to_numpy().sum())
        if (right := sums["right_over_time"]) is not None:
            self.right_over_time = np.array(right) + (0 if self.right_over_time is None else self.right_over_time)
        names = (layer["name"] for layer in self.layers)
        self.counted_by = dict(zip(names, sums["counted_by"], strict=False))
        if (metered := sums["metered"]) is not None:
            self.metered = metered if self.metered is None else _joined(self.metered, metered)
        if "rank" in table.column_names:
            self._ranks += np.bincount(table["rank"].to_numpy(), minlength=len(self._ranks))

    @property
    def scores(self) -> dict[str, float | None]:
        """Accuracy, and mean reciprocal rank of the true class; None without labels."""
        if not self._ranks.any():
            return {"accuracy": None, "mrr": None}
        return {**scores_of_ranks(self._ranks)}

    @property
    def paper_operations(self) -> float:
        """Operations a sample as SNNLP counts them: the spikes of all layers, but for the input's first step.

        A spike that drives 256 synapses counts once, and output spikes count, which drive none (its main.py).
        """
        return (sum(layer["spikes"] for layer in self.layers) - self._first) / self.samples


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two measurements as one: times and energies added up, powers weighted by time steps; what one lacks is left."""
    steps = one["steps"] + other["steps"]
    joined = {
        name: (one[name] * one["steps"] + other[name] * other["steps"]) / steps
        if name.endswith("watts")
        else one[name] + other[name]
        for name in one.keys() & other.keys() - {"by"}
    }
    return {"by": one["by"], **joined}


def result_document(totals: Totals, card: Card | None, backend: str, window: int, period: int) -> dict[str, Any]:
    """What result.json says of a run's outcome.

    Parameters
    ----------
    totals
        Sums over all samples.
    card
        The network's card, None if another program wrote it; its outputs are then named by their numbers.
    backend
        What it ran on.
    window, period
        Steps that a sample was presented, and from one sample to the next.
    """
    layers = totals.layers
    return {
        "backend": backend,
        "samples": totals.samples,
        **totals.scores,
        "right_over_time": totals.right_over_time.tolist() if totals.right_over_time is not None else None,
        "window": window,
        "period": period,
        "steps": totals.steps,
        "input_spikes": layers[0]["spikes"],
        "layers": layers,
        **({"counted_by": totals.counted_by} if totals.counted_by else {}),
        **({"metered": totals.metered} if totals.metered is not None else {}),
        "synops_per_sample": sum(layer["synops"] for layer in layers) / totals.samples,
        "paper_operations": totals.paper_operations,
        "wraps": sum(layer["wraps"] for layer in layers),
        "clips": sum(layer["clips"] for layer in layers),
        "label_names": list(card.label_names if card else map(str, range(layers[-1]["neurons"]))),
        "seconds": round(totals.seconds, 3),
        "versions": versions(),
    }
