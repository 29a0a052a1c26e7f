"""Build tables with a row for each sample of a run, and add them up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from snnlp_lava.backends.base import COUNTS, Metered, RunResult
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import LayerMapping, map_network, words_read
from snnlp_lava.embed.base import sum_counts
from snnlp_lava.errors import InputError
from snnlp_lava.metrics import ranks, scores_of_ranks
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import NetworkFile
from snnlp_lava.records import Amount, Count, Record, build, versions
from snnlp_lava.run.record import (
    MAX_NAMED,
    MISTAKES,
    RATE_BINS,
    WORDS_CHIP,
    FitRecord,
    Mistake,
    Preprocessing,
    RunRecord,
)

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = -1
"""Prediction of a sample without an answer."""
_FIRST, _SUMS = "input_first_spikes", b"sums"


class BatchSums(Record, frozen=True):
    """Sums over a table of samples, stored in its metadata.

    Attributes
    ----------
    steps, seconds, right_over_time, layers_read, metered, mistakes, preprocessing
        As in `RunRecord`, for these samples.
    neuron_spikes
        For the input and every layer, spikes of each line or neuron.
    unknown_labels
        Labels that the network lacks, and how often each occurs.
    """

    steps: Count
    seconds: Amount
    neuron_spikes: tuple[tuple[Count, ...], ...]
    right_over_time: tuple[Count, ...] | None = None
    unknown_labels: dict[str, Count] = msgspec.field(default_factory=dict)
    layers_read: tuple[str, ...] = ()
    metered: Metered | None = None
    mistakes: tuple[Mistake, ...] = ()
    preprocessing: Preprocessing = msgspec.field(default_factory=dict)


def worst_mistakes(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Return those with the highest probabilities, at most MISTAKES."""
    return sorted(mistakes, key=lambda mistake: (-mistake.probability, mistake.sample))[:MISTAKES]


def class_scores(result: RunResult, card: Card | None) -> np.ndarray:
    """Return scores (n, classes) that rank the classes; a reference network counts only, ties to the lower class."""
    return result.output_counts if ignore_ties(card) else result.output_scores


def ignore_ties(card: Card | None) -> bool:
    """Return whether only spike counts rank the classes, as in a reference network."""
    return card is not None and card.training is not None and bool(card.training.config.get("reference", False))


def predictions_of(result: RunResult, scores: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """Return the classes (n,) of the highest `scores`; UNKNOWN without output spike, or where nothing is `known`."""
    answered = result.output_counts.any(axis=1) | (result.says != "spikes")
    if known is not None:
        answered &= known
    return np.where(answered, scores.argmax(axis=1), UNKNOWN)


def sample_table(
    result: RunResult,
    scores: np.ndarray,
    rows: np.ndarray,
    labels: np.ndarray | None,
    known: np.ndarray | None = None,
    probabilities: np.ndarray | None = None,
    **sums: Any,
) -> pa.Table:
    """Build a table with a row for each sample of a run, or of a part of it, and its `BatchSums`.

    Parameters
    ----------
    result
        The network of a run.
    scores
        (n, classes) from `class_scores`.
    rows
        (n,) row of each sample in the data.
    labels
        (n,) true classes, -1 for labels that the network lacks; None without labels.
    known
        (n,) whether anything of a sample stands in the network; None: of all.
    probabilities
        (n,) probability of each answer; None if the network states none.
    sums
        Fields of `BatchSums` that are missing from the result, or override it.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"row": rows}
    predictions = predictions_of(result, scores, known)
    if labels is not None:  # rank 0: no answer is right
        columns |= {
            "label": labels,
            "rank": np.where((predictions != UNKNOWN) & (labels >= 0), ranks(scores, np.maximum(labels, 0)), 0),
        }
    columns |= {"prediction": predictions}
    if probabilities is not None:
        columns |= {"probability": probabilities}
    columns |= {"output_counts": list(result.output_counts)}
    columns[_FIRST] = result.first_spikes
    for layer in result.layers:
        for count in COUNTS:
            columns[f"{layer.name}_{count}"] = getattr(layer, count)
    spikes = [spikes.tolist() for spikes in result.neuron_spikes]
    batch = BatchSums.of(**{"steps": result.steps, "seconds": result.seconds, "neuron_spikes": spikes, **sums})
    return pa.table(columns).replace_schema_metadata({_SUMS: msgspec.json.encode(batch)})


def sums_of(table: pa.Table) -> BatchSums:
    """Read the sums in a table's metadata.

    Raises
    ------
    InputError
        If there are none.
    """
    try:
        document = msgspec.json.decode(table.schema.metadata[_SUMS])
    except (KeyError, TypeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("a table of samples has no sums") from error
    return build(BatchSums, document, "a table of samples")


class Totals:
    """Sums over the tables of a run.

    Attributes
    ----------
    samples, unknown, steps, seconds, first_spikes, right_over_time, layers_read, metered, unknown_labels
        As in `RunRecord` and `DataRecord`.
    layers
        Name, neurons and summed counts of the input and each layer.
    neuron_spikes
        For the input and every layer, (neurons,) int64 spikes of each line or neuron.
    """

    def __init__(self, network: Network) -> None:
        self.samples = self.steps = self.first_spikes = self.unknown = 0
        self.seconds = 0.0
        self.layers: list[dict[str, Any]] = [
            {"name": name, "neurons": size, **dict.fromkeys(COUNTS, 0)}
            for name, size in zip(network.layer_names, network.sizes, strict=True)
        ]
        self.neuron_spikes = [np.zeros(size, dtype=np.int64) for size in network.sizes]
        self.right_over_time: np.ndarray | None = None
        self.layers_read: tuple[str, ...] = ()
        self.metered: Metered | None = None
        self.unknown_labels: Counter[str] = Counter()
        self._mistakes: list[Mistake] = []
        self._preprocessing: list[Preprocessing] = []
        self._ranks = np.zeros(network.outputs + 1, dtype=np.int64)

    @classmethod
    def of(cls, network: Network, tables: Iterable[pa.Table]) -> Totals:
        """Add up the sums of all tables of a run."""
        totals = cls(network)
        for table in tables:
            totals.add(table)
        return totals

    def add(self, table: pa.Table) -> None:
        """Add the samples of a table."""
        sums = sums_of(table)
        self.samples += len(table)
        self.steps += sums.steps
        self.seconds += sums.seconds
        self.first_spikes += int(table[_FIRST].to_numpy().sum())
        self.unknown += int((table["prediction"].to_numpy() < 0).sum())
        for layer, spikes, more in zip(self.layers, self.neuron_spikes, sums.neuron_spikes, strict=True):
            spikes += np.array(more, dtype=np.int64)
            for count in COUNTS:
                layer[count] += int(table[f"{layer['name']}_{count}"].to_numpy().sum())
        if sums.right_over_time is not None:
            right = np.array(sums.right_over_time)
            self.right_over_time = right if self.right_over_time is None else self.right_over_time + right
        self.layers_read = sums.layers_read
        if sums.metered is not None:
            self.metered = sums.metered if self.metered is None else self.metered.plus(sums.metered)
        self.unknown_labels.update(sums.unknown_labels)
        self._mistakes = worst_mistakes([*self._mistakes, *sums.mistakes])
        self._preprocessing.append(sums.preprocessing)
        if "rank" in table.column_names:
            self._ranks += np.bincount(table["rank"].to_numpy(), minlength=len(self._ranks))

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """As in `RunRecord`."""
        return tuple(self._mistakes)

    @property
    def preprocessing(self) -> Preprocessing:
        """As in `RunRecord`."""
        parts = self._preprocessing
        return {name: sum_counts([part[name] for part in parts]) for name in parts[0]}

    @property
    def scores(self) -> dict[str, float | None]:
        """Return accuracy and mean reciprocal rank of the true class; None without labels."""
        if not self._ranks.any():
            return {"accuracy": None, "mrr": None}
        return {**scores_of_ranks(self._ranks)}

    @property
    def paper_operations(self) -> float:
        """Operations per sample as SNNLP counts them: spikes of all layers, except those of the input's first step.

        A spike that drives 256 synapses counts once, and output spikes, which drive none, also count (its main.py).
        """
        return (sum(layer["spikes"] for layer in self.layers) - self.first_spikes) / self.samples


def layer_records(
    network: Network, totals: Totals, mapped: Sequence[LayerMapping], period: int
) -> list[dict[str, Any]]:
    """Return the fields of the `LayerRecord` of the input and every layer.

    Parameters
    ----------
    network
        The network.
    totals
        Sums over all samples.
    mapped
        Its layers mapped onto WORDS_CHIP.
    period
        Steps from one sample to the next.
    """
    steps = totals.samples * period
    memory = [{"synapses": 0, "synapses_nonzero": 0, "words": 0, "words_read": 0}]
    counts = zip(network.layers, mapped, network.synapse_counts, network.synapse_counts_nonzero, strict=True)
    for index, (layer, cores, stored, nonzero) in enumerate(counts):
        read = words_read(layer, cores, totals.neuron_spikes[index], totals.neuron_spikes[index + 1])
        words = {"synapses": stored, "synapses_nonzero": nonzero, "words": cores.words, "words_read": read}
        memory.append({**words, "messages": layer.neuron.graded})
    rates = [_rates(spikes, steps) for spikes in totals.neuron_spikes]
    return [
        {**counts, **words, "rates": bins} for counts, words, bins in zip(totals.layers, memory, rates, strict=True)
    ]


def _rates(spikes: np.ndarray, steps: int) -> list[int]:
    # Integer arithmetic selects the bin: a rate of k/20 belongs to the bin that ends there.
    bins = -(-spikes * RATE_BINS // steps)
    return np.bincount(bins, minlength=RATE_BINS + 1).tolist()


def make_record(file: NetworkFile, totals: Totals, period: int, data: Mapping[str, Any], **fields: Any) -> RunRecord:
    """The record of a run.

    Parameters
    ----------
    file, totals, period
        The network file, the sums over all samples, and the steps from one sample to the next.
    data
        Name, split, limit and skipped rows of `DataRecord`.
    fields
        The remaining fields of `RunRecord`.
    """
    network, card = file.network, file.card
    fits = {name: map_network(network, chip, period) for name, chip in CHIPS.items()}
    names = card.label_names if card else [str(number) for number in range(network.outputs)]
    right = totals.right_over_time
    return RunRecord.of(
        network={
            "file": file.path.name,
            "sha256": file.sha256,
            "sizes": list(network.sizes),
            "card": card.to_dict() if card else None,
        },
        data={
            **data,
            "unknown_labels": dict(totals.unknown_labels.most_common(MAX_NAMED)),
            "unknown_labelled": totals.unknown_labels.total(),
        },
        samples=totals.samples,
        unknown=totals.unknown,
        period=period,
        steps=totals.steps,
        seconds=round(totals.seconds, 3),
        **totals.scores,
        right_over_time=right.tolist() if right is not None else None,
        layers=layer_records(network, totals, fits[WORDS_CHIP].layers, period),
        layers_read=totals.layers_read,
        preprocessing=totals.preprocessing,
        first_spikes=totals.first_spikes,
        metered=totals.metered,
        mistakes=totals.mistakes,
        label_names=list(names),
        fits={name: FitRecord.of_fit(fit) for name, fit in fits.items()},
        versions=versions(),
        says=network.says,
        **fields,
    )
