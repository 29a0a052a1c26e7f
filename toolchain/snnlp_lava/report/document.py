"""Compute the numbers of a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import structs

from snnlp_lava import __version__
from snnlp_lava.backends.base import COUNTS, Metered
from snnlp_lava.chip.chips import RESOURCES
from snnlp_lava.embed.base import OpCounts
from snnlp_lava.energy.bill import (
    Bill,
    Entry,
    Ledger,
    combined_total,
    host_ledger,
    macs_ledger,
    make_bill,
    spiking_ledger,
    unpriced_terms,
)
from snnlp_lava.energy.estimates import energy_ratio, latency_ns, neurobench_metrics
from snnlp_lava.energy.prices import METERED, PriceBook, price_books
from snnlp_lava.errors import InputError
from snnlp_lava.network.readout import calibration_error
from snnlp_lava.netx.card import BASELINES, TrainingRecord
from snnlp_lava.run.folder import Run
from snnlp_lava.run.record import FitRecord, LayerRecord, RunRecord
from snnlp_lava.train.methods.make import from_document

FORMAT = 4
NETWORK = "this network"
MAIN_BOOK, HOST_BOOK, INT8_BOOK = "loihi1", "cmos45", "cmos45-int8"
"""Price books of the detailed bill; of host and baseline at float32; of the baseline at the network's weight bits."""
TRAINING_BOOKS = ("gpu", "cpu")
CALIBRATION_BINS = 10
_Z95 = 1.959964


def report_document(runs: Sequence[Run], own_books: Mapping[str, PriceBook] | None = None) -> dict[str, Any]:
    """Compute all numbers of the report, as plain JSON types.

    Parameters
    ----------
    runs
        One or more runs.
    own_books
        Price books in addition to the package's.
    """
    books = {**price_books(), **(own_books or {})}
    return {
        "format": FORMAT,
        "version": __version__,
        "runs": [_run_document(run, books) for run in runs],
        "books": {name: {**book.to_dict(), "unit": "pJ", "prices": _prices(book)} for name, book in books.items()},
    }


def wilson_interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a proportion of `samples`."""
    centre = accuracy + _Z95**2 / (2 * samples)
    reach = _Z95 * math.sqrt(accuracy * (1 - accuracy) / samples + _Z95**2 / (4 * samples**2))
    scale = 1 + _Z95**2 / samples
    return (centre - reach) / scale, (centre + reach) / scale


def data_text(record: RunRecord) -> str:
    """Describe the data of a run; runs with equal descriptions are comparable."""
    split = f" ({record.data.split})" if record.data.split else ""
    return f"{record.data.name or 'texts'}{split}, {record.samples:,} samples"


def _prices(book: PriceBook) -> dict[str, dict[str, Any]]:
    return {term: price.to_dict() for term in book.prices if (price := book.price(term))}


def _run_document(run: Run, books: Mapping[str, PriceBook]) -> dict[str, Any]:
    record = run.record
    samples = record.samples
    layers = [_layer(layer, samples, record.steps) for layer in record.layers]
    baselines = _baselines(_training_record(record))
    spiking = spiking_ledger(NETWORK, [structs.asdict(layer) for layer in record.layers], samples)
    compared = _baseline_ledgers(baselines, sum(layer.synapses for layer in record.layers))
    baseline, macs = compared[0], compared[0].total("mac")
    bills = [
        make_bill(ledger, book) for ledger in (spiking, *compared) for book in books.values() if _applies(ledger, book)
    ]
    synops = spiking.total("synop")
    main = make_bill(spiking, books[MAIN_BOOK])
    behind = record.layers[1:]
    return {
        "name": run.name,
        "data": data_text(record),
        "record": record.to_dict(),
        "accuracy_interval": wilson_interval(record.accuracy, samples) if record.accuracy is not None else None,
        "chance": _chance(run),
        "confusion": _confusion(run),
        "accuracy_over_time": _over_time(record),
        "calibration": _calibration(run),
        "baselines": baselines,
        "layers": layers,
        "layers_counted": [layer.name for layer in record.layers if layer.name not in record.layers_read],
        "spikes": spiking.total("spike"),
        "synops": synops,
        "synops_nonzero": sum(layer["synops_nonzero"] for layer in layers),
        "wraps": record.wraps,
        "clips": record.clips,
        "baseline": {"title": baseline.title, "macs": macs, "synops_to_macs": synops / macs if macs else None},
        "bills": [_bill_document(bill) for bill in bills],
        "break_even": {
            name: main.break_even(total[0]) if (total := make_bill(baseline, books[name]).total) else None
            for name in (HOST_BOOK, INT8_BOOK)
        },
        "paper_accounting": {
            "operations": record.paper_operations,
            "energy_ratio": energy_ratio(macs, record.paper_operations),
            "energy_ratio_with_every_synop": energy_ratio(macs, synops),
        },
        "latency_ns": latency_ns(spiking, record.steps / samples),
        "metered": _metered(record.metered),
        "preprocessing": _preprocessing(record, main, baseline, books),
        "training": _training(record, books),
        "fits": [fit_document(name, fit) for name, fit in record.fits.items()],
        "neurobench": neurobench_metrics(
            layers,
            [layer.synapses for layer in behind],
            [layer.synapses_nonzero for layer in behind],
            sum(layer.words for layer in behind),
            record.steps / samples,
        ),
        "examples": _examples(run),
    }


def _training_record(record: RunRecord) -> TrainingRecord | None:
    return record.network.card.training if record.network.card else None


def _metered(metered: Metered | None) -> dict[str, Any] | None:
    """Return measurements per text, which are part of no bill; None if there are none."""
    if metered is None:
        return None
    amounts = {"ns": (metered.seconds, 1e9), "pj": (metered.joules, 1e12), "static_pj": (metered.static_joules, 1e12)}
    per_text = {name: value / metered.samples * unit for name, (value, unit) in amounts.items() if value is not None}
    return {"by": metered.by, "evidence": METERED, **per_text}


def _layer(layer: LayerRecord, samples: int, steps: int) -> dict[str, Any]:
    return {
        "name": layer.name,
        "neurons": layer.neurons,
        **{count: getattr(layer, count) / samples for count in (*COUNTS, "words_read")},
        "rate": layer.spikes / (steps * layer.neurons),
        "rates": list(layer.rates),
    }


def _preprocessing(record: RunRecord, chip: Bill, baseline: Ledger, books: Mapping[str, PriceBook]) -> dict[str, Any]:
    """Return the preprocessing steps, and the network's bill with each of them added."""
    samples, host = record.samples, books[HOST_BOOK]
    steps: dict[str, OpCounts] = {str(name): ops for name, ops in record.preprocessing.items()}
    bills = {name: make_bill(host_ledger(ops.title, name, ops.counts, samples), host) for name, ops in steps.items()}
    titles, added = [NETWORK], [chip]
    variants = [_variant(f"{NETWORK} alone", added)]
    for name, ops in steps.items():
        titles.append(ops.title)
        if ops.not_counted:
            variants.append(_variant(" + ".join(titles), [], ops.not_counted))
            break
        added.append(bills[name])
        variants.append(_variant(" + ".join(titles), added))
    else:
        spikes = {"host_spike": record.layers[0].spikes}
        bills["handing over"] = make_bill(host_ledger("handing over", "handing over", spikes, samples), host)
        variants.append(_variant(" + ".join([*titles, "handing over"]), [*added, bills["handing over"]]))
    if (embedding := steps.get("embedding")) and not embedding.not_counted:  # the ANN uses the same vectors
        alone = make_bill(baseline, host)
        variants.append(_variant(f"{baseline.title} alone", [alone]))
        variants.append(_variant(f"{baseline.title} + {embedding.title}", [alone, bills["embedding"]]))
    return {
        "steps": {
            name: {
                **ops.to_dict(),
                "units": ops.units / samples,
                "counts": {term: count / samples for term, count in ops.counts.items()},
            }
            for name, ops in steps.items()
        },
        "bills": [_bill_document(bill) for bill in bills.values() if bill.charges],
        "variants": variants,
    }


def _variant(title: str, bills: Sequence[Bill], not_counted: str | None = None) -> dict[str, Any]:
    return {
        "title": title,
        "books": list(dict.fromkeys(bill.book.name for bill in bills if bill.charges)),
        "total_pj": combined_total(bills),
        "unpriced": list(unpriced_terms(bills)),
        "not_counted": not_counted,
    }


def _training(record: RunRecord, books: Mapping[str, PriceBook]) -> dict[str, Any] | None:
    """Estimate the cost of training, None if the training is unknown."""
    training = _training_record(record)
    if training is None:
        return None
    try:
        method = from_document(training.config, ignore_unknown=True)  # 0.1.0 stored the options of all methods
    except InputError:  # unknown method or options
        return None
    rows, embedding = structs.asdict(training.data.rows), record.preprocessing.get("embedding")
    synapses = [layer.synapses for layer in record.layers[1:]]
    macs = method.training_macs(synapses, rows)
    if not macs:
        return None
    macs["embedding, once"] = (embedding.counts.get("mac", 0) if embedding else 0) / record.samples * sum(rows.values())
    ledger = Ledger("training", tuple(Entry(place, "mac", count) for place, count in macs.items() if count))
    options = method.options()
    return {
        "epochs": options.get("epochs"),
        "batch_size": options.get("batch_size"),
        "rows": rows,
        "macs": {entry.place: entry.count for entry in ledger.entries},
        "macs_in_all": ledger.total("mac"),
        "total_pj": {name: make_bill(ledger, books[name]).total for name in TRAINING_BOOKS},
    }


def fit_document(name: str, fit: FitRecord) -> dict[str, Any]:
    """Describe a network on a chip: each layer's maximum of each resource on a core, and its share of the limit."""
    layers = []
    for layer in fit.layers:
        most = {resource: max(core[resource] for core in layer.cores) for resource in fit.limits}
        shares = {resource: most[resource] / limit if limit else None for resource, limit in fit.limits.items()}
        words = [core["words"] for core in layer.cores]
        layers.append({"name": layer.name, "most": most, "shares": shares, "words": words})
    return {
        "chip": name,
        "title": fit.title,
        "cores": sum(len(layer.cores) for layer in fit.layers),
        "cores_of_chip": fit.cores,
        "words": sum(core["words"] for layer in fit.layers for core in layer.cores),
        "words_of_core": fit.limits["words"],
        "resources": {resource: RESOURCES.get(resource, resource) for resource in fit.limits},
        "layers": layers,
        "violations": list(fit.violations),
        "notes": list(fit.notes),
    }


def _confusion(run: Run) -> list[list[int]] | None:
    """Count the texts of each true class by predicted class."""
    if run.labels is None:
        return None
    classes, known = len(run.record.label_names), (run.labels >= 0) & (run.predictions >= 0)
    pairs = run.labels[known] * classes + run.predictions[known]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, -1).tolist()


def _over_time(record: RunRecord) -> list[float] | None:
    right = record.right_over_time
    return None if right is None else [count / record.samples for count in right]


def _calibration(run: Run) -> dict[str, Any] | None:
    """Return accuracy by stated probability, of the answered texts; None if there are no labels or probabilities."""
    if run.labels is None or run.probabilities is None or not (run.predictions >= 0).any():
        return None
    answered = run.predictions >= 0
    stated, right = run.probabilities[answered], (run.predictions == run.labels)[answered]
    place = np.minimum((stated * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    bins = []
    for number in np.unique(place):
        own = place == number
        accuracy = float(right[own].mean())
        bins.append(
            {
                "low": number / CALIBRATION_BINS,
                "high": (number + 1) / CALIBRATION_BINS,
                "texts": int(own.sum()),
                "probability": float(stated[own].mean()),
                "accuracy": accuracy,
                "interval": wilson_interval(accuracy, int(own.sum())),
            }
        )
    return {"error": calibration_error(stated, right), "bins": bins}


def _baseline_ledgers(baselines: Sequence[Mapping[str, Any]], synapses: int) -> list[Ledger]:
    """Return the baselines, or an ANN with a weight per synapse if there are none; the first is compared with."""
    found = []
    for base in baselines:
        found.append(macs_ledger(base["title"], base["macs"]))
        if base["effective_macs"] is not None:
            found.append(macs_ledger(f"{base['title']}, zeros skipped", base["effective_macs"]))
    return found or [macs_ledger("an ANN of as many synapses", synapses)]


def _applies(ledger: Ledger, book: PriceBook) -> bool:
    """Return whether a book prices any operation of a ledger; one without prices is shown for spikes, as unpriced."""
    return any(book.price(term) for term in ledger.terms) or (not book.prices and "mac" not in ledger.terms)


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


def _baselines(training: TrainingRecord | None) -> list[dict[str, Any]]:
    if training is None:
        return []
    return [
        {
            "title": BASELINES.get(name, name),
            **baseline.test.to_dict(),
            "samples": training.data.rows.test,
            "macs": baseline.macs,
            "effective_macs": baseline.effective_macs,
            "sizes": list(baseline.sizes) if baseline.sizes else None,
        }
        for name, baseline in training.baselines.items()
    ]


def _chance(run: Run) -> float | None:
    if run.labels is None:
        return None
    return float(np.bincount(run.labels + 1)[1:].max(initial=0) / len(run.labels))


def _examples(run: Run) -> list[dict[str, Any]]:
    names = run.record.label_names
    return [
        {
            "text": text,
            "prediction": run.predicted_labels[index] or "unknown",
            "label": names[run.labels[index]] if run.labels is not None and run.labels[index] >= 0 else None,
            "counts": {name: int(count) for name, count in zip(names, run.output_counts[index], strict=True)},
        }
        for index, text in enumerate(run.record.examples)
    ]
