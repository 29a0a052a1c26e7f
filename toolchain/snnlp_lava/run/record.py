"""Define the record of a run, result.json: its fields, sums over tables of samples, and consistency checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from snnlp_lava.backends.base import COUNTS, Metered, RunResult
from snnlp_lava.chip.chips import CHIPS, RESOURCES
from snnlp_lava.chip.mapping import CoreMapping, LayerMapping, map_network, words_read
from snnlp_lava.embed.base import OpCounts, sum_counts
from snnlp_lava.errors import InputError
from snnlp_lava.metrics import Says, ranks, scores_of_ranks
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card, CardRecord
from snnlp_lava.netx.network_file import NetworkFile
from snnlp_lava.records import Amount, Count, Fraction, Positive, Record, build, versions

if TYPE_CHECKING:
    import pyarrow as pa

WORDS_CHIP = "loihi1"
"""The chip whose memory words are counted; Loihi 2's synapse layout is not published."""
RATE_BINS = 20
MAX_NAMED = 20
"""Largest number of labels, unknown to the network, that a record names."""

Preprocessing = dict[Literal["embedding", "encoding"], OpCounts]
Rates = Annotated[tuple[Count, ...], Meta(min_length=RATE_BINS + 1, max_length=RATE_BINS + 1)]


class LayerRecord(Record, frozen=True):
    """Counts of one layer over all samples; the input is a layer without synapses.

    Attributes
    ----------
    name, neurons
        ``input``, ``hidden1``, ..., ``output``, and its number of lines or neurons.
    spikes, synops, synops_nonzero, neuron_updates, active_updates, wraps, clips
        Sums of `snnlp_lava.backends.base.LayerCounts`.
    synapses, synapses_nonzero
        Stored synapses, and those with non-zero weight.
    words, words_read
        64-bit words of its synaptic memory on Loihi 1, and words read by arriving spikes: each spike reads its axon on
        every core of the layer.
    rates
        Number of neurons that never spiked, then a histogram of spikes per step in RATE_BINS equal bins from 0 to 1.
    messages
        Whether it sends messages (integers) instead of spikes, of which those that are not 0 are counted.
    """

    name: str
    neurons: Positive
    spikes: Count
    synops: Count
    synops_nonzero: Count
    neuron_updates: Count
    active_updates: Count
    wraps: Count
    clips: Count
    synapses: Count
    synapses_nonzero: Count
    words: Count
    words_read: Count
    rates: Rates
    messages: bool = False

    def __post_init__(self) -> None:
        if self.active_updates > self.neuron_updates:
            raise ValueError(
                f"active_updates {self.active_updates} must be at most neuron_updates, {self.neuron_updates}"
            )


class LayerFitRecord(Record, frozen=True):
    """A layer on the cores of a chip: the use of each resource on every core."""

    name: str
    cores: Annotated[tuple[dict[str, Count], ...], Meta(min_length=1)]


class FitRecord(Record, frozen=True):
    """A network mapped onto a chip, with the chip's limits at the time of the run.

    Attributes
    ----------
    title
        The chip.
    cores
        Number of cores of the chip.
    limits
        A core's limit of each resource, None if unknown.
    layers
        The network's layers on its cores.
    violations, notes
        Violated limits, and caveats, as sentences.
    """

    title: str
    cores: Positive
    limits: dict[str, Positive | None]
    layers: tuple[LayerFitRecord, ...]
    violations: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of_fit(cls, fit: CoreMapping) -> FitRecord:
        """Create the record of a mapping."""
        cores = [[{name: getattr(core, name) for name in RESOURCES} for core in layer.cores] for layer in fit.layers]
        return cls.of(
            title=fit.chip.name,
            cores=fit.chip.cores,
            limits={name: getattr(fit.chip, name) for name in RESOURCES},
            layers=[{"name": layer.name, "cores": taken} for layer, taken in zip(fit.layers, cores, strict=True)],
            violations=[violation.text for violation in fit.violations],
            notes=list(fit.notes),
        )

    def __post_init__(self) -> None:
        for layer in self.layers:
            for core in layer.cores:
                if core.keys() != self.limits.keys():
                    raise ValueError(f"layer {layer.name} has a core with {', '.join(core)}")


class NetworkRecord(Record, frozen=True):
    """The network of a run.

    Attributes
    ----------
    file, sha256
        Name of the network file, and its hash.
    sizes
        Input lines, then the neurons of each layer.
    card
        The file's card without arrays, None if it has none.
    """

    file: str
    sha256: str
    sizes: tuple[Positive, ...]
    card: CardRecord | None


class DataRecord(Record, frozen=True):
    """The data of a run.

    Attributes
    ----------
    name, split, limit
        Name of the data, split and limit; None for texts from the command line.
    skipped
        Why rows of the data were left out, and how many: ``{"empty text": 3}``.
    unknown_labels
        Number of samples of each label that the network lacks (they count as wrong): the MAX_NAMED most frequent.
    unknown_labelled
        Total number of such samples.
    """

    name: str | None
    split: str | None
    limit: Positive | None
    skipped: dict[str, Count]
    unknown_labels: dict[str, Count]
    unknown_labelled: Count


class Mistake(Record, frozen=True):
    """A text with a wrong answer.

    Attributes
    ----------
    sample
        Number of the sample.
    text
        Its text, at most MISTAKE_CHARACTERS of it.
    label, prediction
        True label and answer.
    probability
        Probability of the answer.
    entries
        Entries of the text that spoke for the answer against the true class, with the difference of their weights, at
        most MISTAKE_ENTRIES, the largest first. Empty where entries have no weights of their own.
    """

    sample: Count
    text: str
    label: str
    prediction: str
    probability: Fraction
    entries: tuple[tuple[str, Count], ...]


class RunRecord(Record, frozen=True):
    """The record of a run.

    Attributes
    ----------
    backend
        Name of the backend.
    network, data
        The network, and the data.
    samples, window, period, steps, seconds
        Number of samples, steps of presentation, steps from one sample to the next, total steps, wall-clock time.
    accuracy, mrr
        Scores, None without labels; an unknown answer counts as wrong.
    unknown
        Samples that are answered unknown: no output neuron spiked, or nothing of the text stands in the network.
    right_over_time
        Number of right samples if the answer is taken after each step of the window; None without labels.
    layers
        The input and every layer.
    layers_read
        Layers whose spikes were read from the backend and equal the emulator's; counts of other layers are the
        emulator's.
    first_spikes
        Input spikes of each sample's first step, which the paper's counting omits.
    metered
        Measurements of an instrument.
    label_names
        Names of the classes; output numbers for a network without card.
    examples, presented
        The first texts, and for each the steps that present a word, with the word.
    preprocessing
        Host operations of preprocessing all texts, by step.
    fits
        The network mapped onto each known chip.
    job
        Everything that determines the run, compared when a run is resumed.
    versions
        Versions of the packages that ran it.
    mistakes
        Wrong answers with the highest probabilities, at most MISTAKES; unknown answers are not among them.
    says
        What the outputs of its samples are made of, as `snnlp_lava.metrics.Says`.
    """

    FORMAT: ClassVar[int | None] = 4

    backend: str
    network: NetworkRecord
    data: DataRecord
    samples: Positive
    unknown: Count
    window: Positive
    period: Positive
    steps: Positive
    seconds: Amount
    accuracy: Fraction | None
    mrr: Fraction | None
    right_over_time: tuple[Count, ...] | None
    layers: tuple[LayerRecord, ...]
    layers_read: tuple[str, ...]
    first_spikes: Count
    metered: Metered | None
    label_names: tuple[str, ...]
    examples: tuple[str, ...]
    presented: tuple[tuple[tuple[Count, str], ...], ...]
    preprocessing: Preprocessing
    fits: dict[str, FitRecord]
    job: dict[str, Any]
    versions: dict[str, str]
    mistakes: tuple[Mistake, ...] = ()
    says: Says = "spikes"

    def __post_init__(self) -> None:
        sizes, names = tuple(layer.neurons for layer in self.layers), [layer.name for layer in self.layers]
        if sizes != self.network.sizes or len(sizes) < 2:
            raise ValueError(f"layers must have the network's sizes, {self.network.sizes}, got {sizes}")
        if len(self.label_names) != sizes[-1]:
            raise ValueError(
                f"label_names must have {sizes[-1]} names, one for each output, got {len(self.label_names)}"
            )
        if (self.accuracy is None) != (self.mrr is None):
            raise ValueError("accuracy and mrr must both be numbers or null")
        right = self.right_over_time
        if right is not None and (len(right) != self.window or max(right) > self.samples):
            raise ValueError(f"right_over_time must have {self.window} counts up to {self.samples}")
        if len(self.examples) > self.samples:
            raise ValueError(f"examples has {len(self.examples)} texts of {self.samples} samples")
        if any(step >= self.window for text in self.presented for step, _ in text):
            raise ValueError(f"presented has a step outside the window of {self.window}")
        if unknown := set(self.layers_read) - set(names):
            raise ValueError(f"layers_read has {min(unknown)!r}, which is not a layer")
        for fit in self.fits.values():
            if [layer.name for layer in fit.layers] != names[1:]:
                raise ValueError(f"fits: {fit.title} has other layers than the network")

    @property
    def synops(self) -> int:
        """Synops over all layers and samples."""
        return sum(layer.synops for layer in self.layers)

    @property
    def wraps(self) -> int:
        """Total number of 24-bit registers that wrapped."""
        return sum(layer.wraps for layer in self.layers)

    @property
    def clips(self) -> int:
        """Total number of 24-bit registers that saturated."""
        return sum(layer.clips for layer in self.layers)

    @property
    def paper_operations(self) -> float:
        """Operations per sample as SNNLP counts them (see `Totals.paper_operations`)."""
        return (sum(layer.spikes for layer in self.layers) - self.first_spikes) / self.samples


def check_table(
    record: RunRecord,
    counts: np.ndarray,
    predictions: np.ndarray,
    labels: np.ndarray | None,
    probabilities: np.ndarray | None = None,
) -> None:
    """Check a record against its table of samples.

    Parameters
    ----------
    record
        The record.
    counts
        (n, classes) output spikes, or what `RunRecord.says` says.
    predictions
        (n,) classes, -1 for unknown.
    labels
        (n,) true classes, -1 for labels that the network lacks; or None.
    probabilities
        (n,) probability of each answer, or None.

    Raises
    ------
    InputError
        If they contradict each other.
    """
    classes = len(record.label_names)
    if any(len(column) != record.samples for column in (counts, predictions)):
        raise InputError(f"samples is {record.samples}, but its table has {len(counts)}")
    if counts.shape[1] != classes:
        raise InputError(f"label_names has {classes} names, but its table has {counts.shape[1]} classes")
    for column in (predictions, labels):
        if column is not None and not np.isin(column, np.arange(-1, classes)).all():
            raise InputError(f"its table has a class outside 0 to {classes - 1}")
    if probabilities is not None and (
        probabilities.dtype.kind != "f" or not ((probabilities >= 0) & (probabilities <= 1)).all()
    ):
        raise InputError("its table has a probability outside 0 to 1")
    if (found := int((predictions < 0).sum())) != record.unknown:
        raise InputError(f"unknown is {record.unknown}, but its table has {found} unknown answers")
    if (record.accuracy is None) != (labels is None):
        raise InputError(f"accuracy is {record.accuracy}, but its table has {'no ' * (labels is None)}labels")


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


UNKNOWN = -1
"""Prediction of a sample without an answer."""
MISTAKES, MISTAKE_CHARACTERS, MISTAKE_ENTRIES = 20, 1000, 8
"""How many wrong answers a run keeps, and how much of each."""
_FIRST, _SUMS = "input_first_spikes", b"sums"


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
