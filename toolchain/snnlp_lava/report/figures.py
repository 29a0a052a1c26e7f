"""Figures as inline SVG. Colours are Okabe and Ito's, which survive colour blindness."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from snnlp_lava.report.units import joules_text

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#767676"

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
}
_SLOT = "#12af34"  # stands for the page's own text colour, light or dark


def accuracy_bars(titles: Sequence[str], accuracies: Sequence[float], errors: Sequence[float], chance: float) -> str:
    """Horizontal bars of accuracy with 95 % intervals, and a line for always guessing the commonest class.

    Parameters
    ----------
    titles, accuracies, errors
        One for each model; the first is the one the page is about.
    chance
        Share of the commonest class.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 1.0 + 0.4 * len(titles)), layout="constrained")
        axes = figure.subplots()
        positions = np.arange(len(titles))
        colours = [BLUE] + [GREY] * (len(titles) - 1)
        axes.barh(positions, np.array(accuracies) * 100, color=colours, height=0.6)
        axes.errorbar(
            np.array(accuracies) * 100, positions, xerr=np.array(errors) * 100, fmt="none", ecolor=_SLOT, capsize=3
        )
        for position, accuracy in zip(positions, accuracies, strict=True):
            axes.text(1, position, f"{accuracy:.1%}", va="center", color="white", weight="bold")
        axes.axvline(chance * 100, color=ORANGE, linestyle="--", linewidth=1.2)
        axes.text(chance * 100, -0.75, " commonest class", color=_SLOT, fontsize=8, va="bottom")
        axes.set_yticks(positions, titles)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("accuracy (%)")
        return _svg(figure, axes)


def layer_bars(names: Sequence[str], spikes: Sequence[float], synops: Sequence[float]) -> str:
    """Spikes sent by each layer and synops it received, per text, side by side on logarithmic axes."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 2.4), layout="constrained")
        for axes, values, colour, label in zip(
            figure.subplots(1, 2), (spikes, synops), (BLUE, ORANGE), ("spikes sent", "synops received"), strict=True
        ):
            positions = np.arange(len(names))
            axes.barh(positions, values, color=colour, height=0.6)
            for position, value in zip(positions, values, strict=True):
                axes.text(max(value, 1), position, f" {value:,.0f}", va="center", color=_SLOT, fontsize=8)
            axes.set_yticks(positions, names)
            axes.invert_yaxis()
            axes.set_xscale("log")
            axes.set_xlim(0.7, max([*values, 1]) * 8)
            axes.set_xlabel(f"{label} per text")
            _recolour(axes)
        return _svg(figure)


def raster(
    trains: Sequence[np.ndarray],
    names: Sequence[str],
    label_names: Sequence[str],
    presented: Sequence[tuple[int, str]] = (),
) -> str:
    """Every spike of one text, layer by layer.

    Parameters
    ----------
    trains
        (steps, neurons) uint8 of each layer, each in its own time.
    names
        Names of the layers.
    label_names
        Names of the output neurons.
    presented
        Steps and the words that they present, which then stand above the picture.
    """
    with mpl.rc_context(_STYLE):
        heights = [3.0, *([2.0] * (len(trains) - 2)), 0.9]
        words = _words_of_steps(presented)
        above = 0.06 * max((len(word) for word in words.values()), default=0)
        figure = Figure(figsize=(7, 1.0 + 0.85 * sum(heights) + above), layout="constrained")
        panels = figure.subplots(len(trains), 1, sharex=True, gridspec_kw={"height_ratios": heights})
        for depth, (axes, train, name) in enumerate(zip(panels, trains, names, strict=True)):
            steps, neurons = np.nonzero(train)
            last = depth == len(trains) - 1
            # Layer l's step t is the chip's step t + l: the picture shows the chip's time.
            axes.scatter(
                steps + depth,
                neurons,
                s=14 if last or train.shape[1] < 100 else 3 if depth == 0 else 6,
                marker="|",
                color=ORANGE if last else BLUE,
                linewidths=0.8,
                rasterized=len(steps) > 1500,
            )
            axes.set_ylim(-0.5, train.shape[1] - 0.5)
            axes.set_ylabel(name)
            if last:
                axes.set_yticks(range(len(label_names)), label_names, fontsize=8)
            axes.invert_yaxis()
            _recolour(axes)
        panels[-1].set_xlim(-0.8, trains[0].shape[0] + len(trains) - 1)
        panels[-1].set_xlabel("time step")
        if words:
            top = panels[0].secondary_xaxis("top")
            top.set_xticks(list(words), list(words.values()), rotation=90, fontsize=7, parse_math=False)
            _recolour(top)
        return _svg(figure, dpi=160)


_LONGEST = 28


def _words_of_steps(presented: Sequence[tuple[int, str]]) -> dict[int, str]:
    """What stands at each step, cut to a readable length."""
    found: dict[int, str] = {}
    for step, word in presented:
        found[step] = f"{found[step]}, {word}" if step in found else word
    plain = {step: "".join(letter if letter.isprintable() else " " for letter in word) for step, word in found.items()}
    return {step: word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…" for step, word in plain.items()}


def energy_bars(titles: Sequence[str], parts: Sequence[Sequence[tuple[str, float, float]]]) -> str:
    """Stacked bars in nanojoule: for each title the parts (name, low, high); what is above low is hatched."""
    colours = {"synop": BLUE, "neuron_update": ORANGE, "spike": GREEN, "mac": GREY}
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 1.1 + 0.5 * len(titles)), layout="constrained")
        axes = figure.subplots()
        seen = set()
        for position, bar in enumerate(parts):
            left = 0.0
            for term, low, high in bar:
                label = None if term in seen else term.replace("_", " ") + "s"
                seen.add(term)
                axes.barh(position, low / 1e3, left=left, color=colours[term], height=0.55, label=label)
                left += low / 1e3
                if high > low:
                    axes.barh(
                        position,
                        (high - low) / 1e3,
                        left=left,
                        height=0.55,
                        facecolor="none",
                        edgecolor=colours[term],
                        hatch="////",
                        linewidth=0.8,
                    )
                    left += (high - low) / 1e3
            axes.text(
                left,
                position,
                f"  {joules_text(sum(part[1] for part in bar), sum(part[2] for part in bar))}",
                va="center",
                color=_SLOT,
                fontsize=8,
            )
        axes.set_yticks(range(len(titles)), titles)
        axes.invert_yaxis()
        axes.margins(x=0.25)
        axes.set_xlabel("nJ per text")
        axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper left", bbox_to_anchor=(0, 1.22), labelcolor=_SLOT)
        return _svg(figure, axes)


def _recolour(axes: mpl.axes.Axes) -> None:
    axes.tick_params(colors=_SLOT)
    axes.xaxis.label.set_color(_SLOT)
    axes.yaxis.label.set_color(_SLOT)
    for spine in axes.spines.values():
        spine.set_color(_SLOT)


def _svg(figure: Figure, axes: mpl.axes.Axes | None = None, dpi: int = 100) -> str:
    if axes is not None:
        _recolour(axes)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_SLOT, "currentColor")
    # Sizes in points would fix the width; without them the view box scales with the page.
    return re.sub(
        r'(<svg[^>]*?) height="[^"]*"([^>]*?) width="[^"]*"|(<svg[^>]*?) width="[^"]*" height="[^"]*"',
        r"\1\2\3",
        svg,
        count=1,
    )
