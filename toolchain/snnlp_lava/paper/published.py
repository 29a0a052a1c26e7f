"""List the cells of the SNNLP paper's grid (arXiv 2401.17911), and compare its published results with ours."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from statistics import fmean
from typing import Any

from snnlp_lava.energy.estimates import MAC_PJ, SPIKE_PJ, energy_ratio
from snnlp_lava.errors import InputError
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import CellRecord, Results
from snnlp_lava.train.methods.make import make_method

DATA = ("imdb", "emotion")
METHODS = ANN, SNN_RATE, SNN_RATE_RAND, SNN_BIN = ("ann", "snn-rate", "snn-rate-rand", "snn-bin")
"""The paper's methods, in the order of its tables."""
LEVELS = SENTENCE, WORD = ("sentence", "word")


WINDOWS = (100, 50, 25, 10)


_TOKENS = {"imdb": 512, "emotion": 32}  # most that SNN-bin reads (main.py)


_QUICK_ROWS, _QUICK_EPOCHS, _QUICK_WINDOWS = 2000, 8, (50, 10)


@dataclass(frozen=True)
class Row:
    """One published result, and ours if its cell is done.

    Attributes
    ----------
    method, level, data, window
        The cell; the window is None for the ANN.
    paper
        Columns of paper.csv as numbers, None if the paper has none.
    ours
        ``accuracy``, ``mrr``, ``operations`` (MACs, or spikes as the paper counts them), ``training_operations``,
        ``synops``, ``input_spikes``; None if the cell is not done or has no such count.
    """

    method: str
    level: str
    data: str
    window: int | None
    paper: Mapping[str, float | None]
    ours: Mapping[str, float | None] | None


def paper_cells(
    folder: Path | None,
    names: Sequence[str],
    *,
    quick: bool,
    seed: int,
    words: Path | None = None,
    codes: Path | None = None,
) -> list[Cell]:
    """Return the paper's 38 cells with our training options.

    Parameters
    ----------
    folder
        Folder with imdb.parquet and emotion.parquet, and optionally vectors of all-MiniLM-L6-v2
        (emotion-all-MiniLM-L6-v2.npy); None uses the data on the Hugging Face hub.
    names
        Some of `DATA`.
    quick
        Whether to take a part of the grid: two windows, 2,000 rows of each split, few epochs.
    seed
        Seed of every cell.
    words, codes
        Files of word vectors and word codes (the paper's: glove.6B.200d.txt and glove-64bit.txt); distilled and
        learned by default.

    Raises
    ------
    InputError
        If a data file is missing.
    """
    cells = []
    for data in names:
        sentence, word = _sources(folder, data, _QUICK_ROWS if quick else None)
        word = replace(word, words=_absolute(words), codes=_absolute(codes))
        epochs: dict[str, Any] = {"epochs": _QUICK_EPOCHS} if quick else {}
        for level, source in ((SENTENCE, sentence), (WORD, word)):
            cells.append(Cell(source, make_method(ANN, level=level, seed=seed, **epochs)))
            cells += [
                Cell(source, make_method(method, level=level, window=window, seed=seed, **epochs))
                for method in (SNN_RATE, SNN_RATE_RAND)
                for window in (_QUICK_WINDOWS if quick else WINDOWS)
            ]
        binary = make_method(SNN_BIN, window=_TOKENS[data] + 1, seed=seed, **epochs)
        cells.append(Cell(word, binary))
    return cells


def _absolute(path: Path | None) -> str | None:
    if path is not None and not path.is_file():
        raise InputError(f"{path}: no such file")
    return str(path.resolve()) if path is not None else None


def _sources(folder: Path | None, data: str, limit: int | None) -> tuple[Source, Source]:
    if folder is None:
        plain = Source(data=data, split_scheme="paper", limit=limit)
        return plain, plain
    path, vectors = folder / f"{data}.parquet", folder / f"{data}-all-MiniLM-L6-v2.npy"
    if not path.is_file():
        raise InputError(f"data {path}: no such file; --data-dir needs imdb.parquet and emotion.parquet")
    place = str(path.resolve())
    sentence = str(vectors.resolve()) if vectors.is_file() else None
    return (
        Source(data=place, vectors=sentence, split_scheme="paper", limit=limit),
        Source(data=place, split_scheme="paper", limit=limit),
    )


def compare(cells: Sequence[Cell], records: Mapping[str, CellRecord]) -> list[Row]:
    """Return every published result, in the paper's order, with ours.

    Parameters
    ----------
    cells
        From `paper_cells`.
    records
        Results of the finished cells, by name.
    """
    done = {key_of(cell): records[cell.name].results for cell in cells if cell.name in records}
    rows = []
    with (resources.files("snnlp_lava.paper") / "paper.csv").open("r", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            window = int(line["window"]) if line["window"] else None
            key = (line["method"], line["level"], line["data"], window)
            numbers = {name: float(text) if text else None for name, text in list(line.items())[4:]}
            rows.append(Row(*key, paper=numbers, ours=_ours(done[key]) if key in done else None))
    return rows


def key_of(cell: Cell) -> tuple[str, str, str, int | None]:
    """Return method, level, data and window of a cell; None as window of the ANN."""
    train = cell.train
    return train.name, train.unit, cell.source.name, train.options().get("window")


def _ours(results: Results) -> dict[str, float | None]:
    emulator, macs = results.emulator, results.macs
    spikes = [epoch.train_spikes for epoch in results.history]
    return {
        "accuracy": results.scores.accuracy,
        "mrr": results.scores.mrr,
        "operations": emulator.paper_operations if emulator else macs,
        "training_operations": _mean(spikes) if emulator else macs,
        "synops": results.per_text("synops"),
        "input_spikes": emulator.layers[0].spikes / results.samples if emulator else None,
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if there are no values or one is missing."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, recomputed.

    Attributes
    ----------
    text
        The claim.
    paper, ours
        Its value from the paper's numbers, and from ours; None if rows are missing.
    unit
        Unit of both.
    note
        How it is computed.
    """

    text: str
    paper: float | None
    ours: float | None
    unit: str
    note: str


def claims(rows: Sequence[Row]) -> list[Claim]:
    """Recompute the paper's claims, with its own counting and with every synop counted."""
    pair = f"{MAC_PJ} pJ a MAC, {SPIKE_PJ} pJ"

    def both(value: Any) -> tuple[float | None, float | None]:
        return value(rows, "paper"), value(rows, "ours")

    return [
        Claim(
            "deterministic rates are some 13 points more accurate than random ones",
            *both(_advantage),
            "points",
            "SNN-rate minus SNN-rate-rand at 50 steps, mean over data and levels",
        ),
        Claim(
            "32 times less energy in inference",
            *both(lambda rows, side: _energy_ratio(rows, side, "operations")),
            "times",
            f"ANN over SNN-rate at 50 steps, spikes counted as operations; {pair} a spike; mean over data and levels",
        ),
        Claim(
            "60 times less energy in training",
            *both(lambda rows, side: _energy_ratio(rows, side, "training_operations")),
            "times",
            "the same with the forward passes of training, mean over its epochs",
        ),
        Claim(
            "the same with every synop counted",
            *both(lambda rows, side: _energy_ratio(rows, side, "synops")),
            "times",
            f"ANN over SNN-rate at 50 steps; {pair} a synop; below 1 the ANN needs less",
        ),
        Claim(
            "3.7 times less latency at 25 steps, at little loss",
            *both(lambda rows, side: _shorter(rows, side, 25)),
            "times",
            "spikes counted as operations, 100 over 25 steps, SNN-rate at word level, mean over data",
        ),
        Claim(
            "7 times less at 10 steps",
            *both(lambda rows, side: _shorter(rows, side, 10)),
            "times",
            "the same, 100 over 10 steps",
        ),
    ]


def _found(rows: Sequence[Row], side: str, name: str, method: str, window: int | None) -> dict[tuple[str, str], float]:
    found = {}
    for row in rows:
        numbers = getattr(row, side)
        if (row.method, row.window) == (method, window) and numbers is not None:
            value = paper_synops(row) if name == "synops" and side == "paper" else numbers[name]
            if value is not None:
                found[row.level, row.data] = value
    return found


def paper_synops(row: Row) -> float | None:
    """Return the paper's spikes times their synapses: 256, 128 and the classes."""
    spikes = [row.paper[name] for name in ("input_spikes", "hidden1_spikes", "hidden2_spikes")]
    fan_out = (256, 128, 2 if row.data == "imdb" else 6)
    if None in spikes:
        return None
    return sum(count * synapses for count, synapses in zip(spikes, fan_out, strict=True) if count is not None)


def _advantage(rows: Sequence[Row], side: str) -> float | None:
    saf, chance = (_found(rows, side, "accuracy", method, 50) for method in (SNN_RATE, SNN_RATE_RAND))
    return _mean([100 * (saf[key] - chance[key]) for key in saf]) if saf.keys() == chance.keys() else None


def _energy_ratio(rows: Sequence[Row], side: str, name: str) -> float | None:
    macs, counts = _found(rows, side, "operations", ANN, None), _found(rows, side, name, SNN_RATE, 50)
    if not counts.keys() <= macs.keys():
        return None
    return _mean([energy_ratio(macs[key], counts[key]) for key in counts])


def _shorter(rows: Sequence[Row], side: str, window: int) -> float | None:
    long, short = (_found(rows, side, "operations", SNN_RATE, steps) for steps in (100, window))
    return _mean([long[key] / short[key] if short[key] else None for key in long if key[0] == WORD and key in short])
