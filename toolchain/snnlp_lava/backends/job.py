"""One run from a network file and texts to a result: read, embed, encode, run, record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.record import EXAMPLES, Source, check_run_folder, result_document, write_run
from snnlp_lava.backends.result import BrokenRunError, RunResult, agreed
from snnlp_lava.embed.source import embedded_rows, embedder_of
from snnlp_lava.errors import InputError
from snnlp_lava.files import sha256_of_file
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.file import read_complete_network
from snnlp_lava.progress import Report, counting, silent
from snnlp_lava.text.sources import load_texts
from snnlp_lava.text.split import limit_rows, split_rows


@dataclass(frozen=True)
class Selection:
    """What to run on: texts as they are, or a part of a data set.

    Attributes
    ----------
    texts
        Texts, where no data is given.
    data, text_column, label_column, vectors
        A data set, as in `snnlp_lava.text.sources.load_texts`, and its ready vectors.
    part, split_scheme, limit
        Which rows of it; the split scheme is the training's by default.
    """

    texts: tuple[str, ...] = ()
    data: str | None = None
    text_column: str = "text"
    label_column: str = "label"
    vectors: Path | None = None
    part: str = "test"
    split_scheme: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Chosen:
    """Samples ready to be presented.

    Attributes
    ----------
    texts
        The texts.
    rows
        (n,) their rows in the data, or their numbers.
    labels
        (n,) true classes as the network numbers them, or None.
    values
        (n, channels) int32 SAF values.
    """

    texts: list[str]
    rows: np.ndarray
    labels: np.ndarray | None
    values: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """A finished run: its result, and the document that ``--json`` prints."""

    result: RunResult
    document: dict[str, Any]


def choose(card: Card, selection: Selection, report: Report = silent) -> Chosen:
    """Select, embed and encode the samples of a run.

    Raises
    ------
    InputError
        If data, labels, vectors or embedding model do not fit the network.
    """
    if selection.texts:
        texts, labels = list(selection.texts), None
        rows = np.arange(len(texts))
        vectors = embedder_of(card.embedding).embed(texts)
        return Chosen(texts, rows, labels, card.calibration(vectors))
    assert selection.data is not None
    data = load_texts(selection.data, selection.text_column, selection.label_column)
    scheme = selection.split_scheme or (card.training["data"]["split_scheme"] if card.training else "official")
    rows = limit_rows(split_rows(data, scheme)[selection.part], selection.limit)
    labels = data.labels_as(card.label_names)[rows]
    if (labels < 0).any():
        unknown = data.label_names[data.labels[rows[np.argmax(labels < 0)]]]
        raise InputError(f"data {data.name}: label {unknown!r} is none of the network's: {', '.join(card.label_names)}")
    known = card.embedding.name is not None
    embedder = embedder_of(card.embedding) if known or selection.vectors is None else None
    vectors = embedded_rows(data, rows, embedder, selection.vectors, counting(report, "embed", len(rows)))
    return Chosen(data.select(rows), rows, labels, card.calibration(vectors))


def run_network(
    path: Path,
    selection: Selection,
    backend: str,
    *,
    jobs: int = 1,
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
    network, card = read_complete_network(path)
    chosen = choose(card, selection, report)
    advance = counting(report, backend, len(chosen.values))

    def record(result: RunResult, done: np.ndarray, complete: bool) -> Outcome:
        if backend != "emulator":
            result = agreed(result, run_emulator(network, chosen.values[done], card.window, card.period))
        labels = chosen.labels[done] if chosen.labels is not None else None
        document = result_document(result, card, labels)
        if folder is not None:
            source = Source(
                network=path.name,
                sha256=sha256_of_file(path),
                data=selection.data and Path(selection.data).stem,
                part=selection.part if selection.data else None,
                limit=selection.limit,
                complete=complete,
                rows=chosen.rows[done],
                texts=[chosen.texts[index] for index in done[:EXAMPLES]],
            )
            write_run(folder, document, result, network, card, source)
        return Outcome(result, document)

    try:
        if backend == "sim":
            from snnlp_lava.backends.sim import run_sim

            result = run_sim(
                path,
                network,
                chosen.values,
                card.window,
                card.period,
                jobs=jobs,
                keep_trains=EXAMPLES,
                progress=advance,
            )
        else:
            result = run_emulator(
                network, chosen.values, card.window, card.period, keep_trains=EXAMPLES, progress=advance
            )
    except BrokenRunError as broken:
        if broken.result is None:
            raise
        record(broken.result, broken.finished, complete=False)
        kept = f"; the {len(broken.finished)} samples that were done are in {folder}" if folder else ""
        raise BrokenRunError(f"{broken}{kept}", interrupted=broken.interrupted) from broken
    return record(result, np.arange(len(chosen.rows)), complete=True)
