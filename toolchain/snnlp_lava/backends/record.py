"""The run folder: result.json, samples.parquet and the spike trains of a few texts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.backends.result import COUNTERS, RunResult
from snnlp_lava.chip.network import Network
from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import read_json, replacing_folder, write_json
from snnlp_lava.metrics import ranks
from snnlp_lava.netx.card import Card, check_training
from snnlp_lava.versions import versions

if TYPE_CHECKING:
    import pyarrow as pa

RESULT, SAMPLES, TRAINS = "result.json", "samples.parquet", "trains.safetensors"
FORMAT = 3
_MALFORMED = (LookupError, AttributeError, ValueError, TypeError)  # what a document of another shape raises
_COUNTS = ("spikes", "synops", "synops_nonzero", "neuron_updates", "wraps", "clips")
_STEPS, _SECONDS, _COUNTED_BY, _METERED = "steps", "seconds", "counted_by", "metered"  # in a table's metadata
_FIRST = "input_first_spikes"  # spikes of the first step, which the paper does not count
_READ = ("output_counts", "prediction", "label")
EXAMPLES = 4
"""Samples whose texts a run folder keeps, and whose spike trains it keeps by default."""


def class_scores(result: RunResult, card: Card | None) -> np.ndarray:
    """(n, classes) scores that rank the classes; for a reference network counts alone, ties to the lower class."""
    reference = card is not None and card.training.get("config", {}).get("reference", False)
    return result.output_counts if reference else result.output_scores


def sample_table(result: RunResult, scores: np.ndarray, rows: np.ndarray, labels: np.ndarray | None) -> pa.Table:
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
    """
    import pyarrow as pa

    columns: dict[str, Any] = {"row": rows}
    if labels is not None:
        columns |= {"label": labels, "rank": ranks(scores, labels)}
    columns |= {"prediction": scores.argmax(axis=1), "output_counts": list(result.output_counts)}
    columns[_FIRST] = result.first_spikes
    for tally in result.layers:
        for count in _COUNTS:
            columns[f"{tally.name}_{count}"] = getattr(tally, count)
    about = {_STEPS: str(result.steps), _SECONDS: repr(result.seconds)}
    if result.metered is not None:
        about[_METERED] = json.dumps({**result.metered, "samples": result.samples})
    if result.counted_by:
        about[_COUNTED_BY] = json.dumps(result.counted_by)
    return pa.table(columns).replace_schema_metadata(about)


class Totals:
    """Sums over the tables of a run.

    Attributes
    ----------
    samples, steps, seconds
        Number of samples, steps in all, time.
    layers
        Name, neurons and summed counts of the input and each layer.
    counted_by
        Which layer's spikes were counted where, where that is not the backend alone.
    metered
        What a board's meter said of the samples that were metered.
    """

    def __init__(self, network: Network) -> None:
        names = network.layer_names
        self.samples = self.steps = self._first = 0
        self.seconds = 0.0
        self.layers: list[dict[str, Any]] = [
            {"name": name, "neurons": size, **dict.fromkeys(_COUNTS, 0)}
            for name, size in zip(names, network.sizes, strict=True)
        ]
        self.counted_by: dict[str, Any] = {}
        self.metered: dict[str, Any] = {}
        self._ranks: np.ndarray | None = None
        self._classes = network.outputs

    def add(self, table: pa.Table) -> None:
        """Add the samples of a table."""
        about = table.schema.metadata
        self.samples += len(table)
        self.steps += int(about[_STEPS.encode()])
        self.seconds += float(about[_SECONDS.encode()])
        self._first += int(table[_FIRST].to_numpy().sum())
        for layer in self.layers:
            for count in _COUNTS:
                layer[count] += int(table[f"{layer['name']}_{count}"].to_numpy().sum())
        if _COUNTED_BY.encode() in about:
            counters = json.loads(about[_COUNTED_BY.encode()])
            names = (layer["name"] for layer in self.layers)
            self.counted_by = {"counted_by": dict(zip(names, counters, strict=True))}
        if _METERED.encode() in about:
            found = json.loads(about[_METERED.encode()])
            self.metered = {"metered": _joined(self.metered["metered"], found) if self.metered else found}
        if "rank" in table.column_names:
            counted = np.bincount(table["rank"].to_numpy(), minlength=self._classes + 1)
            self._ranks = counted if self._ranks is None else self._ranks + counted

    @property
    def scores(self) -> dict[str, float | None]:
        """Accuracy, and mean reciprocal rank of the true class; None without labels."""
        if self._ranks is None:
            return {"accuracy": None, "mrr": None}
        reciprocal = self._ranks[1:] / np.arange(1, len(self._ranks))
        return {"accuracy": float(self._ranks[1] / self.samples), "mrr": float(reciprocal.sum() / self.samples)}

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
        "window": window,
        "period": period,
        "steps": totals.steps,
        "input_spikes": layers[0]["spikes"],
        "layers": layers,
        **totals.counted_by,
        **totals.metered,
        "synops_per_sample": sum(layer["synops"] for layer in layers) / totals.samples,
        "paper_operations": totals.paper_operations,
        "wraps": sum(layer["wraps"] for layer in layers),
        "clips": sum(layer["clips"] for layer in layers),
        "label_names": list(card.label_names if card else map(str, range(layers[-1]["neurons"]))),
        "seconds": round(totals.seconds, 3),
        "versions": versions(),
    }


@dataclass(frozen=True)
class Source:
    """What a run was made on.

    Attributes
    ----------
    network
        Name of the network file.
    sha256
        Its hash.
    data, part, limit
        Name of the data, part and limit; None for texts from the command line.
    job
        All that determines the run, as it is compared when a run is gone on with.
    texts
        The first EXAMPLES texts, none where spikes were given.
    presented
        Of each of these texts the steps that present a word, and the word (see `snnlp_lava.encode.encoder`).
    """

    network: str
    sha256: str
    data: str | None
    part: str | None
    limit: int | None
    job: Mapping[str, Any]
    texts: Sequence[str]
    presented: Sequence[Sequence[tuple[int, str]]]


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
    document: Mapping[str, Any],
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
    document
        From `result_document`.
    tables
        From `sample_table`, all samples in their order.
    trains
        Packed trains of the first samples, of the input and every layer.
    network, card
        What was run.
    source
        On what.

    Raises
    ------
    InputError
        If the folder cannot be written, or stands for something else than a run.
    """
    from safetensors.numpy import save_file

    check_run_folder(folder)
    record = {
        "format": FORMAT,
        **document,
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
    }
    with replacing_folder(folder) as temporary:
        _write_tables(temporary / SAMPLES, tables)
        save_file(
            {f"layer{index}": np.ascontiguousarray(train) for index, train in enumerate(trains)}, temporary / TRAINS
        )
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
        counts = np.stack(table.column("output_counts").to_numpy(zero_copy_only=False)).astype(np.int64)
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
        if layer["neurons"] != size or min(layer[count] for count in _COUNTS) < 0 or not isinstance(layer["name"], str):
            raise ValueError(f"{RESULT} has a layer {layer['name']!r} that does not fit the network")
    for text in (record["backend"], record["network"]["file"], *record["examples"]):
        if not isinstance(text, str):
            raise TypeError(f"{RESULT} holds {str(text)[:40]!r} where a text should stand")
    _check_presented(record)
    _check_measured(record)
    if (record["accuracy"] is None) != (labels is None) or min(record["window"], record["period"], record["steps"]) < 1:
        raise ValueError(f"{RESULT} contradicts {SAMPLES}")
    card = record["network"]["card"]
    if card is not None and (training := card["training"]):
        check_training(training)


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
