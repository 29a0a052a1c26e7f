"""Whether a record, result.json, is what `snnlp_lava.run.folder` writes; nothing in it is trusted.

Every check raises one of the errors that a document of another shape raises anyway: LookupError, AttributeError,
TypeError or ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.backends.base import COUNTERS, RunResult
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network, words_read
from snnlp_lava.embed.base import OpCounts, check_op_counts
from snnlp_lava.metrics import ranks, scores_of_ranks
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card, CardRecord
from snnlp_lava.records import build, versions

if TYPE_CHECKING:
    import pyarrow as pa

WORDS_CHIP = "loihi1"
"""The chip whose memory words are counted: of Loihi 2 the layout of synapses is not published."""


RATE_BINS = 20


_CORE = ("first", "neurons", "input_axons", "output_axons", "words")


def placed(network: Network, period: int, neuron_spikes: Sequence[np.ndarray], steps: int) -> dict[str, Any]:
    """Fit, synapses and memory words of a network, and how often its neurons spiked.

    Parameters
    ----------
    network
        The network.
    period
        Steps from one sample to the next.
    neuron_spikes
        Spikes of each input line and of each layer's neurons, (neurons,) each, over all samples.
    steps
        Steps in all.

    Returns
    -------
    dict
        ``fits``: what `snnlp-lava check` says of each chip. ``synapses``, ``synapses_nonzero``: of each layer.
        ``words_read``: 64-bit words of each layer's synaptic memory that were read on Loihi 1, where a spike reads its
        axon on every core of the layer. ``rates``: of the input and each layer the number of neurons that never spiked,
        then of those whose spikes per step are within each of `RATE_BINS` equal parts of 0 to 1.
    """
    fits = {name: map_network(network, chip, period) for name, chip in CHIPS.items()}
    mapped = zip(network.layers, fits[WORDS_CHIP].layers, neuron_spikes, neuron_spikes[1:], strict=False)
    return {
        "fits": {name: fit.to_dict() for name, fit in fits.items()},
        "synapses": list(network.synapse_counts),
        "synapses_nonzero": list(network.synapse_counts_nonzero),
        "words_read": [words_read(*layer) for layer in mapped],
        "rates": [_rates(spikes, steps) for spikes in neuron_spikes],
    }


def check_placed(document: Mapping[str, Any], sizes: Sequence[int]) -> None:
    """Raise ValueError, TypeError or LookupError if a document is not what `placed` made of layers of these sizes."""
    layers = len(sizes) - 1
    for name in ("synapses", "synapses_nonzero", "words_read"):
        _check_counts(document[name], layers)
    if any(map(int.__lt__, document["synapses"], document["synapses_nonzero"])):
        raise ValueError("fewer synapses than synapses with weight")
    if len(document["rates"]) != layers + 1:
        raise ValueError("rates of another number of layers")
    for rates in document["rates"]:
        _check_counts(rates, RATE_BINS + 1)
    for name in CHIPS:
        fit = document["fits"][name]
        if len(fit["layers"]) != layers:
            raise ValueError(f"a fit on {name} of another number of layers")
        for layer in fit["layers"]:
            _check_fit_texts([layer["name"]])
            if not layer["cores"]:
                raise ValueError(f"a fit on {name} without cores")
            for core in layer["cores"]:
                _check_counts([core[field] for field in _CORE], len(_CORE))
        _check_fit_texts([*fit["notes"], *(violation["text"] for violation in fit["violations"])])


def _rates(spikes: np.ndarray, steps: int) -> list[int]:
    # Whole numbers decide the bin: a rate of k/20 belongs to the one that ends there.
    bins = -(-spikes * RATE_BINS // steps)
    return np.bincount(bins, minlength=RATE_BINS + 1).tolist()


def _check_counts(counts: Any, number: int) -> None:
    if len(counts) != number or any(type(count) is not int or not 0 <= count < 1 << 62 for count in counts):
        raise ValueError("counts that are none")


def _check_fit_texts(texts: Sequence[Any]) -> None:
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("something else where a text should stand")


COUNTS = ("spikes", "synops", "synops_nonzero", "neuron_updates", "active_updates", "wraps", "clips")
"""What is counted of each layer."""


_FIRST = "input_first_spikes"  # spikes of the first step, which the paper does not count


_SUMS = "sums"  # over a table's samples, in its metadata


def class_scores(result: RunResult, card: Card | None) -> np.ndarray:
    """(n, classes) scores that rank the classes; for a reference network counts alone, ties to the lower class."""
    return result.output_counts if ignore_ties(card) else result.output_scores


def ignore_ties(card: Card | None) -> bool:
    """Whether spike counts alone rank the classes, as in a reference network."""
    return card is not None and card.training is not None and bool(card.training.config.get("reference", False))


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


_LARGEST = 1 << 63


_OP_COUNTS = {field.name for field in fields(OpCounts)}


def check_record(
    record: Mapping[str, Any], counts: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None
) -> None:
    """Check a record by itself and against the samples.

    Parameters
    ----------
    record
        The document.
    counts
        (n, classes) output spikes.
    predictions
        (n,) classes.
    labels
        (n,) true classes, or None.
    """
    _check_size(record)
    _check_table(record, counts, predictions, labels)
    _check_texts(record)
    for name in ("window", "period", "steps"):
        _number(record, name, 1)
    for name in ("paper_operations", "wraps", "clips", "seconds"):
        _number(record, name, 0)
    _check_presented(record)
    _check_counted(record)
    _check_measured(record)
    if (card := record["network"]["card"]) is not None:
        _check_card(card)


def _check_size(value: Any) -> None:
    """No number is so large that it could not be computed with."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_size(item)
    elif isinstance(value, int | float) and abs(value) > _LARGEST:
        raise ValueError(f"it holds the number {str(value)[:40]}")


def _check_table(
    record: Mapping[str, Any], counts: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None
) -> None:
    samples, classes = record["samples"], len(record["label_names"])
    if not samples or any(len(column) != samples for column in (counts, predictions)):
        raise ValueError(f"it tells of {samples} samples, its table holds {len(counts)}")
    if counts.shape[1] != classes:
        raise ValueError(f"it names {classes} classes, its table counts {counts.shape[1]}")
    for column in (predictions, labels):
        if column is not None and not np.isin(column, np.arange(classes)).all():
            raise ValueError("its table has a class that it does not name")
    if (record["accuracy"] is None) != (labels is None):
        raise ValueError("it contradicts its table's labels")
    if labels is not None:
        _number(record, "accuracy", 0, 1)
        _number(record, "mrr", 0, 1)


def _check_texts(record: Mapping[str, Any]) -> None:
    network, data = record["network"], record["data"]
    for texts in (
        [record["backend"], network["file"], network["sha256"], data["name"] or "", data["part"] or ""],
        [layer["name"] for layer in record["layers"]],
        list(record["versions"].values()),
        record["label_names"],
        record["examples"],
    ):
        _texts(texts)
    if len(record["examples"]) > record["samples"]:
        raise ValueError("it has more examples than samples")


def _check_card(card: Mapping[str, Any]) -> None:
    _texts([card["encoder"]["kind"]])
    build(CardRecord, card, "card")


def _check_counted(record: Mapping[str, Any]) -> None:
    for layer, size in zip(record["layers"], record["network"]["sizes"], strict=True):
        if layer["neurons"] != size or min(layer[count] for count in COUNTS) < 0:
            raise ValueError(f"it has a layer {layer['name']!r} that does not fit the network")
        if layer["active_updates"] > layer["neuron_updates"]:
            raise ValueError("it has more active updates than updates")
    for name, ops in record["preprocessing"].items():
        if name not in ("embedding", "encoding") or ops.keys() != _OP_COUNTS:
            raise ValueError(f"its preprocessing has {str(name)[:40]!r} of {', '.join(map(str, ops))[:40]}")
        check_op_counts(ops)
    check_placed(record["placement"], record["network"]["sizes"])
    if (right := record["right_over_time"]) is not None and (
        len(right) != record["window"]
        or not all(type(count) is int and 0 <= count <= record["samples"] for count in right)
    ):
        raise ValueError("it has an accuracy over time that is none")


def _check_presented(record: Mapping[str, Any]) -> None:
    for steps in record["presented"]:
        for step, word in steps:
            if type(step) is not int or not 0 <= step < record["window"] or not isinstance(word, str):
                raise ValueError(f"it presents {str(word)[:40]!r} at step {str(step)[:40]}")


def _check_measured(record: Mapping[str, Any]) -> None:
    if (metered := record.get("metered")) is not None:
        _texts([metered["by"]])
        for name in metered.keys() - {"by"} | {"samples", "steps"}:
            _number(metered, name, 1 if name in ("samples", "steps") else 0)
    for name, by in record.get("counted_by", {}).items():
        if by not in COUNTERS:
            raise ValueError(f"it has layer {name[:40]!r} counted by {str(by)[:40]!r}")


def _number(document: Mapping[str, Any], name: str, low: float, high: float = _LARGEST) -> None:
    value = document[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"its {name[:40]} is {str(value)[:40]!r}")


def _texts(texts: Sequence[Any]) -> None:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"it holds {str(texts)[:40]!r} where texts should stand")
