"""Result files: one JSON document a cell, complete in itself.

``format``, ``cell`` (the configuration), ``data`` (name, hashes, rows, embedding), ``results``, ``versions``, ``date``,
``seconds`` and ``host``. ``results`` holds what configuration, data and versions determine and nothing else: two
files of one cell, from whatever process or machine of the same kind, have the same bytes there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.files import read_json, replacing_file
from snnlp_lava.sweep.grid import Cell

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
    with replacing_file(path) as temporary:
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
