"""Write the report of one or more runs as a page or a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from snnlp_lava.browser.page import policy_hash
from snnlp_lava.energy.prices import TERMS, PriceBook
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, atomic_file, write_json
from snnlp_lava.report.document import HOST_BOOK, INT8_BOOK, MAIN_BOOK, NETWORK, report_document, wilson_interval
from snnlp_lava.report.tables import (
    count_text,
    joules_text,
    plain_text,
    report_csv,
    report_latex,
    report_markdown,
    time_text,
)
from snnlp_lava.run.folder import Run

_TABLES = {".csv": report_csv, ".md": report_markdown, ".tex": report_latex}
_NEUROBENCH = {
    "Footprint": "bytes of synaptic memory on Loihi 1",
    "ConnectionSparsity": "share of weights that are 0",
    "ActivationSparsity": "share of neuron updates without a spike",
    "Effective_MACs": "spikes are 0 or 1, so there are no multiplications",
    "Effective_ACs": "synops over weights that are not 0, per text",
    "Dense": "synapses times steps, per text",
}
_ENDINGS = (".html", ".htm", ".json", *_TABLES)


def write_report(path: StrPath, runs: Sequence[Run], own_books: Mapping[str, PriceBook] | None = None) -> None:
    """Write the report in the format of its suffix: .html (one file), .json, .csv, .md or .tex.

    Raises
    ------
    InputError
        If the file cannot be written, its suffix is unknown, there are no runs, or `runs` is not a list.
    """
    path = as_path(path)
    if isinstance(runs, Run):
        raise InputError(f"runs must be a list of runs, got the run {runs.name}; use [run]")
    if not runs:
        raise InputError(f"report {path}: there are no runs")
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise InputError(f"report {path}: must end in .html, .json, .csv, .md or .tex, got {path.suffix!r}")
    document = report_document(runs, own_books)
    if ending == ".json":
        write_json(path, document)
        return
    text = _TABLES[ending](document) if ending in _TABLES else render_page(document, runs)
    with atomic_file(path) as temporary:
        temporary.write_text(text, "utf-8")


def render_page(document: Mapping[str, Any], runs: Sequence[Run]) -> str:
    """Render the HTML page of a report document and its runs."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("snnlp_lava", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": lambda value: f"{value:.1%}",
        "count": count_text,
        "json": lambda value: json.dumps(value, indent=1, ensure_ascii=False),
        "joules": lambda ends: joules_text(*ends),
        "time": lambda ends: time_text(*ends),
        "term": _term,
        "entry": _entry,
        "with_title": lambda name, books: (name, books[name]["title"]),
        "terms": lambda terms: ", ".join(map(_term, terms)),
    }
    sections = [
        {**part, "figures": _figures(part, run, document["books"]), "text_options": _text_options(run)}
        for part, run in zip(document["runs"], runs, strict=True)
    ]
    return environment.get_template("page.html.j2").render(
        sections=sections,
        frontier=_frontier(document),
        books=document["books"],
        network=NETWORK,
        main=MAIN_BOOK,
        neurobench=_NEUROBENCH,
        baseline_books=(HOST_BOOK, INT8_BOOK),
        version=document["version"],
        priced=_priced(document),
        **{name: {"text": text, "hash": policy_hash(text)} for name, text in _resources().items()},
    )


def _resources() -> dict[str, str]:
    folder = resources.files("snnlp_lava.report")
    return {name: (folder / file).read_text("utf-8") for name, file in (("style", "page.css"), ("script", "page.js"))}


def _text_options(run: Run) -> list[tuple[int, str]]:
    """Return the number of each kept text, from 1, and how a choice names it."""
    texts = [*run.record.examples, *[""] * len(run.trains[0])][: len(run.trains[0])]
    return [(number, f"{number}. {plain_text(text[:60])}") for number, text in enumerate(texts, start=1)]


def _priced(document: Mapping[str, Any]) -> list[str]:
    """Return the price books that price a network of the page, the main one first."""
    found = [bill["book"] for run in document["runs"] for bill in run["bills"] if bill["of"] == NETWORK]
    return sorted(dict.fromkeys(found), key=lambda book: book != MAIN_BOOK)


def _entry(entry: str) -> str:
    """Return an entry of a text for reading: a character n-gram, which starts with a tab, in angle quotes."""
    return "\u2039" + entry[1:].replace(" ", "\u2423") + "\u203a" if entry.startswith("\t") else entry


def _term(term: str) -> str:
    """Return the display name of an operation; an unknown one of another version keeps its name."""
    return TERMS.get(term, term)


def _figures(part: Mapping[str, Any], run: Run, books: Mapping[str, Any]) -> dict[str, Any]:
    from snnlp_lava.report import figures

    record = part["record"]
    found: dict[str, Any] = {}
    if record["accuracy"] is not None:
        models = [{"title": NETWORK, **record}, *part["baselines"]]
        found["accuracy"] = figures.accuracy_bars(
            [model["title"] for model in models],
            [model["accuracy"] for model in models],
            [wilson_interval(model["accuracy"], model["samples"]) for model in models],
            part["chance"],
        )
    names = [plain_text(layer["name"]) for layer in part["layers"]]
    found["layers"] = figures.layer_bars(
        names, [layer["spikes"] for layer in part["layers"]], [layer["synops"] for layer in part["layers"]]
    )
    found["texts"] = [
        figures.text_raster(
            [train[text] for train in run.trains],
            names,
            record["label_names"],
            record["presented"][text] if text < len(record["presented"]) else (),
            None if run.voltages is None else run.voltages[text],
        )
        for text in range(len(run.trains[0]))
    ]
    if part["calibration"]:
        found["calibration"] = figures.calibration(part["calibration"]["bins"])
    found["rates"] = figures.rate_histograms(names, [layer["rates"] for layer in part["layers"]])
    if part["accuracy_over_time"]:
        found["over_time"] = figures.accuracy_over_time(part["accuracy_over_time"], part["chance"])
    found["energy"] = figures.energy_dots(_costs(part, books), NETWORK)
    found["cores"] = {fit["chip"]: figures.core_map(fit) for fit in part["fits"]}
    return found


def _costs(part: Mapping[str, Any], books: Mapping[str, Any]) -> list[Any]:
    from snnlp_lava.report.figures import Cost

    costs = [
        Cost(bill["of"], books[bill["book"]]["title"], bill["total_pj"], ", ".join(map(_term, bill["unpriced"])))
        for bill in part["bills"]
        if books[bill["book"]]["in_figure"]
    ]
    for variant in part["preprocessing"]["variants"]:
        if len(variant["books"]) > 1:
            titles = " + ".join(books[name]["title"] for name in variant["books"])
            missing = ", ".join(map(_term, variant["unpriced"]))
            costs.append(Cost(variant["title"], titles, variant["total_pj"], missing))
    return costs


def _frontier(document: Mapping[str, Any]) -> str | None:
    """Draw the figure of several runs; None if fewer than two can be drawn."""
    from snnlp_lava.report.figures import frontier
    from snnlp_lava.report.plots import Point

    points = [
        Point(str(number), run["data"], run["synops"], run["record"]["accuracy"], run["accuracy_interval"])
        for number, run in enumerate(document["runs"], start=1)
        if run["record"]["accuracy"] is not None and run["synops"]
    ]
    return frontier(points) if len(points) > 1 else None
