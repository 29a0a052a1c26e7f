"""Write the card of a network on the Hugging Face hub, from the numbers of its report."""

from __future__ import annotations

from typing import Any

import jinja2

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network, format_sizes
from snnlp_lava.netx.card import BASELINES, Card
from snnlp_lava.report.document import NETWORK, fit_document, report_document, wilson_interval
from snnlp_lava.report.tables import count_text, joules_text, table_cell
from snnlp_lava.run.folder import Run
from snnlp_lava.run.record import FitRecord


def hub_card(name: str, network: Network, card: Card, run: Run | None = None, license: str | None = None) -> str:  # noqa: A002 (as the hub calls it)
    """Return README.md: accuracy beside baselines, cost, chips, data and licence, limits.

    Parameters
    ----------
    name
        ``OWNER/NAME``.
    network, card
        Of the network file.
    run
        A run of this network, from which accuracy, counts and energy are taken; without it the accuracy is that of
        the training, and the cost is said to be unknown.
    license
        The hub's name of the model's licence, such as ``bsd-3-clause``.

    Raises
    ------
    InputError
        If the run is of another network.
    """
    if run is not None and (run.record.network.card is None or run.record.network.card.to_dict() != card.to_dict()):
        raise InputError(f"run {run.name}: is of another network, {run.record.network.file}; run this one")
    document = report_document([run]) if run is not None else None
    found = document["runs"][0] if document else None
    fits = [fit_document(chip, FitRecord.of_fit(map_network(network, CHIPS[chip], card.period))) for chip in CHIPS]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("snnlp_lava", "report"),
        autoescape=False,  # noqa: S701 (Markdown; names are escaped by `cell`)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": table_cell, "count": count_text, "joules": lambda ends: joules_text(*ends)}
    rows = _accuracies(card, found)
    text = environment.get_template("hub_card.md.j2").render(
        name=name,
        title=name.rpartition("/")[2],
        card=card,
        classes=card.label_names,
        sizes=format_sizes(network.sizes),
        training=card.training,
        rows=rows,
        run=found,
        bills=[bill for bill in found["bills"] if bill["of"] == NETWORK and bill["total_pj"]] if found else [],
        books=document["books"] if document else {},
        fits=fits,
        license=license,
    )
    return f"---\n{_header(license)}\n---\n\n{text}"


def _accuracies(card: Card, run: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return title, texts, accuracy and interval of the network and its baselines, on test texts."""
    training = card.training
    rows: list[tuple[str, float, int]] = []
    if run is not None and run["record"]["accuracy"] is not None:
        rows.append((NETWORK, run["record"]["accuracy"], run["record"]["samples"]))
    elif training is not None:
        rows.append((NETWORK, training.scores.test.accuracy, training.data.rows.test))
    if training is not None:
        rows += [
            (BASELINES[name], base.test.accuracy, training.data.rows.test) for name, base in training.baselines.items()
        ]
    return [
        {"title": title, "accuracy": accuracy, "samples": samples, "interval": wilson_interval(accuracy, samples)}
        for title, accuracy, samples in rows
    ]


def _header(license: str | None) -> str:  # noqa: A002
    from huggingface_hub import ModelCardData

    return ModelCardData(
        library_name="snnlp-lava",
        pipeline_tag="text-classification",
        license=license,
        tags=["text-classification", "spiking-neural-network", "neuromorphic", "lava", "loihi"],
    ).to_yaml()
