"""Result files: one JSON document a cell, complete in itself.

``format``, ``cell`` (the configuration), ``data`` (name, hashes, rows, embedding), ``results``, ``versions``, ``date``,
``seconds`` and ``host``. ``results`` holds what configuration, data and versions determine and nothing else: two
files of one cell, from whatever process or machine of the same kind, have the same bytes there.
"""

from __future__ import annotations

import csv
import json
import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.files import atomic_file, read_json
from snnlp_lava.sweep.grid import Cell
from snnlp_lava.train.methods.base import FIELDS, NeuronConfig, used_fields

logger = logging.getLogger(__name__)


FORMAT = 1


SUFFIX = ".json"


COUNTS = ("spikes", "synops", "synops_nonzero", "neuron_updates", "wraps", "clips")
"""What is counted of each layer, summed over the test texts."""


_KEYS = ("format", "cell", "data", "results", "versions", "date", "seconds", "host")


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, the shortest digits that give each float back.

    Raises
    ------
    ValueError
        If it holds NaN or infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def write_result(path: Path, document: Mapping[str, Any]) -> None:
    """Write a result file, whole or not at all: a line for each key, its value in canonical form."""
    lines = ",\n".join(f'"{key}":{canonical(document[key])}' for key in _KEYS)
    with atomic_file(path) as temporary:
        temporary.write_text(f"{{\n{lines}\n}}\n", "utf-8")


def finished_result(path: Path, cell: Cell, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The result of a cell if it is there and readable; a damaged file counts as absent.

    Parameters
    ----------
    path
        The result file.
    cell
        What it must be the result of.
    data
        The data's identity, from `snnlp_lava.sweep.cell.identify`.

    Raises
    ------
    InputError
        If it is the result of another configuration, of other data, or of another version's format.
    """
    if not path.exists():
        return None
    try:
        document = read_json(path)
        if document.get("format") == FORMAT:
            check_result(document)
    except InputError as error:
        logger.warning("result %s is damaged, its cell is run anew: %s", path, error)
        return None
    if document.get("format") != FORMAT:
        raise InputError(f"result {path}: has format {document.get('format')!r}; this version reads format {FORMAT}")
    if difference := _difference(document, cell, data):
        raise InputError(f"result {path}: belongs to {difference}; choose another folder with -o")
    return document


def check_result(document: Mapping[str, Any]) -> None:
    """Make sure that a document has all that is read of it.

    Raises
    ------
    InputError
        If something is missing, of the wrong type or out of range.
    """
    try:
        if set(document) != set(_KEYS) or document["format"] != FORMAT:
            raise ValueError(f"its keys are {', '.join(map(str, document))}")
        for key in ("cell", "data", "versions", "host"):
            _is(document[key], dict)
        _is(document["date"], str)
        _number(document["seconds"], 0, 1e12)
        _check_results(document["results"])
    except KeyError as error:
        raise InputError(f"it lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"it is malformed: {error}") from error


def _check_results(results: Mapping[str, Any]) -> None:
    _number(results["samples"], 1, 1 << 40)
    _number(results["best_epoch"], 1, 1 << 40)
    if not _is(results["history"], list):
        raise ValueError("it has no epochs")
    for row in results["history"]:
        for value in row.values():
            if value is not None:  # as the losses of a training that diverged
                _number(value, -1e300, 1e300)
    scored = [results["validation"], results["test"]]
    if "emulator" in results:
        scored.append(results["emulator"])
        _number(results["emulator"].get("paper_operations", 0), 0, 1 << 62)
        if not _is(results["emulator"]["layers"], list):
            raise ValueError("it has no layers")
        for layer in results["emulator"]["layers"]:
            _is(layer["name"], str)
            for count in COUNTS:
                _number(layer[count], 0, 1 << 62)
    else:
        _number(results["macs"], 0, 1 << 62)
    for scores in scored:
        for score in ("accuracy", "mrr"):
            _number(scores[score], 0, 1)


def check_belongs(document: Mapping[str, Any], cell: Cell, data: Mapping[str, Any]) -> None:
    """Make sure that a worker has returned a complete result of this cell, on this data.

    Raises
    ------
    InputError
        If not: the worker has another version of the program, or other files under the same names.
    """
    check_result(document)
    if difference := _difference(document, cell, data):
        raise InputError(f"its worker had {difference}")


def _difference(document: Mapping[str, Any], cell: Cell, data: Mapping[str, Any]) -> str | None:
    """In what a result is not the cell's: the first such thing, in words."""
    for name, expected in _flat(cell.record()).items():
        if (found := _flat(document["cell"]).get(name)) != expected:
            return f"another configuration ({name} {found!r}, here {expected!r})"
    for name, expected in data.items():
        if (found := document["data"].get(name)) != expected:
            return f"other data ({name} {str(found)[:16]}, here {str(expected)[:16]})"
    return None


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    train = record.get("train")
    return {**record, "train": None, **train} if isinstance(train, dict) else dict(record)


def _is(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{str(value)[:40]!r} is {type(value).__name__}")
    return value


def _number(value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{str(value)[:40]!r} is no number from {low} to {high}")


CSV = "results.csv"


_ALWAYS_SHOWN = ("method", "level", "window", "seed")


@dataclass(frozen=True)
class Group:
    """Cells that differ in their seed alone.

    Attributes
    ----------
    cell
        One of them.
    seeds
        How many.
    accuracy, mrr
        Means over the test part: on the emulator where the method spikes.
    spread
        Standard deviation of the accuracy, None for one seed.
    spikes, synops
        Means for one text, the input's spikes included; None without spikes.
    """

    cell: Cell
    seeds: int
    accuracy: float
    spread: float | None
    mrr: float
    spikes: float | None
    synops: float | None


def groups(cells: Sequence[Cell], documents: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    """Finished cells over their seeds, in the cells' order.

    Parameters
    ----------
    cells
        All cells.
    documents
        Results of the finished ones, by name.
    """
    together: dict[Cell, list[Cell]] = {}
    for cell in cells:
        if cell.name in documents:
            together.setdefault(replace(cell, train=replace(cell.train, seed=0)), []).append(cell)
    return [_group([documents[cell.name]["results"] for cell in same], same[0]) for same in together.values()]


def _group(results: Sequence[Mapping[str, Any]], cell: Cell) -> Group:
    scores = [test_scores(result) for result in results]
    accuracies = [score["accuracy"] for score in scores]

    def mean(values: Sequence[Any]) -> float | None:
        return statistics.fmean(values) if None not in values else None

    return Group(
        cell=cell,
        seeds=len(results),
        accuracy=statistics.fmean(accuracies),
        spread=statistics.stdev(accuracies) if len(accuracies) > 1 else None,
        mrr=statistics.fmean(score["mrr"] for score in scores),
        spikes=mean([per_text(result, "spikes") for result in results]),
        synops=mean([per_text(result, "synops") for result in results]),
    )


def test_scores(results: Mapping[str, Any]) -> Mapping[str, float]:
    """Accuracy and MRR on the test part: on the emulator where the method spikes."""
    scores: Mapping[str, float] = results.get("emulator", results["test"])
    return scores


def per_text(results: Mapping[str, Any], count: str) -> float | None:
    """One of `COUNTS` over all layers, for one test text; None for a method without spikes."""
    if "emulator" not in results:
        return None
    return sum(layer[count] for layer in results["emulator"]["layers"]) / results["samples"]


def varying_fields(cells: Sequence[Cell]) -> list[str]:
    """Fields in which cells of one method differ, but for those that every table shows."""
    values: dict[tuple[str, str], set[Any]] = {}
    for cell in cells:
        for name in used_fields(cell.train.method):
            values.setdefault((name, cell.train.method), set()).add(getattr(cell.train, name))
    several = {name for (name, _), found in values.items() if len(found) > 1}
    return [name for name in FIELDS if name in several and name not in _ALWAYS_SHOWN]


def shown(value: Any) -> str:
    """A field of a configuration as people write it."""
    if isinstance(value, NeuronConfig):
        changed = dict(asdict(value).items() - asdict(NeuronConfig()).items())
        return " ".join(f"{name} {changed[name]}" for name in sorted(changed)) or "default"
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def write_csv(folder: Path, cells: Sequence[Cell], documents: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write one row for each finished cell: its configuration, scores, and counts for one text.

    Returns
    -------
    Path
        The file, ``results.csv`` in the folder.
    """
    rows = [_row(cell, documents[cell.name]) for cell in cells if cell.name in documents]
    with atomic_file(folder / CSV) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return folder / CSV


def _row(cell: Cell, document: Mapping[str, Any]) -> dict[str, Any]:
    results, used = document["results"], used_fields(cell.train.method)
    configuration: dict[str, Any] = {}
    for name in FIELDS:
        value = getattr(cell.train, name)
        columns = {name: shown(value) if isinstance(value, tuple) else value}
        if isinstance(value, NeuronConfig):
            columns = {f"neuron_{key}": number for key, number in asdict(value).items()}
        configuration |= columns if name in used else dict.fromkeys(columns)
    test = test_scores(results)
    return {
        "name": cell.name,
        "data": cell.source.name,
        "split_scheme": cell.source.split_scheme,
        "limit": cell.source.limit,
        **configuration,
        "best_epoch": results["best_epoch"],
        "validation_accuracy": results["validation"]["accuracy"],
        "validation_mrr": results["validation"]["mrr"],
        "test_accuracy": test["accuracy"],
        "test_mrr": test["mrr"],
        **{count: per_text(results, count) for count in COUNTS},
        "macs": results.get("macs"),
        "seconds": document["seconds"],
    }
