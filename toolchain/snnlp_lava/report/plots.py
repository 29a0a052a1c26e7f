"""Draw a run's spikes and membranes, and accuracy over synops, on matplotlib axes: for notebooks and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network.readout import readout_voltages
from snnlp_lava.report.document import wilson_interval
from snnlp_lava.report.tables import plain_text
from snnlp_lava.run.folder import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#767676"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#D55E00", "#56B4E9")
"""Okabe and Ito's colours, which suit colour-blind readers."""
_LONGEST = 28
MOST_NAMED = 12
"""Number of classes that a picture names at most."""
_MANY_MARKS = 800  # of a band, above which an SVG holds a picture of them
_NEAR = 0.1
_SPARSE = 0.25  # share of the input's lines that spike below which only these are drawn


def plot_spikes(run: Run, text: int = 0, ax: Axes | None = None) -> Axes:
    """Draw every spike of one of the texts that a run keeps, layer below layer, over the chip's time steps.

    Parameters
    ----------
    run
        The run.
    text
        Number of the text, from 0; a run keeps the spikes of its first four texts.
    ax
        Axes to draw on, by default those of a new figure.

    Raises
    ------
    InputError
        If the run does not keep this text.
    """
    _check_kept(run, text, len(run.trains[0]))
    presented = run.record.presented[text] if text < len(run.record.presented) else ()
    names = [layer.name for layer in run.record.layers]
    return draw_spikes(
        ax or _new_axes(), [train[text] for train in run.trains], names, run.record.label_names, presented
    )


def plot_membrane(source: Run | Any, text: int | str = 0, ax: Axes | None = None) -> Axes:
    """Draw the membrane potentials of the read-out over time, in thresholds, and its spikes.

    Parameters
    ----------
    source
        A run, or a `SpikingTextClassifier`.
    text
        Number of a text that the run keeps, from 0; or, for a classifier, the text itself.
    ax
        Axes to draw on, by default those of a new figure.

    Raises
    ------
    InputError
        If the run does not keep this text, or the text cannot be classified.
    """
    if isinstance(source, Run):
        if source.voltages is None:
            raise InputError(
                f"run {source.name} keeps no membrane potentials: its read-out sends messages, or an older version "
                "wrote it; then run the network again"
            )
        _check_kept(source, text, len(source.voltages))
        return draw_membrane(
            ax or _new_axes(), source.voltages[text], source.record.label_names, len(source.record.layers) - 1
        )
    if not isinstance(text, str):
        raise InputError(f"text must be the text to classify, got {text!r}")
    predictor = source.predictor
    trains = predictor.trains(predictor.features([text]))
    voltages = readout_voltages(predictor.network, trains)[0]
    return draw_membrane(ax or _new_axes(), voltages, predictor.card.label_names, len(trains) - 1)


def plot_frontier(rows: Sequence[Run | Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Draw accuracy over synops per text, and a line through the Pareto-optimal rows on the same data.

    Parameters
    ----------
    rows
        Runs, or rows of ``report.csv`` or of a sweep's ``results.csv``: mappings with ``accuracy`` (or
        ``test_accuracy``), ``synops`` and optionally ``name``, ``data`` and ``samples`` (for a 95 % interval). Rows
        without accuracy or synops, such as those of an ANN, are left out.
    ax
        Axes to draw on, by default those of a new figure.

    Raises
    ------
    InputError
        If no row is left, or a number cannot be read.
    """
    points = [point for row in rows if (point := _point(row)) is not None]
    if not points:
        raise InputError("no row has both an accuracy and synops")
    return draw_frontier(ax or _new_axes(), points)


def _check_kept(run: Run, text: Any, kept: int) -> None:
    if type(text) is not int or not 0 <= text < kept:
        raise InputError(f"text must be a number below {kept}, the texts that run {run.name} keeps, got {text!r}")


def _new_axes() -> Axes:
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(7, 4), layout="constrained")[1]


def _point(row: Run | Mapping[str, Any]) -> Point | None:
    if isinstance(row, Run):
        record = row.record
        values: Mapping[str, Any] = {
            "name": row.name,
            "data": record.data.name,
            "accuracy": record.accuracy,
            "synops": record.synops / record.samples,
            "samples": record.samples,
        }
    else:
        values = row
    accuracy, synops = values.get("accuracy", values.get("test_accuracy")), values.get("synops")
    if accuracy in (None, "") or synops in (None, "", 0):
        return None
    try:
        accuracy, synops = float(accuracy), float(synops)
        samples = int(values.get("samples") or 0)
        interval = wilson_interval(accuracy, samples) if samples else (accuracy, accuracy)
    except (TypeError, ValueError) as error:
        raise InputError(f"row {str(values.get('name'))[:40]}: {error}") from error
    return Point(str(values.get("name") or ""), str(values.get("data") or "texts"), synops, accuracy, interval)


class Point(NamedTuple):
    """A point of `draw_frontier`: its label, data, synops per text, accuracy and the ends of its interval."""

    label: str
    data: str
    synops: float
    accuracy: float
    interval: tuple[float, float]


def draw_spikes(
    ax: Axes,
    trains: Sequence[np.ndarray],
    names: Sequence[str],
    label_names: Sequence[str],
    presented: Sequence[tuple[int, str]] = (),
) -> Axes:
    """Draw the spikes of one text as bands of rows, the input above and the read-out below.

    Parameters
    ----------
    trains
        (steps, neurons) uint8 of the input and every layer, in the layer's own time.
    names
        Names of these layers.
    label_names
        Names of the output neurons.
    presented
        Steps and the words that they present, which are printed above.
    """
    ticks, top = [], 0.0
    for depth, (train, name) in enumerate(zip(trains, names, strict=True)):
        last = depth == len(trains) - 1
        steps, neurons = np.nonzero(train)
        rows, title = train.shape[1], plain_text(name)
        spiking = np.unique(neurons)
        if not depth and len(spiking) < _SPARSE * rows:
            neurons, rows = np.searchsorted(spiking, neurons), max(1, len(spiking))
            title = f"{title}\n({rows:,} of {train.shape[1]:,} lines)"
        if last:
            height = max(1.2, 0.36 * min(rows, MOST_NAMED))
        else:
            height = 1.2 if len(np.unique(steps)) < 2 else 2.0 if depth else 3.0
        place = top + (neurons + 0.5) * height / rows
        size = (24 * height / rows) ** 2
        # Layer l's step t is the chip's step t + l; the picture shows the chip's time.
        ax.scatter(
            steps + depth,
            place,
            s=float(np.clip(size, 3, 80)),
            marker="|",
            color=ORANGE if last else BLUE,
            linewidths=1.4 if last else 0.9,
            rasterized=len(steps) > _MANY_MARKS,
        )
        if last:
            ticks += _class_ticks(train, label_names, top, height)
        else:
            ticks.append((top + height / 2, title))
            ax.axhline(top + height + 0.15, color=GREY, alpha=0.4, linewidth=0.6)
        top += height + 0.3
    ax.set_ylim(top - 0.2, -0.1)
    ax.set_yticks([at for at, _ in ticks], [label for _, label in ticks], fontsize=8, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(-0.8, trains[0].shape[0] + len(trains) - 1)
    ax.set_xlabel("time step")
    words = words_of_steps(presented)
    if len(words) > 1:  # words of a single step are the text
        above = ax.secondary_xaxis("top")
        above.set_xticks(list(words), list(words.values()), rotation=90, fontsize=7, parse_math=False)
    return ax


def _class_ticks(train: np.ndarray, label_names: Sequence[str], top: float, height: float) -> list[tuple[float, str]]:
    """Return the places and names of classes; of many classes only those with most spikes."""
    order = np.argsort(-train.sum(axis=0, dtype=np.int64), kind="stable")
    named = sorted(order[:MOST_NAMED].tolist())
    if len(label_names) > MOST_NAMED:
        named = [place for place in named if train[:, place].any()] or named[:1]
    return [(top + (place + 0.5) * height / len(label_names), _short(label_names[place])) for place in named]


def draw_membrane(ax: Axes, voltages: np.ndarray, label_names: Sequence[str], depth: int = 0) -> Axes:
    """Draw membranes of the read-out: the classes that rise highest in colour, the others in grey.

    Parameters
    ----------
    voltages
        (steps, classes) in thresholds, before a spike resets them to 0.
    label_names
        Names of the classes.
    depth
        Layers before the read-out, by which its steps are later on the chip.
    """
    spikes = voltages > 1
    order = sorted(range(len(label_names)), key=lambda c: (-spikes[:, c].sum(), -voltages[:, c].max(), c))
    steps = np.arange(len(voltages)) + depth
    top = float(voltages.max(initial=0)) * 1.1
    if top > _NEAR:  # else neurons that never spike
        top = max(1.25, top)
        ax.axhline(1, color=GREY, linestyle="--", linewidth=1)
    for rank, place in reversed(list(enumerate(order))):
        named = rank < len(COLOURS)
        # A spike resets the membrane: the line falls to 0 where it stands.
        x = np.insert(steps.astype(float), np.flatnonzero(spikes[:, place]) + 1, steps[spikes[:, place]])
        y = np.insert(voltages[:, place].astype(float), np.flatnonzero(spikes[:, place]) + 1, 0.0)
        colour = COLOURS[rank] if named else GREY
        label = _short(label_names[place]) if named else None
        ax.plot(x, y, color=colour, linewidth=1.6 if named else 0.5, alpha=1 if named else 0.5, label=label)
        ax.plot(steps[spikes[:, place]], voltages[spikes[:, place], place], "o", color=colour, markersize=4)
    if top > 0:
        ax.set_ylim(max(float(voltages.min(initial=0)) * 1.1, -top), top)  # what is far below 0 does not matter
    ax.set_xlabel("time step")
    ax.set_ylabel("membrane / threshold")
    handles, labels = ax.get_legend_handles_labels()
    legend = ax.legend(handles[::-1], labels[::-1], frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    for text in legend.get_texts():
        text.set_parse_math(False)
    return ax


def draw_frontier(ax: Axes, points: Sequence[Point]) -> Axes:
    """Draw accuracy over synops per text with 95 % intervals, and a line through Pareto-optimal points."""
    data = list(dict.fromkeys(point.data for point in points))
    for name, colour, marker in zip(data, cycle(COLOURS), cycle("osD^v")):
        own = sorted((point for point in points if point.data == name), key=lambda point: point.synops)
        synops, accuracy = [point.synops for point in own], np.array([point.accuracy for point in own])
        ax.errorbar(
            synops,
            accuracy * 100,
            reach(accuracy, [point.interval for point in own]),
            fmt=marker,
            color=colour,
            ecolor=colour,
            capsize=3,
            label=f"on {_short(name)}",
        )
        best = [at for at in range(len(own)) if accuracy[at] > accuracy[:at].max(initial=-1)]
        ax.step([synops[at] for at in best], accuracy[best] * 100, where="post", color=colour, alpha=0.5)
        for point in own:
            ax.annotate(
                _short(point.label),
                (point.synops, point.accuracy * 100),
                (7, 5),
                textcoords="offset points",
                fontsize=9,
                parse_math=False,
            )
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.set_xlim(min(point.synops for point in points) / 2, max(point.synops for point in points) * 2)
    ax.set_xlabel("synops per text, logarithmic")
    ax.set_ylabel("accuracy (%)")
    ax.grid(color=GREY, alpha=0.25, linewidth=0.6)
    for text in ax.legend(frameon=False, fontsize=8).get_texts():
        text.set_parse_math(False)
    return ax


def reach(shares: Sequence[float] | np.ndarray, intervals: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return the distances of n shares to the ends of their intervals, (2, n), in percent."""
    return np.abs(np.array(intervals) - np.array(shares)[:, None]).T * 100


def words_of_steps(presented: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Return the label of each step, cut to a readable length."""
    found: dict[int, str] = {}
    for step, word in presented:
        found[step] = f"{found[step]}, {word}" if step in found else word
    return {step: _short(word) for step, word in found.items()}


def _short(text: str) -> str:
    plain = plain_text(text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
