"""Write a report as a table with a row per run: CSV, Markdown or LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from snnlp_lava.energy.prices import TERMS, price_books
from snnlp_lava.report.document import HOST_BOOK, MAIN_BOOK, NETWORK


def plain_text(text: str) -> str:
    """Replace unprintable characters, which SVG does not allow, by spaces."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def count_text(value: float) -> str:
    """Format a count, with one decimal if it is small and not an integer."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"


def joules_text(low: float, high: float) -> str:
    """Format a range of picojoules in a suitable unit."""
    one, other = _joules(low), _joules(high)
    return one if one == other else f"{one} to {other}"


def time_text(low: float, high: float) -> str:
    """Format a range of nanoseconds in a suitable unit."""
    one, other = _scaled(low, (("ms", 1e6), ("µs", 1e3)), "ns"), _scaled(high, (("ms", 1e6), ("µs", 1e3)), "ns")
    return one if one == other else f"{one} to {other}"


def _joules(picojoules: float) -> str:
    return _scaled(picojoules, (("kJ", 1e15), ("J", 1e12), ("mJ", 1e9), ("µJ", 1e6), ("nJ", 1e3)), "pJ")


def _scaled(value: float, units: tuple[tuple[str, float], ...], smallest: str) -> str:
    for unit, size in units:
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value:,.1f} {smallest}"


def report_csv(document: Mapping[str, Any]) -> str:
    """Write CSV: plain numbers, energies in picojoules, empty if missing."""
    counts = ("spikes", "synops", "synops_nonzero", "neuron_updates", "active_updates", "words_read")
    rows: list[dict[str, Any]] = []
    for run in document["runs"]:
        record = run["record"]
        row = {
            "name": run["name"],
            "backend": record["backend"],
            "data": record["data"]["name"],
            **{name: record[name] for name in ("samples", "window", "accuracy", "mrr")},
            "paper_operations": run["paper_accounting"]["operations"],
            **{name: sum(layer[name] for layer in run["layers"]) for name in counts},
            "accuracy_low": run["accuracy_interval"][0] if run["accuracy_interval"] else None,
            "accuracy_high": run["accuracy_interval"][1] if run["accuracy_interval"] else None,
            **{
                f"{name}_{term}": count
                for name, step in run["preprocessing"]["steps"].items()
                for term, count in step["counts"].items()
            },
            **{f"cores_{fit['chip']}": fit["cores"] for fit in run["fits"]},
            "training_macs": run["training"]["macs_in_all"] if run["training"] else None,
            "latency_low_ns": run["latency_ns"][0],
            "latency_high_ns": run["latency_ns"][1],
            "baseline": run["baseline"]["title"],
            "baseline_macs": run["baseline"]["macs"],
        }
        metered = run["metered"] or {}
        row |= {f"metered_{name}": metered[name] for name in ("pj", "static_pj", "ns") if name in metered}
        for side, title in (("network", NETWORK), ("baseline", run["baseline"]["title"])):
            for bill in run["bills"]:
                if bill["of"] == title and bill["total_pj"]:
                    for end, value in zip(("low", "high"), bill["total_pj"], strict=True):
                        row[f"{side}_{bill['book']}_{end}_pj"] = value
        rows.append(row)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def report_markdown(document: Mapping[str, Any]) -> str:
    """Write a short Markdown table: accuracy, counts, and energy on Loihi 1 beside the baseline's."""
    titles, rows = _short(document)
    lines = [f"| {' | '.join(titles)} |", "|---|" + 8 * "---:|" + "---|---:|---:|"]
    lines += [f"| {' | '.join(table_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join([*lines, "", *_notes(document)]) + "\n"


def report_latex(document: Mapping[str, Any]) -> str:
    """Write the same table in LaTeX with booktabs; its note is in the caption."""
    titles, rows = _short(document)
    lines = [" & ".join(_tex(cell) for cell in row) + r" \\" for row in (titles, *rows)]
    note = _tex(" ".join(_notes(document)))
    return (
        "\n".join(
            [
                "% needs \\usepackage{booktabs,graphicx}",
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{note}}}",
                r"\resizebox{\linewidth}{!}{%",
                r"\begin{tabular}{l" + 8 * "r" + "lrr}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}}",
                r"\end{table}",
            ]
        )
        + "\n"
    )


def _short(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return titles, and a row for each run."""
    titles = ["run", "accuracy", "95 % interval", "MRR", "spikes", "synops", "of non-zero weights", "neuron updates"]
    titles += ["energy", "baseline", "its MACs", "its energy"]
    rows = []
    for run in document["runs"]:
        record = run["record"]
        scores = ["", "", ""]
        if record["accuracy"] is not None:
            low, high = run["accuracy_interval"]
            scores = [f"{record['accuracy']:.1%}", f"{low:.1%} to {high:.1%}", f"{record['mrr']:.3f}"]
        names = ("spikes", "synops", "synops_nonzero", "neuron_updates")
        counts = [count_text(sum(layer[name] for layer in run["layers"])) for name in names]
        cells = [run["name"], *scores, *counts, _total(run, NETWORK, MAIN_BOOK), run["baseline"]["title"]]
        rows.append([*cells, count_text(run["baseline"]["macs"]), _total(run, run["baseline"]["title"], HOST_BOOK)])
    return titles, rows


def _notes(document: Mapping[str, Any]) -> list[str]:
    main, host = document["books"][MAIN_BOOK], document["books"][HOST_BOOK]
    metered = [(run["name"], run["metered"]) for run in document["runs"] if run["metered"] and "pj" in run["metered"]]
    return [
        *(
            f"{name}: {joules_text(found['pj'], found['pj'])} per text measured on the board by {found['by']}, "
            "including the idle chip."
            for name, found in metered
        ),
        f"Per text. Energy: the network at {main['title']} ({main['evidence']}, {main['source']});",
        f"the baseline at {host['title']} ({host['evidence']}, {host['source']}). "
        "Both are lower bounds, without preprocessing.",
        *_own_bills(document),
    ]


def _own_bills(document: Mapping[str, Any]) -> list[str]:
    """Return energies at a user's own prices, which have no columns in the table."""
    notes = []
    for name, book in document["books"].items():
        if name in price_books():
            continue
        bills = []
        for run in document["runs"]:
            sides = (NETWORK, run["baseline"]["title"])
            totals = [f"{side} {total}" for side in sides if (total := _total(run, side, name))]
            bills += [f"{run['name']}: {', '.join(totals)}"] if totals else []
        found = "; ".join(bills) or "it prices none of these operations"
        notes.append(f"At {book['title']} ({book['evidence']}, {book['source']}): {found}.")
    return notes


def _total(run: Mapping[str, Any], of: str, book: str) -> str:
    for bill in run["bills"]:
        if (bill["of"], bill["book"]) == (of, book):
            if bill["total_pj"]:
                return joules_text(*bill["total_pj"])
            return f"unpriced: {', '.join(TERMS[term] for term in bill['unpriced'])}"
    return ""


_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "µ": r"\textmu{}"}


_TEX |= {letter: f"\\{letter}" for letter in "&%$#_{}"}


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in " ".join(plain_text(text).split()))


def table_cell(text: str) -> str:
    """Escape a text for a cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())
