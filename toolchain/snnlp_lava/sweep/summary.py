"""The results of a sweep as rows: a table over seeds for people, a CSV file with every cell."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from snnlp_lava.files import replacing_file
from snnlp_lava.sweep.grid import Cell
from snnlp_lava.sweep.result import COUNTS
from snnlp_lava.train.config import FIELDS, NeuronConfig, used_fields

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
    with replacing_file(folder / CSV) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
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
