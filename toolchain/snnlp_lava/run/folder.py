"""The run folder: result.json, samples.parquet and the spike trains of a few texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.embed.base import OpCounts
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, atomic_folder, read_json, write_json
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card
from snnlp_lava.run.record import Totals, check_record, placed, result_document

if TYPE_CHECKING:
    import pyarrow as pa

RESULT, SAMPLES, TRAINS = "result.json", "samples.parquet", "trains.safetensors"


FORMAT = 4


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
        Of each of these texts the steps that present a word, and the word (see `snnlp_lava.encode.base`).
    preprocessing
        What it took to make the network's input of all texts: ``embedding`` and ``encoding``, where there are any.
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
    preprocessing: Mapping[str, OpCounts]


def check_run_folder(folder: Path) -> None:
    """Make sure that a run may be written to a folder: it is absent, empty, or an older run.

    Raises
    ------
    InputError
        If it holds something else, or has no name beside which parts could stand.
    """
    if folder.name in ("", ".."):
        raise InputError(f"run {folder}: has no name of its own; choose another folder with -o")
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
        "preprocessing": {name: asdict(ops) for name, ops in source.preprocessing.items()},
        "placement": placed(network, source.period, totals.neuron_spikes, totals.samples * source.period),
    }
    with atomic_folder(folder) as temporary:
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


def read_run(folder: StrPath) -> Run:
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

    folder = as_path(folder)
    if not folder.is_dir():
        raise InputError(f"run {folder}: no such folder")
    if not (folder / RESULT).is_file():
        raise InputError(f"run {folder}: is no run folder, it has no {RESULT}")
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
        trains = tuple(_unpacked(packed[f"layer{index}"][:EXAMPLES], size) for index, size in enumerate(sizes))
        check_record(record, counts, predictions, labels)
    except (OSError, SafetensorError, pa.ArrowException, InputError, *_MALFORMED) as error:
        raise InputError(f"run {folder}: is damaged: {one_line(error)}") from error
    return Run(folder.name, record, counts, predictions, labels, trains)


def _unpacked(packed: np.ndarray, size: int) -> np.ndarray:
    if packed.shape[2] != (size + 7) // 8:
        raise ValueError(f"{TRAINS} has a layer of another size than {size}")
    return np.unpackbits(packed, axis=2, count=size)


def _rows_of(column: pa.ChunkedArray) -> np.ndarray:
    """A column of lists of one length as (n, length) int64."""
    lists = column.combine_chunks()
    values = np.asarray(lists.flatten()).astype(np.int64)
    widths = np.asarray(lists.value_lengths())
    if not len(widths) or (widths != widths[0]).any():
        raise ValueError(f"{SAMPLES} has rows of different numbers of classes")
    return values.reshape(len(widths), widths[0])
