"""Draw the paper's figures from cells: F1 to F6 and F8 as SVG files, ours beside the paper's.

F1 validation loss, F2 and F3 accuracy and F4 MRR over windows, F5 input spikes of one text, F6 accuracy during
each training, F8 energy. The published panels at sentence level repeat the word level's data; these do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snnlp_lava.energy.estimates import MAC_PJ, SPIKE_PJ
from snnlp_lava.files import atomic_file
from snnlp_lava.paper.published import ANN, DATA, LEVELS, METHODS, SNN_BIN, WINDOWS, Row, key_of
from snnlp_lava.sweep.grid import Cell
from snnlp_lava.sweep.results import CellRecord, Results

_COLOURS = dict(zip(METHODS, ("#D55E00", "#009E73", "#0072B2", "#E69F00"), strict=True))  # Okabe and Ito's


_WINDOW_COLOURS = dict(zip(WINDOWS, ("#0072B2", "#56B4E9", "#009E73", "#E69F00"), strict=True))


_STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "snnlp-lava"}


_ByCell = Mapping[tuple[str, str, str, int | None], Results]
"""Index results by method, level, data and window."""


def write_figures(
    folder: Path, cells: Sequence[Cell], records: Mapping[str, CellRecord], rows: Sequence[Row]
) -> list[Path]:
    """Draw every figure that has results.

    Parameters
    ----------
    folder
        Output folder.
    cells, records
        The cells, and the results of the finished ones by name.
    rows
        From `snnlp_lava.paper.published.compare`.
    """
    results = {key_of(cell): records[cell.name].results for cell in cells if cell.name in records}
    names = [data for data in DATA if any(row.data == data and row.ours is not None for row in rows)]
    if not names:
        return []
    drawn = {"F1_validation_loss": _validation_loss(results, names)}
    for number, data, score in ((2, "imdb", "accuracy"), (3, "emotion", "accuracy"), (4, "emotion", "mrr")):
        if data in names:
            drawn[f"F{number}_{data}_{score}_by_window"] = _by_window(rows, data, score)
    drawn["F6_trainings"] = _trainings(results, names)
    drawn["F8_energy"] = _energy(rows, names)
    return [_save(figure, folder / f"{name}.svg") for name, figure in drawn.items()]


def write_raster(path: Path, spikes: np.ndarray) -> Path:
    """Draw F5: the input spikes (steps, channels) of one text."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        steps, lines = np.nonzero(spikes)
        axes.scatter(steps, lines, s=4, marker="|", color=_COLOURS["snn-rate"], linewidths=0.8)
        axes.set_xlabel("time step")
        axes.set_ylabel("input line")
        axes.set_xlim(-0.5, len(spikes) - 0.5)
    return _save(figure, path)


def _save(figure: Figure, path: Path) -> Path:
    with mpl.rc_context(_STYLE), atomic_file(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})
    return path


def _is_main(method: str, window: int | None) -> bool:
    """Return whether this window is the one the paper shows per method: 50, or the only one."""
    return method in (ANN, SNN_BIN) or window == 50


def _validation_loss(results: _ByCell, names: Sequence[str]) -> Figure:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.5 * len(names), 7), layout="constrained")
        for line, level in zip(figure.subplots(len(LEVELS), len(names), squeeze=False), LEVELS, strict=True):
            for axes, data in zip(line, names, strict=True):
                for (method, of_level, of_data, window), of_cell in results.items():
                    if (of_level, of_data) == (level, data) and _is_main(method, window):
                        loss = np.array([epoch.validation_loss for epoch in of_cell.history], dtype=float)
                        spread = np.ptp(loss) or 1.0
                        axes.plot((loss - loss.min()) / spread, color=_COLOURS[method], label=method)
                axes.set_title(f"{level} level, {data}", fontsize=9)
                axes.set_xlabel("epoch")
                axes.set_ylabel("validation loss, each from 0 to 1")
                if axes.lines:
                    axes.legend(frameon=False)
        return figure


def _by_window(rows: Sequence[Row], data: str, score: str) -> Figure:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 7), layout="constrained")
        for axes, level in zip(figure.subplots(len(LEVELS), 1), LEVELS, strict=True):
            here = [row for row in rows if (row.level, row.data) == (level, data)]
            methods = [method for method in METHODS if any(row.method == method for row in here)]
            for place, method in enumerate(methods):
                of_method = [row for row in here if row.method == method]
                width = 0.8 / len(of_method)
                for index, row in enumerate(of_method):
                    x = place + (index - (len(of_method) - 1) / 2) * width
                    colour = _WINDOW_COLOURS.get(row.window or 0, "#767676") if len(of_method) > 1 else "#767676"
                    if row.ours is not None:
                        axes.bar(x, row.ours[score] or 0, width * 0.9, color=colour)
                    axes.hlines(row.paper[score] or 0, x - width * 0.45, x + width * 0.45, color="black")
            axes.set_xticks(range(len(methods)), methods)
            axes.set_ylim(0.3, 1.0)
            axes.set_ylabel("accuracy" if score == "accuracy" else "MRR")
            axes.set_title(f"{level} level, {data}; black lines: the paper", fontsize=9)
        handles = [mpl.patches.Patch(color=colour, label=f"{steps} steps") for steps, colour in _WINDOW_COLOURS.items()]
        figure.legend(handles=handles, frameon=False, loc="outside lower center", ncols=len(handles))
        return figure


def _trainings(results: _ByCell, names: Sequence[str]) -> Figure:
    curves = (
        ("train_loss", "training loss"),
        ("validation_loss", "validation loss"),
        ("validation_accuracy", "accuracy"),
        ("validation_mrr", "MRR"),
    )
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.5 * len(curves), 2.6 * len(names) * len(LEVELS)), layout="constrained")
        places = [(level, data) for level in LEVELS for data in names]
        for line, (level, data) in zip(figure.subplots(len(places), len(curves)), places, strict=True):
            for axes, (name, title) in zip(line, curves, strict=True):
                _draw_course(axes, results, level, data, name)
                axes.set_title(f"{title}; {level} level, {data}", fontsize=8)
                axes.set_xlabel("epoch")
        return figure


def _draw_course(axes: Axes, results: _ByCell, level: str, data: str, name: str) -> None:
    for (method, of_level, of_data, window), of_cell in results.items():
        if (of_level, of_data) == (level, data):
            values = [getattr(epoch, name) for epoch in of_cell.history]  # None if a result file lacks it
            alpha = 1.0 if _is_main(method, window) else 0.35
            axes.plot(range(1, len(values) + 1), values, color=_COLOURS[method], alpha=alpha)


def _energy(rows: Sequence[Row], names: Sequence[str]) -> Figure:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(max(6.5, 5 * len(names)), 7), layout="constrained")
        panels = figure.subplots(2, len(names), squeeze=False)
        counts = (("operations", "inference"), ("training_operations", "training, a forward pass"))
        for line, (name, title) in zip(panels, counts, strict=True):
            for axes, data in zip(line, names, strict=True):
                _draw_energy(axes, [row for row in rows if row.data == data], name)
                axes.set_title(f"{title}, {data}", fontsize=9)
        figure.suptitle(
            f"nJ a text at 45 nm ({MAC_PJ} pJ a MAC, {SPIKE_PJ} pJ a spike or synop), 50 steps\n"
            "solid: ours, spikes counted as the paper does; hatched: ours, every synop; black: the paper's counts",
            fontsize=9,
        )
        return figure


def _draw_energy(axes: Axes, rows: Sequence[Row], name: str) -> None:
    shown = [row for row in rows if _is_main(row.method, row.window)]
    for place, row in enumerate(shown):
        price = (MAC_PJ if row.method == ANN else SPIKE_PJ) / 1e3
        if row.ours is not None:
            axes.bar(place, (row.ours[name] or 0) * price, 0.7, color=_COLOURS[row.method])
            if name == "operations" and row.ours["synops"]:
                axes.bar(
                    place, row.ours["synops"] * price, 0.7, facecolor="none", edgecolor=_COLOURS[row.method], hatch="//"
                )
        axes.hlines((row.paper[name] or 0) * price, place - 0.35, place + 0.35, color="black")
    axes.set_yscale("log")
    axes.set_xticks(range(len(shown)), [f"{row.method}\n{row.level}" for row in shown], fontsize=7)
    axes.set_ylabel("nJ")
