"""Define the record of a run, result.json: its fields and consistency checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from snnlp_lava.backends.base import Metered
from snnlp_lava.chip.chips import RESOURCES
from snnlp_lava.chip.mapping import CoreMapping
from snnlp_lava.embed.base import OpCounts
from snnlp_lava.errors import InputError
from snnlp_lava.metrics import Says
from snnlp_lava.netx.card import CardRecord
from snnlp_lava.records import Amount, Count, Fraction, Positive, Record

if TYPE_CHECKING:
    pass

WORDS_CHIP = "loihi1"
"""The chip whose memory words are counted; Loihi 2's synapse layout is not published."""
RATE_BINS = 20
MAX_NAMED = 20
"""Largest number of labels, unknown to the network, that a record names."""
MISTAKES, MISTAKE_CHARACTERS, MISTAKE_ENTRIES = 20, 1000, 8
"""How many wrong answers a run keeps, and how much of each."""

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
        """Operations per sample as SNNLP counts them (see `snnlp_lava.run.samples.Totals.paper_operations`)."""
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
