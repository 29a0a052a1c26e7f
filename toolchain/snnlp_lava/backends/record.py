"""The run folder: result.json, samples.parquet and the spike trains of a few texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.backends.placement import check_placed, placed
from snnlp_lava.backends.result import COUNTERS
from snnlp_lava.backends.totals import COUNTS, Totals, result_document
from snnlp_lava.chip.network import Network
from snnlp_lava.embed.work import Work, check_work
from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import read_json, replacing_folder, write_json
from snnlp_lava.netx.card import Card, check_training

if TYPE_CHECKING:
    import pyarrow as pa

RESULT, SAMPLES, TRAINS = "result.json", "samples.parquet", "trains.safetensors"
FORMAT = 3
_MALFORMED = (LookupError, AttributeError, ValueError, TypeError)  # what a document of another shape raises
_READ = ("output_counts", "prediction", "label")
EXAMPLES = 4
"""Samples whose texts a run folder keeps, and whose spike trains it keeps by default."""


@dataclass(frozen=True)
class Source:
    """What a run was made on.

    Attributes
    ----------
    network
        Name of the network file.
    sha256
        Its hash.
    backend
        What it ran on.
    window, period
        Steps that a sample was presented, and from one sample to the next.
    data, part, limit
        Name of the data, part and limit; None for texts from the command line.
    job
        All that determines the run, as it is compared when a run is gone on with.
    texts
        The first EXAMPLES texts, none where spikes were given.
    presented
        Of each of these texts the steps that present a word, and the word (see `snnlp_lava.encode.encoder`).
    work
        What it took to make the encoder's features of all texts.
    """

    network: str
    sha256: str
    backend: str
    window: int
    period: int
    data: str | None
    part: str | None
    limit: int | None
    job: Mapping[str, Any]
    texts: Sequence[str]
    presented: Sequence[Sequence[tuple[int, str]]]
    work: Work


def check_run_folder(folder: Path) -> None:
    """Make sure that a run may be written to a folder: it is absent, empty, or an older run.

    Raises
    ------
    InputError
        If it holds something else.
    """
    if folder.exists() and not (folder / RESULT).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists and is no run folder; choose another with -o")


def write_run(
    folder: Path,
    totals: Totals,
    tables: Iterable[pa.Table],
    trains: Sequence[np.ndarray],
    network: Network,
    card: Card | None,
    source: Source,
) -> None:
    """Write a run folder, whole or not at all; an older run of the same name is replaced.

    Parameters
    ----------
    folder
        Where to.
    totals
        Sums over the tables.
    tables
        From `sample_table`, all samples in their order.
    trains
        Packed trains of the first samples, of the input and every layer.
    network, card
        What was run.
    source
        On what, and how.

    Raises
    ------
    InputError
        If the folder cannot be written, or stands for something else than a run.
    """
    from safetensors.numpy import save

    check_run_folder(folder)
    record = {
        "format": FORMAT,
        **result_document(totals, card, source.backend, source.window, source.period),
        "network": {
            "file": source.network,
            "sha256": source.sha256,
            "sizes": list(network.sizes),
            "card": card.to_dict() if card else None,
        },
        "data": {"name": source.data, "part": source.part, "limit": source.limit},
        "job": source.job,
        "examples": list(source.texts),
        "presented": list(source.presented),
        "work": asdict(source.work),
        "placement": placed(network, source.period, totals.neuron_spikes, totals.samples * source.period),
    }
    with replacing_folder(folder) as temporary:
        _write_tables(temporary / SAMPLES, tables)
        layers = {f"layer{index}": np.ascontiguousarray(train) for index, train in enumerate(trains)}
        (temporary / TRAINS).write_bytes(save(layers))
        write_json(temporary / RESULT, record)


def _write_tables(path: Path, tables: Iterable[pa.Table]) -> None:
    from pyarrow import parquet

    writer = None
    for table in tables:
        plain = table.replace_schema_metadata(None)
        writer = writer or parquet.ParquetWriter(path, plain.schema)
        writer.write_table(plain)
    assert writer is not None, "a run has samples"
    writer.close()


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Attributes
    ----------
    name
        Name of the folder.
    record
        result.json.
    output_counts
        (n, classes) output spikes.
    predictions
        (n,) classes.
    labels
        (n,) true classes or None.
    trains
        Spike trains of the first EXAMPLES samples: (samples, period, neurons) uint8 of the input and every layer.
    """

    name: str
    record: Mapping[str, Any]
    output_counts: np.ndarray
    predictions: np.ndarray
    labels: np.ndarray | None
    trains: tuple[np.ndarray, ...]


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises
    ------
    InputError
        If it is missing, incomplete or damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not folder.is_dir():
        raise InputError(f"run {folder}: no such folder")
    record = read_json(folder / RESULT)
    if record.get("format") != FORMAT:
        raise InputError(f"run {folder}: has format {record.get('format')!r}; this version reads format {FORMAT}")
    try:
        names = parquet.read_schema(folder / SAMPLES).names
        table = parquet.read_table(folder / SAMPLES, columns=[name for name in _READ if name in names])
        counts = _rows_of(table.column("output_counts"))
        predictions = table.column("prediction").to_numpy()
        labels = table.column("label").to_numpy() if "label" in table.column_names else None
        sizes = record["network"]["sizes"]
        packed = load_file(folder / TRAINS)
        trains = tuple(
            np.unpackbits(packed[f"layer{index}"][:EXAMPLES], axis=2, count=size) for index, size in enumerate(sizes)
        )
        _check_record(record, counts, predictions, labels)
    except (OSError, SafetensorError, pa.ArrowException, InputError, *_MALFORMED) as error:
        raise InputError(f"run {folder}: is damaged: {first_line(error)}") from error
    return Run(folder.name, record, counts, predictions, labels, trains)


def _rows_of(column: pa.ChunkedArray) -> np.ndarray:
    """A column of lists of one length as (n, length) int64."""
    lists = column.combine_chunks()
    values = np.asarray(lists.flatten()).astype(np.int64)
    widths = np.asarray(lists.value_lengths())
    if not len(widths) or (widths != widths[0]).any():
        raise ValueError(f"{SAMPLES} has rows of different numbers of classes")
    return values.reshape(len(widths), widths[0])


def _check_record(
    record: Mapping[str, Any], counts: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None
) -> None:
    """Raise one of the errors of a damaged file if the record is not what `write_run` writes."""
    samples, names = record["samples"], record["label_names"]
    if not samples or any(len(column) != samples for column in (counts, predictions)):
        raise ValueError(f"{RESULT} tells of {samples} samples, {SAMPLES} holds {len(counts)}")
    if counts.shape[1] != len(names) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{RESULT} names {len(names)} classes, {SAMPLES} counts {counts.shape[1]}")
    for column in (predictions, labels):
        if column is not None and not np.isin(column, np.arange(len(names))).all():
            raise ValueError(f"{SAMPLES} has a class that {RESULT} does not name")
    for layer, size in zip(record["layers"], record["network"]["sizes"], strict=True):
        if layer["neurons"] != size or min(layer[count] for count in COUNTS) < 0 or not isinstance(layer["name"], str):
            raise ValueError(f"{RESULT} has a layer {layer['name']!r} that does not fit the network")
    for text in (record["backend"], record["network"]["file"], *record["examples"]):
        if not isinstance(text, str):
            raise TypeError(f"{RESULT} holds {str(text)[:40]!r} where a text should stand")
    _check_presented(record)
    _check_counted(record)
    _check_measured(record)
    if (record["accuracy"] is None) != (labels is None) or min(record["window"], record["period"], record["steps"]) < 1:
        raise ValueError(f"{RESULT} contradicts {SAMPLES}")
    card = record["network"]["card"]
    if card is not None and (
        not isinstance(card["encoder"]["kind"], str)
        or type(card["embedding"]["dimension"]) is not int
        or card["embedding"]["dimension"] < 0
    ):
        raise ValueError(f"{RESULT} has a card without encoder or embedding")
    if card is not None and (training := card["training"]):
        check_training(training)


def _check_counted(record: Mapping[str, Any]) -> None:
    check_work(record["work"])
    check_placed(record["placement"], len(record["layers"]) - 1)
    if any(layer["active_updates"] > layer["neuron_updates"] for layer in record["layers"]):
        raise ValueError(f"{RESULT} has more active updates than updates")
    if (right := record["right_over_time"]) is not None and (
        len(right) != record["window"]
        or not all(type(count) is int and 0 <= count <= record["samples"] for count in right)
    ):
        raise ValueError(f"{RESULT} has an accuracy over time that is none")


def _check_presented(record: Mapping[str, Any]) -> None:
    for steps in record["presented"]:
        for step, word in steps:
            if type(step) is not int or not 0 <= step < record["window"] or not isinstance(word, str):
                raise ValueError(f"{RESULT} presents {str(word)[:40]!r} at step {str(step)[:40]}")


def _check_measured(record: Mapping[str, Any]) -> None:
    metered = record.get("metered", {"by": "", "samples": 1, "steps": 1})
    if not isinstance(metered["by"], str):
        raise TypeError(f"{RESULT} does not name what metered it")
    for name in metered.keys() - {"by"} | {"samples", "steps"}:
        value = metered[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise ValueError(f"{RESULT} has {str(value)[:40]!r} as metered {name[:40]}")
    for name, by in record.get("counted_by", {}).items():
        if by not in COUNTERS:
            raise ValueError(f"{RESULT} has layer {name[:40]!r} counted by {str(by)[:40]!r}")
