"""Write the output of `snnlp-lava reproduce`: table, claims and figures of the paper with ours beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.files import atomic_file
from snnlp_lava.paper.figures import write_figures, write_raster
from snnlp_lava.paper.published import SNN_RATE, WORD, Claim, Row, claims, compare
from snnlp_lava.sweep.cell import prepare_cell
from snnlp_lava.sweep.grid import Cell
from snnlp_lava.sweep.results import CellRecord
from snnlp_lava.text.dataset import TRAIN
from snnlp_lava.train.methods.snn import SpikingLayers

TABLE, FIGURES = "table.md", "figures"
_CLOSE = 0.01  # points; two standard errors of a difference are 0.9 on imdb, 1.7 on emotion


def write_reproduction(folder: Path, cells: Sequence[Cell], records: Mapping[str, CellRecord]) -> str:
    """Write table.md and figures/.

    Parameters
    ----------
    folder
        Output folder.
    cells, records
        The cells, and the results of the finished ones by name.

    Returns
    -------
    str
        The contents of table.md.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    rows = [row for row in compare(cells, records) if row.ours is not None]
    text = f"{results_table(rows)}\n\n{claims_table(claims(rows))}\n\n{order_table(rows)}\n"
    with atomic_file(folder / TABLE) as temporary:
        temporary.write_text(text, "utf-8")
    write_figures(folder / FIGURES, cells, records, rows)
    return text


def write_input_raster(folder: Path, cells: Sequence[Cell]) -> Path:
    """Draw F5, the input spikes of the first training text, with the data of the first snn-rate cell on words.

    Raises
    ------
    InputError
        If the data cannot be used or the file cannot be written.
    """
    cell = next(cell for cell in cells if (cell.train.name, cell.train.unit) == (SNN_RATE, WORD))
    assert isinstance(cell.train, SpikingLayers)
    data = prepare_cell(cell)
    samples = EncodedSamples(data.features[TRAIN], cell.train.fit_encoder(data), cell.train.window)
    return write_raster(folder / FIGURES / "F5_input_spikes.svg", samples.spikes(np.arange(1))[0])


def results_table(rows: Sequence[Row]) -> str:
    """Format every cell in Markdown: ours, then the paper's."""
    lines = [
        "| method | level | data | steps | accuracy | paper | MRR | paper | input spikes | paper | operations | paper "
        "| synops |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ours: Mapping[str, float | None] = row.ours or {}
        pairs = [
            (_share(ours.get(name)) if name == "accuracy" else _plain(ours.get(name), digits))
            + " | "
            + (_share(row.paper[name]) if name == "accuracy" else _plain(row.paper[name], digits))
            for name, digits in (("accuracy", 1), ("mrr", 3), ("input_spikes", 0), ("operations", 0))
        ]
        steps = "" if row.window is None else str(row.window)
        cells = [row.method, row.level, row.data, steps, *pairs, _plain(ours.get("synops"), 0)]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append(
        "\nOperations as the paper counts them: MACs for the ANN, else spikes, each once. Synops: every spike times"
    )
    lines.append("the synapses it arrives at. All for one test text.")
    return "\n".join(lines)


def claims_table(found: Sequence[Claim]) -> str:
    """Format the claims in Markdown."""
    lines = ["| claim | from the paper's numbers | from ours | computed as |", "|---|---:|---:|---|"]
    lines += [
        f"| {claim.text}, {claim.unit} | {_plain(claim.paper, 2)} | {_plain(claim.ours, 2)} | {claim.note} |"
        for claim in found
    ]
    return "\n".join(lines)


def order_table(rows: Sequence[Row]) -> str:
    """Rank methods by accuracy at 50 steps, ours and the paper's, for each level and data; ≈ joins close ones."""
    lines = ["| level | data | order of methods, ours | the paper's |", "|---|---|---|---|"]
    for level, data in dict.fromkeys((row.level, row.data) for row in rows):
        here = [row for row in rows if (row.level, row.data) == (level, data) and row.window in (None, 50, 33, 513)]
        if len(here) < 2:
            continue
        orders = []
        for side in ("ours", "paper"):
            found = [(getattr(row, side)["accuracy"] or 0.0, row.method) for row in here]
            ranked = sorted(found, key=lambda pair: -pair[0])
            signs = [" > " if before - after >= _CLOSE else " ≈ " for (before, _), (after, _) in pairwise(ranked)]
            orders.append("".join(method + sign for (_, method), sign in zip(ranked, [*signs, ""], strict=True)))
        lines.append(f"| {level} | {data} | {orders[0]} | {orders[1]} |")
    lines.append("\n≈: less than a point apart, which one training of each cannot tell from nothing.")
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _plain(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
