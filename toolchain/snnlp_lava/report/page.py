"""The report of one or more runs: a document of numbers, and the HTML page made from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.record import Run
from snnlp_lava.energy.bill import Bill, dense_bill, spiking_bill
from snnlp_lava.energy.prices import price_books
from snnlp_lava.errors import InputError
from snnlp_lava.files import replacing_file, write_json
from snnlp_lava.netx.card import BASELINES
from snnlp_lava.version import VERSION

SPIKING_BOOK, DENSE_BOOK = "loihi1", "cmos45"
_Z95 = 1.959964


def report_document(runs: Sequence[Run]) -> dict[str, Any]:
    """All numbers of the report, ready for JSON.

    Parameters
    ----------
    runs
        One or more runs.
    """
    return {"format": 1, "version": VERSION, "runs": [_run_document(run) for run in runs]}


def write_report(path: Path, runs: Sequence[Run]) -> None:
    """Write the report as JSON if the path ends in .json, else as one HTML file.

    Raises
    ------
    InputError
        If the file cannot be written, or its name ends otherwise.
    """
    if path.suffix.lower() not in (".html", ".htm", ".json"):
        raise InputError(f"report {path}: ends in {path.suffix!r}; .html and .json can be written")
    document = report_document(runs)
    if path.suffix.lower() == ".json":
        write_json(path, document)
        return
    html = render_page(document, runs)
    with replacing_file(path) as temporary:
        temporary.write_text(html, "utf-8")


def wilson_interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `samples`."""
    centre = accuracy + _Z95**2 / (2 * samples)
    reach = _Z95 * math.sqrt(accuracy * (1 - accuracy) / samples + _Z95**2 / (4 * samples**2))
    scale = 1 + _Z95**2 / samples
    return (centre - reach) / scale, (centre + reach) / scale


def render_page(document: Mapping[str, Any], runs: Sequence[Run]) -> str:
    """The HTML page of a report document and the runs it was made from."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("snnlp_lava", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": lambda value: f"{value:.1%}", "count": _count, "joules": _joules}
    sections = [{**part, "figures": _figures(part, run)} for part, run in zip(document["runs"], runs, strict=True)]
    return environment.get_template("page.html.j2").render(
        sections=sections,
        books=list(price_books().values()),
        version=document["version"],
        style=(resources.files("snnlp_lava.report") / "page.css").read_text("utf-8"),
    )


def _run_document(run: Run) -> dict[str, Any]:
    record = run.record
    samples = record["samples"]
    layers = [
        {
            "name": layer["name"],
            "neurons": layer["neurons"],
            **{
                key: layer[key] / samples
                for key in ("spikes", "synops", "synops_nonzero", "neuron_updates", "wraps", "clips")
            },
            "rate": layer["spikes"] / (samples * layer["neurons"] * record["window"]),
        }
        for layer in record["layers"]
    ]
    card = record["network"]["card"]
    training = card["training"] if card else {}
    ann = training.get("baselines", {}).get("ann")
    sizes = record["network"]["sizes"]
    ann_sizes = ann["sizes"] if ann else sizes
    books = price_books()
    bills = {
        "spiking": _bill(spiking_bill(record["layers"], samples, books[SPIKING_BOOK])),
        "ann": _bill(dense_bill(ann_sizes, books[DENSE_BOOK])),
    }
    synops = sum(layer["synops"] for layer in layers)
    macs = sum(before * after for before, after in pairwise(ann_sizes))
    return {
        "name": run.name,
        "record": dict(record),
        "accuracy_interval": wilson_interval(record["accuracy"], samples) if record["accuracy"] is not None else None,
        "chance": _chance(run),
        "baselines": _baselines(training),
        "layers": layers,
        "spikes": sum(layer["spikes"] for layer in layers),
        "synops": synops,
        "ann_sizes": list(ann_sizes),
        "macs": macs,
        "synops_to_macs": synops / macs,
        "bills": bills,
        "examples": _examples(run),
    }


def _bill(bill: Bill) -> dict[str, Any]:
    terms: dict[str, dict[str, float]] = {}
    for charge in bill.charges:
        term = terms.setdefault(charge.term, {"count": 0.0, "low": 0.0, "high": 0.0})
        term["count"] += charge.count
        term["low"] += charge.low or 0.0
        term["high"] += charge.high or 0.0
    return {
        "book": bill.book.name,
        "total_pj": bill.total,
        "unpriced": list(bill.unpriced),
        "terms": {term: {**values, "priced": term not in bill.unpriced} for term, values in terms.items()},
        "charges": [vars(charge) for charge in bill.charges],
    }


def _baselines(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    samples = training["data"]["rows"]["test"] if training else 0
    return [
        {"title": BASELINES[name], **scores["test"], "samples": samples, "macs": scores.get("macs")}
        for name, scores in training.get("baselines", {}).items()
    ]


def _chance(run: Run) -> float | None:
    return float(np.bincount(run.labels).max() / len(run.labels)) if run.labels is not None else None


def _examples(run: Run) -> list[dict[str, Any]]:
    names = run.record["label_names"]
    return [
        {
            "text": text,
            "prediction": names[run.predictions[index]],
            "label": names[run.labels[index]] if run.labels is not None else None,
            "counts": {name: int(count) for name, count in zip(names, run.output_counts[index], strict=True)},
        }
        for index, text in enumerate(run.record["examples"])
    ]


def _figures(part: Mapping[str, Any], run: Run) -> dict[str, str]:
    from snnlp_lava.report import figures

    record = part["record"]
    found: dict[str, str] = {}
    if record["accuracy"] is not None:
        entries = [("this network", record["accuracy"], record["samples"])]
        entries += [(base["title"], base["accuracy"], base["samples"]) for base in part["baselines"]]
        found["accuracy"] = figures.accuracy_bars(
            [title for title, _, _ in entries],
            [accuracy for _, accuracy, _ in entries],
            [_half_interval(accuracy, samples) for _, accuracy, samples in entries],
            part["chance"],
        )
    names = [layer["name"] for layer in part["layers"]]
    found["layers"] = figures.layer_bars(
        names, [layer["spikes"] for layer in part["layers"]], [layer["synops"] for layer in part["layers"]]
    )
    if all(len(train) for train in run.trains):
        presented = record["presented"][0] if record["presented"] else []
        found["raster"] = figures.raster([train[0] for train in run.trains], names, record["label_names"], presented)
    bills = part["bills"]
    found["energy"] = figures.energy_bars(
        ["spiking, Loihi 1", "ANN, 45 nm float32"],
        [
            [(term, values["low"], values["high"]) for term, values in bills[key]["terms"].items() if values["priced"]]
            for key in ("spiking", "ann")
        ],
    )
    return found


def _half_interval(accuracy: float, samples: int) -> float:
    if not samples:
        return 0.0
    low, high = wilson_interval(accuracy, samples)
    return (high - low) / 2


def _count(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def _joules(picojoules: float) -> str:
    for unit, size in (("mJ", 1e9), ("µJ", 1e6), ("nJ", 1e3)):
        if picojoules >= size:
            return f"{picojoules / size:,.1f} {unit}"
    return f"{picojoules:,.1f} pJ"
