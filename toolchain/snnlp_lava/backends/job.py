"""One run from a network file and what it is given to a result: read, embed, encode, run, record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.front import work_in_front
from snnlp_lava.backends.record import (
    EXAMPLES,
    Source,
    check_run_folder,
    counts_alone,
    result_document,
    write_run,
)
from snnlp_lava.backends.result import BrokenRunError, RunResult, agreed
from snnlp_lava.chip.network import Network
from snnlp_lava.embed.source import Embedder, embedded_rows, embedder_of
from snnlp_lava.encode.samples import EncodedSamples, Features, Samples, SpikeSamples, load_spikes
from snnlp_lava.errors import InputError
from snnlp_lava.files import sha256_of_file
from snnlp_lava.metrics import RightOverTime
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.file import read_complete_network, read_network
from snnlp_lava.progress import Report, counting, silent
from snnlp_lava.text.sources import load_texts
from snnlp_lava.text.split import limit_rows, split_rows


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
        Which rows of it; the split scheme is the training's by default.
    spikes
        A .npy file of spike trains, in place of texts and data.
    limit
        At most so many of the rows or spike trains.
    """

    texts: tuple[str, ...] = ()
    data: str | None = None
    text_column: str = "text"
    label_column: str = "label"
    vectors: Path | None = None
    words: Path | None = None
    part: str = "test"
    split_scheme: str | None = None
    spikes: Path | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Chosen:
    """Samples ready to be presented.

    Attributes
    ----------
    network, card
        The network, and its card, None if another program wrote the file.
    samples
        What is presented.
    rows
        (n,) rows in the data, or numbers.
    period
        Steps from one sample to the next.
    texts
        The texts, none where spikes are given.
    labels
        (n,) true classes as the network numbers them, or None.
    embedder
        What makes the texts' vectors, or None.
    """

    network: Network
    card: Card | None
    samples: Samples
    rows: np.ndarray
    period: int
    texts: list[str]
    labels: np.ndarray | None
    embedder: Embedder | None = None


@dataclass(frozen=True)
class Outcome:
    """A finished run: its result, and the document that ``--json`` prints."""

    result: RunResult
    document: dict[str, Any]


def choose(path: Path, selection: Selection, report: Report = silent) -> Chosen:
    """Read a network file; select, embed and encode the samples of a run.

    Raises
    ------
    InputError
        If the network cannot be used, or data, labels, vectors, spikes or embedding model do not fit it.
    """
    if selection.spikes is not None:
        return _chosen_spikes(path, selection)
    network, card = read_complete_network(path)
    if selection.texts:
        texts, labels = list(selection.texts), None
        rows = np.arange(len(texts))
        embedder = None if card.encoder.takes_text else embedder_of(card.level, card.embedding, selection.words)
        features: Features = embedder.embed(texts) if embedder else np.array(texts, dtype=object)
        samples = EncodedSamples(features, card.encoder, card.window)
        return Chosen(network, card, samples, rows, card.period, texts, labels, embedder)
    assert selection.data is not None
    data = load_texts(selection.data, selection.text_column, selection.label_column)
    scheme = selection.split_scheme or (card.training["data"]["split_scheme"] if card.training else "official")
    rows = limit_rows(split_rows(data, scheme)[selection.part], selection.limit)
    labels = data.labels_as(card.label_names)[rows]
    if (labels < 0).any():
        unknown = data.label_names[data.labels[rows[np.argmax(labels < 0)]]]
        raise InputError(f"data {data.name}: label {unknown!r} is none of the network's: {', '.join(card.label_names)}")
    texts = data.select(rows)
    embedder = None
    if card.encoder.takes_text:
        features = np.array(texts, dtype=object)
    else:
        known = card.embedding.name is not None
        embedder = (
            embedder_of(card.level, card.embedding, selection.words) if known or selection.vectors is None else None
        )
        features = embedded_rows(data, rows, embedder, selection.vectors, counting(report, "embed", len(rows)))
    samples = EncodedSamples(features, card.encoder, card.window)
    return Chosen(network, card, samples, rows, card.period, texts, labels, embedder)


def _chosen_spikes(path: Path, selection: Selection) -> Chosen:
    file = read_network(path)
    assert selection.spikes is not None
    samples = load_spikes(selection.spikes, file.network.inputs)
    samples = SpikeSamples(samples.trains[: selection.limit])
    # A longer period than the window changes no answer, so that any number of steps may be presented.
    period = max(samples.window, file.card.period if file.card else 0)
    return Chosen(file.network, file.card, samples, np.arange(len(samples)), period, [], None)


def run_network(
    path: Path,
    selection: Selection,
    backend: str,
    *,
    jobs: int = 1,
    keep_trains: int = EXAMPLES,
    folder: Path | None = None,
    report: Report = silent,
) -> Outcome:
    """Run a network file on a backend, and write the run folder where one is given.

    Raises
    ------
    InputError
        If the network or the selection cannot be used.
    BackendError
        If the backend fails, or its spikes are not the emulator's.
    """
    if folder is not None:
        check_run_folder(folder)
    chosen = choose(path, selection, report)
    network, card, samples, period = chosen.network, chosen.card, chosen.samples, chosen.period
    advance = counting(report, backend, len(samples))
    right: RightOverTime | None = None
    if chosen.labels is not None:
        right = RightOverTime(chosen.labels, samples.window, counts_alone=counts_alone(card))

    def record(result: RunResult, done: np.ndarray, complete: bool) -> Outcome:
        if backend != "emulator":
            result = agreed(result, run_emulator(network, samples, period, rows=done, on_output=right))
        labels = chosen.labels[done] if chosen.labels is not None else None
        document = result_document(result, card, labels, right.counts.tolist() if right else None)
        if folder is not None:
            origin = selection.data or selection.spikes
            texts = [chosen.texts[index] for index in done[:EXAMPLES] if chosen.texts]
            source = Source(
                network=path.name,
                sha256=sha256_of_file(path),
                data=Path(origin).stem if origin else None,
                part=selection.part if selection.data else None,
                limit=selection.limit,
                complete=complete,
                rows=chosen.rows[done],
                texts=texts,
                presented=[card.encoder.presented(text, card.window) for text in texts] if card else [],
                work=work_in_front(card, chosen.embedder, [chosen.texts[index] for index in done if chosen.texts]),
            )
            write_run(folder, document, result, network, card, source)
        return Outcome(result, document)

    try:
        if backend == "sim":
            from snnlp_lava.backends.sim import run_sim

            result = run_sim(path, network, samples, period, jobs=jobs, keep_trains=keep_trains, progress=advance)
        else:
            result = run_emulator(network, samples, period, keep_trains=keep_trains, progress=advance, on_output=right)
    except BrokenRunError as broken:
        if broken.result is None:
            raise
        record(broken.result, broken.finished, complete=False)
        kept = f"; the {len(broken.finished)} samples that were done are in {folder}" if folder else ""
        raise BrokenRunError(f"{broken}{kept}", interrupted=broken.interrupted) from broken
    return record(result, np.arange(len(samples)), complete=True)
