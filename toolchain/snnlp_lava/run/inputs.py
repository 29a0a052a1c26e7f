"""What a network is run on: from texts, a data set or spikes to samples, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from snnlp_lava.embed.embedders import Embedder, VectorFile, embed_rows, load_embedder
from snnlp_lava.encode.base import EncodedSamples, Features, Samples, SpikeSamples, load_spikes
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_optional_path, as_path, check_choice, check_int, check_utf8, sha256_of_file
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import read_complete_network, read_network
from snnlp_lava.progress import ProgressCallback, cumulative, no_progress
from snnlp_lava.text.dataset import PARTS, SCHEMES, limit_rows, split_rows
from snnlp_lava.text.readers import MissingLabelError
from snnlp_lava.text.sources import load_texts, open_texts

ALL = "all"
"""The part of a data set that is the whole of it, in its order, with labels or without."""


@dataclass(frozen=True)
class Selection:
    """What to run on: texts as they are, a part of a data set, or spikes.

    Attributes
    ----------
    texts
        Texts, where no data is given.
    data, text_column, label_column, vectors
        A data set, as in `snnlp_lava.text.sources.load_texts`, and its ready vectors.
    words
        The file of a network's word vectors, where the cache does not have them.
    part, split_scheme
        Which rows of it, or ``all``; the split scheme is the training's by default.
    spikes
        A .npy file of spike trains, in place of texts and data.
    limit
        At most so many of the rows or spike trains; the first of ``all``, of a part the same ones each time.

    Raises
    ------
    InputError
        If not exactly one of texts, data and spikes is given; if a text is none, or one text, which would be taken
        letter by letter, stands for the texts; if there is no such part, split scheme or limit; or if vectors or a
        limit go with nothing.
    """

    texts: tuple[str, ...] = ()
    data: StrPath | None = None
    text_column: str = "text"
    label_column: str = "label"
    vectors: StrPath | None = None
    words: StrPath | None = None
    part: str = "test"
    split_scheme: str | None = None
    spikes: StrPath | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", _checked_texts(self.texts))
        if [bool(self.texts), self.data is not None, self.spikes is not None].count(True) != 1:
            raise InputError("give either data, or spikes, or one or more texts")
        for name in ("vectors", "words", "spikes"):
            object.__setattr__(self, name, as_optional_path(getattr(self, name)))
        if self.data is not None:
            object.__setattr__(self, "data", str(as_path(self.data)))
        check_choice("part", self.part, (*PARTS, ALL))
        if self.split_scheme is not None:
            check_choice("split scheme", self.split_scheme, SCHEMES)
        check_int("limit", self.limit)
        if self.vectors is not None and self.data is None:
            raise InputError("--vectors belongs to --data")
        if self.limit is not None and self.texts:
            raise InputError(f"--limit {self.limit} belongs to --data or --spikes")

    def identity(self) -> dict[str, Any]:
        """What determines the samples, ready for JSON, with the hashes of files in place of their paths."""
        files = {"data": self.data, "vectors": self.vectors, "spikes": self.spikes}
        hashes = {
            name: sha256_of_file(Path(file)) if file is not None and Path(file).is_file() else file
            for name, file in files.items()
        }
        plain = ("text_column", "label_column", "part", "split_scheme", "limit")
        return {"texts": list(self.texts), **hashes, **{name: getattr(self, name) for name in plain}}


def _checked_texts(texts: Any) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise InputError(f"texts {texts[:40]!r} are one text; write a tuple, texts=({texts[:40]!r},)")
    if not isinstance(texts, Iterable):
        raise InputError(f"texts {texts!r} are no texts; write a tuple of them")
    checked = tuple(texts)
    for number, text in enumerate(checked, start=1):
        if not isinstance(text, str):
            raise InputError(f"text {number} is {text!r}, no text")
        check_utf8(text, f"text {number}")
    return checked


@dataclass(frozen=True)
class Chunk:
    """Some of the samples, ready to be presented.

    Attributes
    ----------
    samples
        What is presented.
    rows
        (n,) rows in the data, or numbers.
    texts
        The texts, none where spikes are given.
    labels
        (n,) true classes as the network numbers them, or None.
    """

    samples: Samples
    rows: np.ndarray
    texts: list[str]
    labels: np.ndarray | None

    def take(self, places: np.ndarray) -> Chunk:
        """Some of them, (m,) places from 0."""
        texts = [self.texts[place] for place in places] if self.texts else []
        labels = self.labels[places] if self.labels is not None else None
        return Chunk(self.samples.take(places), self.rows[places], texts, labels)


@dataclass(frozen=True)
class Chosen:
    """A network and the samples for it, which are read when they are asked for.

    Attributes
    ----------
    network, card
        The network, and its card, None if another program wrote the file.
    window, period
        Steps that a sample is presented, and steps from one sample to the next.
    total
        Number of samples.
    embedder
        What makes the texts' vectors; None where there are none, or nobody knows what made them.
    chunk
        From the first sample and the one behind the last to those; it is quick to go through them in order. Raises an
        `InputError` if texts, labels, vectors or spikes do not fit the network.
    """

    network: Network
    card: Card | None
    window: int
    period: int
    total: int
    embedder: Embedder | None
    chunk: Callable[[int, int], Chunk]


def choose(path: Path, selection: Selection, report: ProgressCallback = no_progress) -> Chosen:
    """Read a network file and find the samples of a run.

    Raises
    ------
    InputError
        If the network cannot be used, or data, labels, vectors, spikes or embedding model do not fit it.
    """
    if selection.spikes is not None:
        return _spikes(path, selection)
    network, card = read_complete_network(path)
    rows_of = _texts(selection, card)
    embedder = _embedder(selection, card)
    vectors = VectorFile(Path(selection.vectors), rows_of.data_rows) if selection.vectors is not None else None
    embedded = cumulative(report, "embed", rows_of.total)

    def chunk(start: int, stop: int) -> Chunk:
        rows, texts, labels = rows_of.read(start, stop)
        if card.encoder.takes == "texts":
            features: Features = np.array(texts, dtype=object)
        else:
            features = embed_rows(texts, rows, embedder, vectors, embedded)
        return Chunk(EncodedSamples(features, card.encoder, card.window), rows, texts, labels)

    return Chosen(network, card, card.window, card.period, rows_of.total, embedder, chunk)


class _Texts(NamedTuple):
    """Texts of a selection: how many, of how many rows in the data, and what reads rows, texts and labels of some."""

    total: int
    data_rows: int
    read: Callable[[int, int], tuple[np.ndarray, list[str], np.ndarray | None]]


def _texts(selection: Selection, card: Card) -> _Texts:
    if selection.data is None:
        texts = list(selection.texts)
        return _Texts(len(texts), len(texts), lambda start, stop: (np.arange(start, stop), texts[start:stop], None))
    if selection.part == ALL:
        return _all_texts(selection, card)
    try:
        data = load_texts(selection.data, selection.text_column, selection.label_column)
    except MissingLabelError as error:
        raise InputError(f"{error}, or run all rows, which needs no labels, with --split all") from error
    scheme = selection.split_scheme or (card.training.data.split_scheme if card.training else "official")
    rows = limit_rows(split_rows(data, scheme)[selection.part], selection.limit)
    labels = data.labels_as(card.label_names)[rows]
    if (labels < 0).any():
        first = rows[np.argmax(labels < 0)]
        raise _unknown_label(data.name, data.rows[first], data.label_names[data.labels[first]], card)

    def read(start: int, stop: int) -> tuple[np.ndarray, list[str], np.ndarray]:
        return data.rows[rows[start:stop]], data.select(rows[start:stop]), labels[start:stop]

    return _Texts(len(rows), data.source_rows, read)


def _all_texts(selection: Selection, card: Card) -> _Texts:
    assert selection.data is not None
    table = open_texts(selection.data, selection.text_column, selection.label_column, limit=selection.limit)
    classes = {name: index for index, name in enumerate(card.label_names)}

    def read(start: int, stop: int) -> tuple[np.ndarray, list[str], np.ndarray | None]:
        rows, texts, names = table.read(start, stop)
        if names is None:
            return rows, texts, None
        labels = np.array([classes.get(name, -1) for name in names], dtype=np.int64)
        if (labels < 0).any():
            first = int(np.argmax(labels < 0))
            raise _unknown_label(table.name, rows[first], names[first], card)
        return rows, texts, labels

    return _Texts(len(table), table.source_rows if selection.vectors is not None else len(table), read)


def _unknown_label(name: str, row: int, label: str, card: Card) -> InputError:
    return InputError(
        f"data {name}: row {row + 1}: label {label!r} is none of the network's: {', '.join(card.label_names)}; "
        f"name another column with --label-column, or, to run without labels, one that is not there and --split {ALL}"
    )


def _embedder(selection: Selection, card: Card) -> Embedder | None:
    if card.encoder.takes == "texts" or (selection.vectors is not None and card.embedding.name is None):
        return None
    return load_embedder(card.level, card.embedding, as_optional_path(selection.words))


def _spikes(path: Path, selection: Selection) -> Chosen:
    file = read_network(path)
    assert selection.spikes is not None
    samples = load_spikes(Path(selection.spikes), file.network.inputs)
    # A longer period than the window changes no answer, so that any number of steps may be presented.
    period = max(samples.window, file.card.period if file.card else 0)

    def chunk(start: int, stop: int) -> Chunk:
        return Chunk(SpikeSamples(samples.trains[start:stop]), np.arange(start, stop), [], None)

    total = min(len(samples), selection.limit or len(samples))
    return Chosen(file.network, file.card, samples.window, period, total, None, chunk)
