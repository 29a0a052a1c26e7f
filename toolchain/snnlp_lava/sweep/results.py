"""Read and write results of a sweep: a JSON record per cell, means over seeds, results.csv.

``results`` depends only on configuration, data and versions: two files of one cell, from any process or machine of
the same kind, have the same bytes there.
"""

from __future__ import annotations

import csv
import json
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, UnsetType

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.errors import InputError
from snnlp_lava.files import atomic_file
from snnlp_lava.records import Amount, Count, Finite, Fraction, Positive, Record, build, load_json
from snnlp_lava.sweep.grid import Cell
from snnlp_lava.train.methods.base import NeuronOptions
from snnlp_lava.train.methods.make import all_option_names

logger = logging.getLogger(__name__)

SUFFIX = ".json"
CSV = "results.csv"
COUNTS = ("spikes", "synops", "synops_nonzero", "neuron_updates", "wraps", "clips")
"""Counts of each layer, summed over the test texts, with a column in results.csv."""
_ALWAYS_SHOWN = ("method", "level", "window", "seed")


class CellConfig(Record, frozen=True):
    """The configuration of a cell, from `Cell.to_dict`."""

    name: str
    split_scheme: str
    limit: Positive | None
    train: dict[str, Any]


class DataIdentity(Record, frozen=True):
    """A cell's data by name and SHA-256, which must match for a result to be kept."""

    name: str
    sha256: str
    vectors: str | None
    words: str | None
    codes: str | None


class DataRecord(DataIdentity, frozen=True):
    """The data with the rows of each split and the embedding."""

    rows: dict[str, Positive]
    embedding: EmbeddingInfo


class Scores(Record, frozen=True):
    """Scores of one split."""

    accuracy: Fraction
    mrr: Fraction


class LayerResult(Record, frozen=True, omit_defaults=True):
    """Counts of the input or a layer, summed over the test texts."""

    name: str
    neurons: Count
    spikes: Count
    synops: Count
    synops_nonzero: Count
    neuron_updates: Count
    wraps: Count
    clips: Count
    active_updates: Count | None = None  # not counted before 0.1.0


class EmulatorResult(Scores, frozen=True):
    """The test split on the emulator."""

    window: Positive
    period: Positive
    paper_operations: Amount
    layers: Annotated[tuple[LayerResult, ...], Meta(min_length=1)]


class Epoch(Record, frozen=True, omit_defaults=True):
    """One epoch of the training; the loss is None if it diverged."""

    epoch: Positive
    validation_accuracy: Fraction
    train_loss: Finite | UnsetType | None = UNSET
    train_spikes: Finite | None = None
    validation_loss: Finite | UnsetType | None = UNSET
    validation_mrr: Fraction | None = None  # not recorded before 0.1.0


class Results(Record, frozen=True, omit_defaults=True):
    """Results of training and test: on the emulator for a spiking method, with MACs for an ANN."""

    sizes: tuple[Positive, ...]
    samples: Positive
    best_epoch: Positive
    history: Annotated[tuple[Epoch, ...], Meta(min_length=1)]
    validation: Scores
    test: Scores
    emulator: EmulatorResult | None = None
    macs: Count | None = None

    def __post_init__(self) -> None:
        if (self.emulator is None) == (self.macs is None):
            raise ValueError("must have either emulator or macs")

    @property
    def scores(self) -> Scores:
        """Accuracy and MRR on the test split; on the emulator for a spiking method."""
        return self.emulator or self.test

    def per_text(self, count: str) -> float | None:
        """Return one of `COUNTS` over all layers, per test text; None for a method without spikes."""
        if self.emulator is None:
            return None
        total: int = sum(getattr(layer, count) for layer in self.emulator.layers)
        return total / self.samples


class Host(Record, frozen=True):
    """The kind of machine that ran a cell, without names."""

    system: str
    machine: str
    cores: Positive | None
    device: str


class CellRecord(Record, frozen=True):
    """A result file."""

    FORMAT: ClassVar[int | None] = 1

    cell: CellConfig
    data: DataRecord
    results: Results
    versions: dict[str, str]
    date: str
    seconds: Amount
    host: Host


def canonical(value: Any) -> str:
    """Return the canonical JSON of a value: sorted keys, no spaces, shortest digits that restore each float.

    Raises
    ------
    ValueError
        If it contains NaN or infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_result(path: Path, record: CellRecord) -> None:
    """Write a result file atomically: a line for each key, its value in canonical form."""
    lines = ",\n".join(f'"{key}":{canonical(value)}' for key, value in record.to_dict().items())
    with atomic_file(path) as temporary:
        temporary.write_text(f"{{\n{lines}\n}}\n", "utf-8")


def finished_result(path: Path, cell: Cell, data: DataIdentity) -> CellRecord | None:
    """Read the result of a cell; None if its file is missing or damaged.

    Parameters
    ----------
    path
        The result file.
    cell
        The expected cell.
    data
        From `snnlp_lava.sweep.cell.data_identity`.

    Raises
    ------
    InputError
        If it has another configuration, other data, or another version's format.
    """
    if not path.exists():
        return None
    what = f"result {path}"
    try:
        document = load_json(path, what)
        found = document.get("format") if isinstance(document, dict) else None
        record = build(CellRecord, document, what) if found in (None, CellRecord.FORMAT) else None
    except InputError as error:
        logger.warning("%s; the file is damaged, the cell will be run again", error)
        return None
    if record is None:
        raise InputError(f"{what}: has format {found!r}; this version reads format {CellRecord.FORMAT}")
    if difference := _difference(record, cell, data):
        raise InputError(f"{what}: belongs to {difference}; choose another folder with -o")
    return record


def check_returned(document: Mapping[str, Any], cell: Cell, data: DataIdentity) -> CellRecord:
    """Check that a worker has returned a complete result of this cell, on this data.

    Raises
    ------
    InputError
        If not: the worker has another version of the program, or different files of the same names.
    """
    record = build(CellRecord, document, "its result")
    if difference := _difference(record, cell, data):
        raise InputError(f"its worker had {difference}")
    return record


def _difference(record: CellRecord, cell: Cell, data: DataIdentity) -> str | None:
    """Describe the first difference between a result and its cell."""
    found = _flat(record.cell.to_dict())
    for name, expected in _flat(cell.to_dict()).items():
        if found.get(name) != expected:
            return f"another configuration ({name} {found.get(name)!r}, here {expected!r})"
    for name, expected in data.to_dict().items():
        if (value := getattr(record.data, name)) != expected:
            return f"other data ({name} {str(value)[:16]}, here {str(expected)[:16]})"
    return None


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    return {**config, "train": None, **config["train"]}


@dataclass(frozen=True)
class Group:
    """Cells that differ only in their seed.

    Attributes
    ----------
    cell
        One of them.
    seeds
        Number of seeds.
    accuracy, mrr
        Means over seeds on the test split; on the emulator for a spiking method.
    spread
        Standard deviation of the accuracy, None for one seed.
    spikes, synops
        Means per text, including input spikes; None without spikes.
    """

    cell: Cell
    seeds: int
    accuracy: float
    spread: float | None
    mrr: float
    spikes: float | None
    synops: float | None


def groups(cells: Sequence[Cell], records: Mapping[str, CellRecord]) -> list[Group]:
    """Average finished cells over their seeds, in the cells' order.

    Parameters
    ----------
    cells
        All cells.
    records
        Results of the finished cells, by name.
    """
    together: dict[Cell, list[Cell]] = {}
    for cell in cells:
        if cell.name in records:
            together.setdefault(replace(cell, train=cell.train.replace(seed=0)), []).append(cell)
    return [_group([records[cell.name].results for cell in same], same[0]) for same in together.values()]


def _group(results: Sequence[Results], cell: Cell) -> Group:
    accuracies = [result.scores.accuracy for result in results]

    def mean(count: str) -> float | None:
        values = [value for result in results if (value := result.per_text(count)) is not None]
        return statistics.fmean(values) if values else None

    return Group(
        cell=cell,
        seeds=len(results),
        accuracy=statistics.fmean(accuracies),
        spread=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        mrr=statistics.fmean(result.scores.mrr for result in results),
        spikes=mean("spikes"),
        synops=mean("synops"),
    )


def varying_fields(cells: Sequence[Cell]) -> list[str]:
    """Return the fields in which cells of one method differ, except those shown in every table."""
    values: dict[tuple[str, type], set[Any]] = {}
    for cell in cells:
        for name, value in cell.train.options().items():
            values.setdefault((name, type(cell.train)), set()).add(value)
    several = {name for (name, _), found in values.items() if len(found) > 1}
    return [name for name in all_option_names() if name in several and name not in _ALWAYS_SHOWN]


def format_value(value: Any) -> str:
    """Format a configuration value."""
    if isinstance(value, Record):
        changed = dict(value.to_dict().items() - type(value)().to_dict().items())
        return " ".join(f"{name} {changed[name]}" for name in sorted(changed)) or "default"
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def write_csv(folder: Path, cells: Sequence[Cell], records: Mapping[str, CellRecord]) -> Path:
    """Write a row for each finished cell: configuration, scores, and counts per text.

    Returns
    -------
    Path
        The file, ``results.csv`` in the folder.
    """
    rows = [_row(cell, records[cell.name]) for cell in cells if cell.name in records]
    with atomic_file(folder / CSV) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder / CSV


def _row(cell: Cell, record: CellRecord) -> dict[str, Any]:
    results, options = record.results, cell.train.options()
    configuration: dict[str, Any] = {"method": cell.train.name}
    for name in all_option_names():
        value = options.get(name)
        if name == "neuron":
            neuron = value.to_dict() if value else dict.fromkeys(NeuronOptions.__struct_fields__)
            configuration |= {f"neuron_{key}": number for key, number in neuron.items()}
        else:
            configuration[name] = format_value(value) if isinstance(value, tuple) else value
    configuration["level"] = cell.train.unit
    return {
        "name": cell.name,
        "data": cell.source.name,
        "split_scheme": cell.source.split_scheme,
        "limit": cell.source.limit,
        **configuration,
        "best_epoch": results.best_epoch,
        "validation_accuracy": results.validation.accuracy,
        "validation_mrr": results.validation.mrr,
        "test_accuracy": results.scores.accuracy,
        "test_mrr": results.scores.mrr,
        **{count: results.per_text(count) for count in COUNTS},
        "macs": results.macs,
        "seconds": record.seconds,
    }
