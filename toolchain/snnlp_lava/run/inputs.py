"""Open the input of a run (texts, rows of a data set, or arrays of spikes or values) as batches of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlp_lava.embed.embedders import Embedder, VectorFile, embed_rows, load_embedder
from snnlp_lava.encode.base import MAX_WINDOW, EncodedSamples, Features, Samples
from snnlp_lava.errors import InputError
from snnlp_lava.files import as_optional_path, as_path, check_choice, check_utf8, sha256_of_file
from snnlp_lava.progress import AdvanceCallback, ProgressCallback, cumulative, no_advance, no_progress
from snnlp_lava.run.arrays import open_events, open_spikes, open_values, read_labels
from snnlp_lava.text.dataset import PARTS, SCHEMES, limit_rows, split_rows
from snnlp_lava.text.sources import is_file, load_texts, open_texts
from snnlp_lava.text.table import MissingLabelError

if TYPE_CHECKING:
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.card import Card
    from snnlp_lava.netx.network_file import NetworkFile

ALL_ROWS = "all"
"""Name of the split with all rows of a data set, in order, with or without labels."""
SPLITS = (*PARTS, ALL_ROWS)
MAX_LIMIT = 1 << 40
_APPLIES = {
    "--text": {"texts", "words"},
    "--data": {
        *("data", "text_column", "label_column", "no_labels", "vectors", "words"),
        *("split", "split_scheme", "limit", "strict"),
    },
    "--spikes": {"spikes", "graded", "labels", "limit"},
    "--values": {"values", "steps", "labels", "limit"},
    "--events": {"events", "steps", "labels", "limit"},
}


@dataclass(frozen=True)
class RunInput:
    """The input of a run: texts, rows of a data set, or arrays. None means the default of the chosen source.

    Attributes
    ----------
    texts
        Texts.
    data, text_column, label_column, vectors
        A data set as in `snnlp_lava.text.sources.load_texts` (default columns ``text`` and ``label``), and a file with
        a vector for each of its rows.
    no_labels
        Whether to ignore labels.
    split, split_scheme
        ``train``, ``validation``, ``test`` (the default) or ``all`` (the default without labels), and the split scheme,
        by default that of the training.
    spikes, graded
        A .npy file of spike trains, or of integers if `graded`; see `snnlp_lava.run.arrays.open_spikes`.
    values, steps
        A .npy file of values for an input layer's neurons, and how often values that do not change are presented; see
        `snnlp_lava.run.arrays.open_values`.
    events
        A .npy file of one sample's events; see `snnlp_lava.run.arrays.open_events`.
    labels
        A .npy file of the classes of such samples.
    words
        The file of a network's word vectors, if they are not in the cache.
    limit
        Maximum number of rows or samples: the first ones of ``all``, the same random ones of another split.
    strict
        Whether to refuse unusable rows and labels that the network lacks, instead of skipping those rows and counting
        those labels as wrong.

    Raises
    ------
    InputError
        If not exactly one of texts, data, spikes, values and events is given, or a value is out of range or would be
        ignored.
    """

    texts: tuple[str, ...] = ()
    data: str | None = None
    text_column: str | tuple[str, ...] = ()
    label_column: str | None = None
    no_labels: bool = False
    vectors: Path | None = None
    words: Path | None = None
    split: str | None = None
    split_scheme: str | None = None
    spikes: Path | None = None
    graded: bool = False
    values: Path | None = None
    steps: int | None = None
    events: Path | None = None
    labels: Path | None = None
    limit: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _checked_texts(self.texts))
        for name in ("vectors", "words", "spikes", "values", "events", "labels"):
            object.__setattr__(self, name, as_optional_path(getattr(self, name)))
        if self.data is not None:
            object.__setattr__(self, "data", str(as_path(self.data)))
        columns = (self.text_column,) if isinstance(self.text_column, str) else tuple(self.text_column)
        object.__setattr__(self, "text_column", columns)
        sources = [
            bool(self.texts),
            *(value is not None for value in (self.data, self.spikes, self.values, self.events)),
        ]
        if sources.count(True) != 1:
            raise InputError(
                "specify exactly one of --data, --spikes, --values, --events or --text (which may be repeated)"
            )
        given = {name: value for name, value in vars(self).items() if value is not None and value not in ((), False)}
        self._check_used(list(_APPLIES)[sources.index(True)], given)
        if self.split is not None:
            check_choice("split", self.split, SPLITS)
        if self.split_scheme is not None:
            check_choice("split scheme", self.split_scheme, SCHEMES)
        for name, most in (("limit", MAX_LIMIT), ("steps", MAX_WINDOW)):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not 1 <= value <= most):
                raise InputError(f"{name} must be an integer from 1 to {most}, got {value!r:.40}")

    def _check_used(self, source: str, given: dict[str, Any]) -> None:
        for name, value in given.items():
            if name not in _APPLIES[source]:
                having = [other for other, names in _APPLIES.items() if name in names]
                raise _unused(
                    name, " ".join(value) if isinstance(value, tuple) else value, f"{' or '.join(having)}, not {source}"
                )
        for name in ("text_column", "label_column"):
            if name in given and not is_file(str(self.data)):
                value = given[name] if isinstance(given[name], str) else " ".join(given[name])
                raise _unused(name, value, f"a data file, not {self.data}")
        if self.no_labels and self.label_column is not None:
            raise InputError(f"--label-column {self.label_column} is not used with --no-labels; use one of them")
        if self.no_labels and self.split not in (None, ALL_ROWS):
            raise InputError(f"--no-labels only applies to --split {ALL_ROWS}, not {self.split}")
        if self.split_scheme is not None and self.rows == ALL_ROWS:
            raise _unused("split_scheme", self.split_scheme, f"--split {', '.join(PARTS)}, not {ALL_ROWS}")

    @property
    def rows(self) -> str:
        """Return the split, or its default."""
        return self.split or (ALL_ROWS if self.no_labels else "test")

    def identity(self) -> dict[str, Any]:
        """Identify the samples in plain JSON types, with hashes of files instead of paths."""
        named = ("data", "vectors", "spikes", "values", "events", "labels")
        files = {name: getattr(self, name) for name in named}
        hashes = {
            name: sha256_of_file(Path(file)) if file is not None and Path(file).is_file() else file
            for name, file in files.items()
        }
        plain = ("label_column", "no_labels", "split_scheme", "limit", "graded", "steps")
        return {
            "texts": list(self.texts),
            "split": self.rows if self.data is not None else None,
            **hashes,
            **{name: getattr(self, name) for name in plain},
            "text_column": list(self.text_column),
        }

    def open(self, file: NetworkFile, progress: ProgressCallback = no_progress) -> Batches:
        """Open the samples for a network; texts are embedded and arrays read later, batch by batch.

        Raises
        ------
        InputError
            If the network cannot be used, or data, labels, vectors, arrays or embedding model do not match it.
        """
        return _open_arrays(self, file) if self.array is not None else _open_texts(self, file, progress)

    @property
    def array(self) -> Path | None:
        """The file of spikes, values or events."""
        return self.spikes or self.values or self.events


def _unused(name: str, value: Any, where: str) -> InputError:
    shown = "" if value is True else f" {str(value)[:40]}"
    return InputError(f"--{name.replace('_', '-')}{shown} only applies to {where}")


def _checked_texts(texts: Any) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise InputError(f"texts must be a tuple of texts, got the text {texts[:40]!r}; use texts=({texts[:40]!r},)")
    if not isinstance(texts, Iterable):
        raise InputError(f"texts must be a tuple of texts, got {texts!r}")
    checked = tuple(texts)
    for number, text in enumerate(checked, start=1):
        if not isinstance(text, str):
            raise InputError(f"text {number} must be a str, got {text!r}")
        check_utf8(text, f"text {number}")
        if not text.strip():
            raise InputError(f"text {number} is empty")
    return checked


@dataclass(frozen=True)
class Batch:
    """A batch of samples as read; `samples_of` encodes them.

    Attributes
    ----------
    rows
        (n,) rows in the data, or sample numbers.
    texts
        The texts; empty for arrays.
    labels
        (n,) true classes of the network, -1 for labels that it lacks; None without labels.
    label_names
        n names of the labels, or None.
    ready
        (n, d) vectors, if such were given.
    samples
        The samples, if arrays were given.
    """

    rows: np.ndarray
    texts: list[str]
    labels: np.ndarray | None
    label_names: list[str] | None = None
    ready: np.ndarray | None = None
    samples: Samples | None = None

    def take(self, places: np.ndarray) -> Batch:
        """Return some of them, by (m,) positions from 0."""
        texts = [self.texts[place] for place in places] if self.texts else []
        labels = self.labels[places] if self.labels is not None else None
        names = [self.label_names[place] for place in places] if self.label_names is not None else None
        ready = self.ready[places] if self.ready is not None else None
        samples = self.samples.take(places) if self.samples is not None else None
        return Batch(self.rows[places], texts, labels, names, ready, samples)

    @property
    def unknown_labels(self) -> dict[str, int]:
        """Return the labels that the network lacks, and how often each occurs."""
        if self.labels is None or self.label_names is None:
            return {}
        return dict(Counter(self.label_names[place] for place in np.flatnonzero(self.labels < 0)))


def samples_of(
    batch: Batch, card: Card | None, embedder: Embedder | None, progress: AdvanceCallback = no_advance
) -> Samples:
    """The samples of a batch, its texts embedded where the network takes vectors and none are ready.

    Parameters
    ----------
    batch
        The batch.
    card, embedder
        The network's card, and what makes its vectors; None where they are not needed.
    progress
        Advances by texts embedded.

    Raises
    ------
    InputError
        If a text cannot be embedded.
    """
    if batch.samples is not None:
        return batch.samples
    assert card is not None, "a network that takes texts has a card"
    features: Features | None = batch.ready
    if card.encoder.takes == "texts":
        features = np.array(batch.texts, dtype=object)
    elif features is None:
        features = embed_rows(batch.texts, batch.rows, embedder, None, progress)
    return EncodedSamples(features, card.encoder, card.window)


def known_of(samples: Samples) -> np.ndarray | None:
    """Whether anything of each sample stands in the network, (n,) bool; None where its encoder does not say."""
    if not isinstance(samples, EncodedSamples):
        return None
    return samples.encoder.known(samples.features[np.arange(len(samples))])


@dataclass(frozen=True)
class Batches:
    """The samples for a network, read on demand.

    Attributes
    ----------
    window, period
        Steps for which a sample is presented, and steps from one sample to the next.
    total
        Number of samples.
    skipped
        Number of skipped rows by reason.
    embedder
        The embedder of the texts; None if there are no vectors or their origin is unknown.
    read
        Reads the samples from a start to a stop; fast in sequential order. Raises an `InputError` if texts, labels,
        vectors or spikes do not match the network.
    embedded
        Called with the number of texts embedded since the last call.
    """

    window: int
    period: int
    total: int
    skipped: Mapping[str, int]
    embedder: Embedder | None
    read: Callable[[int, int], Batch]
    embedded: AdvanceCallback = no_advance


def _open_arrays(inputs: RunInput, file: NetworkFile) -> Batches:
    network, samples = file.network, _samples(inputs, file.network)
    # A period longer than the window changes no answer, so any number of steps may be presented.
    period = max(samples.window, file.card.period if file.card else 0)
    labels = None if inputs.labels is None else read_labels(inputs.labels, len(samples), network.outputs)

    def read(start: int, stop: int) -> Batch:
        rows = np.arange(start, stop)
        return Batch(rows, [], None if labels is None else labels[rows], samples=samples.take(rows))

    return Batches(samples.window, period, min(len(samples), inputs.limit or len(samples)), {}, None, read)


def _samples(inputs: RunInput, network: Network) -> Samples:
    if inputs.values is not None:
        return open_values(inputs.values, network, inputs.steps)
    if inputs.events is not None:
        return open_events(inputs.events, network, inputs.steps)
    assert inputs.spikes is not None
    return open_spikes(inputs.spikes, network, graded=inputs.graded)


def _open_texts(inputs: RunInput, file: NetworkFile, progress: ProgressCallback) -> Batches:
    card = file.require_card()
    _check_used_by(file, card, inputs)
    rows = _rows(inputs, card)
    embedder = _embedder(inputs, card)
    vectors = VectorFile(inputs.vectors, rows.in_source) if inputs.vectors is not None else None
    embedded = cumulative(progress, "embed", rows.total)

    def read(start: int, stop: int) -> Batch:
        numbers, texts, names = rows.read(start, stop)
        ready = embed_rows(texts, numbers, embedder, vectors, embedded) if vectors is not None else None
        labels = _labels(inputs, card, numbers, names) if names is not None else None
        return Batch(numbers, texts, labels, names, ready)

    return Batches(card.window, card.period, rows.total, rows.skipped, embedder, read, embedded)


def _check_used_by(file: NetworkFile, card: Card, inputs: RunInput) -> None:
    if card.encoder.takes == "texts":
        for name in ("vectors", "words"):
            if (value := getattr(inputs, name)) is not None:
                raise _unused(name, value, f"a network that takes vectors; {file.path} takes the texts themselves")
    elif inputs.words is not None and card.level != "word":
        raise _unused("words", inputs.words, f"a network of word vectors; {file.path} takes {card.level} vectors")
    elif inputs.words is not None and inputs.vectors is not None and card.embedding.name is None:
        raise InputError(
            f"--words {inputs.words} is not used with --vectors {inputs.vectors}: {file.path} was "
            "trained on vectors of unknown origin"
        )


def _embedder(inputs: RunInput, card: Card) -> Embedder | None:
    if card.encoder.takes == "texts" or (inputs.vectors is not None and card.embedding.name is None):
        return None
    return load_embedder(card.level, card.embedding, inputs.words)


class _Rows(NamedTuple):
    """Open the rows of a run: row numbers, number of source rows, skipped rows, and a reader."""

    total: int
    in_source: int
    skipped: Mapping[str, int]
    read: Callable[[int, int], tuple[np.ndarray, list[str], list[str] | None]]


def _rows(inputs: RunInput, card: Card) -> _Rows:
    if inputs.data is None:
        texts = list(inputs.texts)
        return _Rows(len(texts), len(texts), {}, lambda start, stop: (np.arange(start, stop), texts[start:stop], None))
    columns = (inputs.text_column or ("text",), inputs.label_column or "label")
    if inputs.rows == ALL_ROWS:
        unread = inputs.no_labels and is_file(inputs.data)
        table = open_texts(
            inputs.data, columns[0], None if unread else columns[1], limit=inputs.limit, strict=inputs.strict
        )

        def read_table(start: int, stop: int) -> tuple[np.ndarray, list[str], list[str] | None]:
            numbers, texts, names = table.read(start, stop)
            return numbers, texts, None if inputs.no_labels else names

        in_source = table.source_rows if inputs.vectors is not None else len(table)
        return _Rows(len(table), in_source, table.skipped, read_table)
    try:
        data = load_texts(inputs.data, *columns, strict=inputs.strict)
    except MissingLabelError as error:
        raise InputError(f"{error}, or run all rows without labels with --no-labels") from error
    scheme = inputs.split_scheme or (card.training.data.split_scheme if card.training else "official")
    rows = limit_rows(split_rows(data, scheme)[inputs.rows], inputs.limit)

    def read(start: int, stop: int) -> tuple[np.ndarray, list[str], list[str]]:
        chosen = rows[start:stop]
        return data.rows[chosen], data.select(chosen), [data.label_names[label] for label in data.labels[chosen]]

    return _Rows(len(rows), data.source_rows, data.skipped, read)


def _labels(inputs: RunInput, card: Card, rows: np.ndarray, names: list[str]) -> np.ndarray:
    classes = {name: index for index, name in enumerate(card.label_names)}
    labels = np.array([classes.get(name, -1) for name in names], dtype=np.int64)
    if inputs.strict and (labels < 0).any():
        first = int(np.argmax(labels < 0))
        raise InputError(
            f"data {Path(str(inputs.data)).stem}: row {rows[first] + 1}: label {names[first]!r} is not a class of the "
            f"network ({', '.join(card.label_names)}); run without --strict, or without labels with --no-labels"
        )
    return labels
