"""The numbers of a report: everything that its pages and tables show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from snnlp_lava.backends.record import Run
from snnlp_lava.energy.bill import Bill, make_bill
from snnlp_lava.energy.latency import latency_ns
from snnlp_lava.energy.ledger import Ledger, dense_ledger, macs_ledger, spiking_ledger
from snnlp_lava.energy.paper_accounting import saving
from snnlp_lava.energy.prices import METERED, PriceBook, price_books
from snnlp_lava.netx.card import BASELINES
from snnlp_lava.version import VERSION

FORMAT = 2
NETWORK = "this network"
MAIN_BOOK, RIVAL_BOOK, RIVAL_INT8_BOOK = "loihi1", "cmos45", "cmos45-int8"
"""Prices of the bill in detail, and of its rival at float32 and at the spiking network's weight bits."""
_Z95 = 1.959964


def report_document(runs: Sequence[Run], own_books: Mapping[str, PriceBook] | None = None) -> dict[str, Any]:
    """All numbers of the report, ready for JSON.

    Parameters
    ----------
    runs
        One or more runs.
    own_books
        Price books beside the package's.
    """
    books = {**price_books(), **(own_books or {})}
    return {
        "format": FORMAT,
        "version": VERSION,
        "runs": [_run_document(run, books) for run in runs],
        "books": {name: {**vars(book), "prices": _prices(book)} for name, book in books.items()},
    }


def wilson_interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of `samples`."""
    centre = accuracy + _Z95**2 / (2 * samples)
    reach = _Z95 * math.sqrt(accuracy * (1 - accuracy) / samples + _Z95**2 / (4 * samples**2))
    scale = 1 + _Z95**2 / samples
    return (centre - reach) / scale, (centre + reach) / scale


def _prices(book: PriceBook) -> dict[str, dict[str, Any]]:
    return {term: vars(price) for term, price in book.prices.items()}


def _run_document(run: Run, books: Mapping[str, PriceBook]) -> dict[str, Any]:
    record = run.record
    samples = record["samples"]
    layers = [_layer(layer, samples, record["steps"]) for layer in record["layers"]]
    card = record["network"]["card"]
    training = card["training"] if card else {}
    baselines = _baselines(training)
    spiking = spiking_ledger(NETWORK, record["layers"], samples)
    rivals = _rivals(baselines, record["network"]["sizes"])
    rival, macs = rivals[0], rivals[0].total("mac")
    bills = [
        make_bill(ledger, book) for ledger in (spiking, *rivals) for book in books.values() if _applies(ledger, book)
    ]
    synops = spiking.total("synop")
    main = make_bill(spiking, books[MAIN_BOOK])
    return {
        "name": run.name,
        "record": dict(record),
        "accuracy_interval": wilson_interval(record["accuracy"], samples) if record["accuracy"] is not None else None,
        "chance": _chance(run),
        "baselines": baselines,
        "layers": layers,
        "spikes": spiking.total("spike"),
        "synops": synops,
        "synops_nonzero": sum(layer["synops_nonzero"] for layer in layers),
        "rival": {"title": rival.title, "macs": macs, "synops_to_macs": synops / macs if macs else None},
        "bills": [_bill_document(bill) for bill in bills],
        "break_even": {
            name: main.break_even(total[0]) if (total := make_bill(rival, books[name]).total) else None
            for name in (RIVAL_BOOK, RIVAL_INT8_BOOK)
        },
        "paper_accounting": {
            "operations": record["paper_operations"],
            "saving": saving(macs, record["paper_operations"]),
            "saving_with_every_synop": saving(macs, synops),
        },
        "latency_ns": latency_ns(spiking, record["steps"] / samples),
        "metered": _metered(record),
        "neurobench": _neurobench(layers),
        "examples": _examples(run),
    }


def _metered(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Per text what an instrument measured; None where there was none. It belongs to no bill."""
    metered = record.get("metered")
    if metered is None:
        return None
    per_text = {"seconds": ("ns", 1e9), "joules": ("pj", 1e12), "static_joules": ("static_pj", 1e12)}
    found = {
        name: metered[key] / metered["samples"] * scale for key, (name, scale) in per_text.items() if key in metered
    }
    return {"by": metered["by"], "evidence": METERED, **found}


def _layer(layer: Mapping[str, Any], samples: int, steps: int) -> dict[str, Any]:
    counts = ("spikes", "synops", "synops_nonzero", "neuron_updates", "wraps", "clips")
    return {
        "name": layer["name"],
        "neurons": layer["neurons"],
        **{count: layer[count] / samples for count in counts},
        "rate": layer["spikes"] / (steps * layer["neurons"]),
    }


def _neurobench(layers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Those of NeuroBench's metrics that a run tells, under its names: per text, and shares."""
    neurons = [layer for layer in layers if layer["neuron_updates"]]
    updates = sum(layer["neuron_updates"] for layer in neurons)
    return {
        "Effective_ACs": sum(layer["synops_nonzero"] for layer in layers),
        "activation_sparsity": 1 - sum(layer["spikes"] for layer in neurons) / updates if updates else 1.0,
    }


def _rivals(baselines: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> list[Ledger]:
    """The baselines, or where there are none a dense network of the same sizes; the first is the one compared with."""
    found = []
    for base in baselines:
        sized = base["sizes"] is not None
        found.append(dense_ledger(base["title"], base["sizes"]) if sized else macs_ledger(base["title"], base["macs"]))
        if base["effective_macs"] is not None:
            found.append(macs_ledger(f"{base['title']}, zeros skipped", base["effective_macs"]))
    return found or [dense_ledger("an ANN of the same sizes", sizes)]


def _applies(ledger: Ledger, book: PriceBook) -> bool:
    """Whether a book prices any of a ledger's operations; one without prices is shown for spikes, as unpriced."""
    return any(term in book.prices for term in ledger.terms) or (not book.prices and "mac" not in ledger.terms)


def _bill_document(bill: Bill) -> dict[str, Any]:
    terms: dict[str, dict[str, Any]] = {}
    for charge in bill.charges:
        term = terms.setdefault(charge.term, {"count": 0.0, "low": 0.0, "high": 0.0})
        term["count"] += charge.count
        term["low"] += charge.low or 0.0
        term["high"] += charge.high or 0.0
    return {
        "of": bill.ledger.title,
        "book": bill.book.name,
        "total_pj": bill.total,
        "unpriced": list(bill.unpriced),
        "terms": {term: {**values, "priced": term not in bill.unpriced} for term, values in terms.items()},
        "charges": [vars(charge) for charge in bill.charges],
    }


def _baselines(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    samples = training["data"]["rows"]["test"] if training else 0
    return [
        {
            "title": BASELINES[name],
            **scores["test"],
            "samples": samples,
            "macs": scores["macs"],
            "effective_macs": scores.get("effective_macs"),
            "sizes": scores.get("sizes"),
        }
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
