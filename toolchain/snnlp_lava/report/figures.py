"""Draw the report's figures as inline SVG, in the page's text colour."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from snnlp_lava.report.plots import (
    BLUE,
    COLOURS,
    GREY,
    MOST_NAMED,
    ORANGE,
    Point,
    draw_frontier,
    draw_membrane,
    draw_spikes,
    reach,
)
from snnlp_lava.report.tables import joules_text, plain_text

_SLOT = "#12af34"  # placeholder for the page's text colour, light or dark
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "snnlp-lava",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _SLOT),
}


def accuracy_bars(
    titles: Sequence[str], accuracies: Sequence[float], intervals: Sequence[tuple[float, float]], chance: float
) -> str:
    """Draw bars of accuracy with 95 % intervals, and a line for always guessing the most common class.

    Parameters
    ----------
    titles, accuracies, intervals
        One for each model; the first is the page's subject. An interval is a pair of ends.
    chance
        Share of the most common class.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 1.0 + 0.4 * len(titles)), layout="constrained")
        axes = figure.subplots()
        positions, percent = np.arange(len(titles)), np.array(accuracies) * 100
        colours = [BLUE] + [GREY] * (len(titles) - 1)
        axes.barh(positions, percent, color=colours, height=0.6)
        axes.errorbar(percent, positions, xerr=reach(accuracies, intervals), fmt="none", ecolor=_SLOT, capsize=3)
        for position, accuracy in enumerate(accuracies):
            axes.text(1, position, f"{accuracy:.1%}", va="center", color="white", weight="bold")
        axes.axvline(chance * 100, color=ORANGE, linestyle="--", linewidth=1.2)
        axes.text(chance * 100, -0.75, " most common class", fontsize=8, va="bottom")
        axes.set_yticks(positions, titles)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("accuracy (%)")
        return _svg(figure)


def layer_bars(names: Sequence[str], spikes: Sequence[float], synops: Sequence[float]) -> str:
    """Draw spikes sent and synops received by each layer, per text, side by side on logarithmic axes."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 2.4), layout="constrained")
        for axes, values, colour, label in zip(
            figure.subplots(1, 2), (spikes, synops), (BLUE, ORANGE), ("spikes sent", "synops received"), strict=True
        ):
            positions = np.arange(len(names))
            axes.set_xscale("log")
            axes.set_xlim(0.7, max([*values, 1]) * 8)  # before the bars: a silent network has nothing to scale
            axes.barh(positions, values, color=colour, height=0.6)
            for position, value in zip(positions, values, strict=True):
                axes.text(max(value, 1), position, f" {value:,.0f}", va="center", fontsize=8)
            axes.set_yticks(positions, names, parse_math=False)
            axes.invert_yaxis()
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel(f"{label} per text")
        return _svg(figure)


def text_raster(
    trains: Sequence[np.ndarray],
    names: Sequence[str],
    label_names: Sequence[str],
    presented: Sequence[tuple[int, str]],
    voltages: np.ndarray | None,
) -> str:
    """Draw every spike of one text, and below them the membranes of the read-out (`draw_spikes`, `draw_membrane`)."""
    with mpl.rc_context(_STYLE):
        spikes = 0.7 + 0.9 * len(trains) + 0.18 * min(len(label_names), MOST_NAMED)
        heights = [spikes] if voltages is None else [spikes, 2.2]
        figure = Figure(figsize=(7, sum(heights)), layout="constrained")
        panels = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights}, squeeze=False)
        draw_spikes(panels[0, 0], trains, names, label_names, presented)
        if voltages is not None:
            panels[0, 0].set_xlabel("")
            draw_membrane(panels[1, 0], voltages, label_names, len(trains) - 1)
        return _svg(figure, dpi=160)


def calibration(bins: Sequence[Mapping[str, Any]]) -> str:
    """Draw accuracy over probability with 95 % intervals, and the number of texts of each bin.

    Parameters
    ----------
    bins
        A report document's ``calibration.bins``.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        axes, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1]})
        stated = [100 * part["probability"] for part in bins]
        right = [part["accuracy"] for part in bins]
        axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1)
        intervals = reach(right, [part["interval"] for part in bins])
        axes.errorbar(stated, 100 * np.array(right), intervals, fmt="o-", color=BLUE, ecolor=BLUE, capsize=3)
        axes.set_ylim(0, 103)
        axes.set_ylabel("accuracy (%)")
        below.bar(
            [100 * part["low"] for part in bins],
            [part["texts"] for part in bins],
            [100 * (part["high"] - part["low"]) * 0.92 for part in bins],
            align="edge",
            color=GREY,
        )
        below.set_ylabel("texts")
        below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
        below.set_xlim(0, 103)
        below.set_xlabel("probability that the network states (%)")
        return _svg(figure)


class Cost(NamedTuple):
    """A line of `energy_dots`: title, prices, lowest and highest picojoules; otherwise the terms without a price."""

    title: str
    book: str
    total: tuple[float, float] | None
    unpriced: str


def energy_dots(costs: Sequence[Cost], main: str) -> str:
    """Draw energy per text as dots on a logarithmic axis, lowest to highest; a bill without total says why.

    Parameters
    ----------
    costs
        One line each.
    main
        Title of the page's subject, whose dots have another colour.
    """
    ends = [end for cost in costs if cost.total for end in cost.total if end > 0]
    low, high = (min(ends) / 3, max(ends) * 3) if ends else (1.0, 1e3)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 0.8 + 0.42 * len(costs)), layout="constrained")
        axes = figure.subplots()
        text: dict[str, Any] = {"fontsize": 8, "parse_math": False, "in_layout": False}
        for position, cost in enumerate(costs):
            colour = BLUE if cost.title == main else GREY
            title = plain_text(f"{cost.title}, {cost.book}")
            axes.text(0, position - 0.4, title, transform=axes.get_yaxis_transform(), va="center", **text)
            axes.axhline(position, color=GREY, alpha=0.3, linewidth=0.6)
            if cost.total is None or cost.total[0] <= 0:
                missing = plain_text(f"no price for {cost.unpriced}")
                axes.text(
                    0,
                    position - 0.02,
                    missing,
                    transform=axes.get_yaxis_transform(),
                    va="center",
                    style="italic",
                    **text,
                )
                continue
            axes.plot(cost.total, [position] * 2, color=colour, linewidth=4, solid_capstyle="round")
            axes.plot(cost.total, [position] * 2, "o", color=colour, markersize=7)
            beside: dict[str, Any] = {"xytext": (9, 0), "textcoords": "offset points", "va": "center", "weight": "bold"}
            axes.annotate(joules_text(*cost.total), (cost.total[1], position), **beside, **text)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(len(costs) - 0.6, -0.7)
        axes.set_xscale("log")
        axes.set_xlim(low, high * (high / low) ** 0.15)  # space for the last value's label
        axes.xaxis.set_major_formatter(lambda value, _: joules_text(value, value).replace(".0 ", " "))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(axis="x", color=GREY, alpha=0.3, linewidth=0.6)
        axes.set_xlabel("energy per text, logarithmic")
        return _svg(figure)


def accuracy_over_time(shares: Sequence[float], chance: float) -> str:
    """Draw accuracy if the answer is taken after each step, and the share of the most common class."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 2.6), layout="constrained")
        axes = figure.subplots()
        axes.axhline(chance * 100, color=ORANGE, linestyle="--", linewidth=1.2)
        steps = range(1, len(shares) + 1)
        axes.step(steps, np.array(shares) * 100, where="post", color=BLUE, linewidth=2)
        axes.plot(len(shares), shares[-1] * 100, "o", color=BLUE, markersize=6)
        axes.set_ylim(0, 100)
        axes.set_xlim(1, len(shares) * 1.02)
        axes.set_xlabel("time step after which the answer is taken")
        axes.set_ylabel("accuracy (%)")
        return _svg(figure)


def rate_histograms(names: Sequence[str], rates: Sequence[Sequence[int]]) -> str:
    """Draw a histogram of spike rates for each layer, silent neurons separately."""
    with mpl.rc_context(_STYLE):
        columns = min(len(names), 2)
        rows = -(-len(names) // columns)
        figure = Figure(figsize=(7, 0.4 + 1.7 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, name, counts in zip(panels, names, rates, strict=False):
            width = 100 / (len(counts) - 1)
            axes.bar(-3 * width, counts[0], width, color=GREY)
            axes.bar((np.arange(len(counts) - 1) + 0.5) * width, counts[1:], width * 0.92, color=BLUE)
            axes.set_xticks([-3 * width, 0, 25, 50, 75, 100], ["never", "0", "25", "50", "75", "100"], fontsize=8)
            axes.set_title(name, fontsize=9, parse_math=False)
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("steps in which a neuron spikes (%)", fontsize=9)
        figure.supylabel("neurons", fontsize=9)
        return _svg(figure)


def frontier(points: Sequence[Point]) -> str:
    """Draw `draw_frontier`'s picture of several runs."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        draw_frontier(figure.subplots(), points)
        return _svg(figure)


_CORES_A_ROW, _CELL, _GAP = 16, 26, 4


def core_map(fit: Mapping[str, Any]) -> str:
    """Draw the cores of a chip as cells, coloured by layer and filled in proportion to their synaptic memory.

    Parameters
    ----------
    fit
        One of a report document's ``fits``.
    """
    taken = [
        (number, layer["name"], words)
        for number, layer in enumerate(fit["layers"], start=1)
        for words in layer["words"]
    ][: fit["cores_of_chip"]]
    rows = -(-fit["cores_of_chip"] // _CORES_A_ROW)
    pitch = _CELL + _GAP
    cells = []
    for index in range(fit["cores_of_chip"]):
        x, y = index % _CORES_A_ROW * pitch + 1, index // _CORES_A_ROW * pitch + 1
        frame = f'x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" rx="3" fill="none"'
        if index >= len(taken):
            cells.append(f'<rect {frame} stroke="currentColor" stroke-opacity="0.25"/>')
            continue
        number, name, words = taken[index]
        colour = COLOURS[(number - 1) % len(COLOURS)]
        share = min(1.0, words / fit["words_of_core"])
        height = round(share * _CELL, 1)
        cells.append(
            f"<g><title>core {index + 1}: {html.escape(plain_text(name))}, {share:.0%} of its memory</title>"
            f'<rect x="{x}" y="{round(y + _CELL - height, 1)}" width="{_CELL}" height="{height}" fill="{colour}" '
            f'fill-opacity="0.45"/><rect {frame} stroke="{colour}" stroke-width="2"/>'
            f'<text x="{x + _CELL / 2:g}" y="{y + _CELL / 2 + 4:g}" text-anchor="middle" font-size="11" '
            f'font-family="sans-serif" fill="currentColor">{number}</text></g>'
        )
    size = f'viewBox="0 0 {_CORES_A_ROW * pitch - _GAP + 2} {rows * pitch - _GAP + 2}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(cells)}</svg>'


def _svg(figure: Figure, dpi: int = 100) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_SLOT, "currentColor").replace(BLUE.lower(), "var(--blue)")
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)  # in page.css, whose hash is allowed
    # Without sizes in points, the view box scales with the page.
    return re.sub(
        r'(<svg[^>]*?) height="[^"]*"([^>]*?) width="[^"]*"|(<svg[^>]*?) width="[^"]*" height="[^"]*"',
        r"\1\2\3",
        svg,
        count=1,
    )
