"""A report as a table, one row a run: CSV for programs, Markdown for papers and notes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from snnlp_lava.report.document import MAIN_BOOK, NETWORK, RIVAL_BOOK
from snnlp_lava.report.units import count_text, joules_text


def report_csv(document: Mapping[str, Any]) -> str:
    """Numbers as they are, energies in picojoule; empty where there is none."""
    counts = ("spikes", "synops", "synops_nonzero", "neuron_updates")
    rows: list[dict[str, Any]] = []
    for run in document["runs"]:
        record = run["record"]
        row = {
            "name": run["name"],
            "backend": record["backend"],
            "data": record["data"]["name"],
            **{name: record[name] for name in ("samples", "window", "accuracy", "mrr", "paper_operations")},
            **{name: sum(layer[name] for layer in run["layers"]) for name in counts},
            "latency_low_ns": run["latency_ns"][0],
            "latency_high_ns": run["latency_ns"][1],
            "rival": run["rival"]["title"],
            "rival_macs": run["rival"]["macs"],
        }
        metered = run["metered"] or {}
        row |= {f"metered_{name}": metered[name] for name in ("pj", "static_pj", "ns") if name in metered}
        for side, title in (("network", NETWORK), ("rival", run["rival"]["title"])):
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
    """The same, in short: accuracy, counts, and energy on Loihi 1 beside the baseline's."""
    main, rival = document["books"][MAIN_BOOK], document["books"][RIVAL_BOOK]
    titles = ["run", "accuracy", "MRR", "spikes", "synops", "of non-zero weights", "neuron updates", "energy"]
    titles += ["baseline", "its MACs", "its energy"]
    lines = [f"| {' | '.join(titles)} |", "|---|" + 7 * "---:|" + "---|---:|---:|"]
    for run in document["runs"]:
        record = run["record"]
        scores = ["", ""] if record["accuracy"] is None else [f"{record['accuracy']:.1%}", f"{record['mrr']:.3f}"]
        names = ("spikes", "synops", "synops_nonzero", "neuron_updates")
        counts = [count_text(sum(layer[name] for layer in run["layers"])) for name in names]
        cells = [run["name"], *scores, *counts, _total(run, NETWORK, MAIN_BOOK), run["rival"]["title"]]
        cells += [count_text(run["rival"]["macs"]), _total(run, run["rival"]["title"], RIVAL_BOOK)]
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    for run in document["runs"]:
        if run["metered"] and "pj" in run["metered"]:
            of = f"{_cell(run['name'])}: {joules_text(run['metered']['pj'], run['metered']['pj'])}"
            lines.append(f"\n{of} per text was metered on the board by {run['metered']['by']}, idle chip included.")
    lines.append("\nPer text. Energy: the network at " + f"{main['title']} ({main['evidence']}, {main['source']});")
    lines.append(f"the baseline at {rival['title']} ({rival['evidence']}, {rival['source']}). Both are lower bounds.")
    return "\n".join(lines) + "\n"


def _total(run: Mapping[str, Any], of: str, book: str) -> str:
    for bill in run["bills"]:
        if (bill["of"], bill["book"]) == (of, book):
            return joules_text(*bill["total_pj"]) if bill["total_pj"] else f"unpriced: {', '.join(bill['unpriced'])}"
    return ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
