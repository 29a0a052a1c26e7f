"""Whether a record, result.json, is what `snnlp_lava.backends.record` writes; nothing in it is trusted.

Every check raises one of the errors that a document of another shape raises anyway: LookupError, AttributeError,
TypeError or ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from snnlp_lava.backends.placement import check_placed
from snnlp_lava.backends.result import COUNTERS
from snnlp_lava.backends.totals import COUNTS
from snnlp_lava.embed.work import Work, check_work
from snnlp_lava.netx.card import check_training

_LARGEST = 1 << 63
_WORK = {field.name for field in fields(Work)}


def check_record(
    record: Mapping[str, Any], counts: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None
) -> None:
    """Check a record by itself and against the samples.

    Parameters
    ----------
    record
        The document.
    counts
        (n, classes) output spikes.
    predictions
        (n,) classes.
    labels
        (n,) true classes, or None.
    """
    _check_size(record)
    _check_table(record, counts, predictions, labels)
    _check_texts(record)
    for name in ("window", "period", "steps"):
        _number(record, name, 1)
    for name in ("paper_operations", "wraps", "clips", "seconds"):
        _number(record, name, 0)
    _check_presented(record)
    _check_counted(record)
    _check_measured(record)
    if (card := record["network"]["card"]) is not None:
        _check_card(card)


def _check_size(value: Any) -> None:
    """No number is so large that it could not be computed with."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_size(item)
    elif isinstance(value, int | float) and abs(value) > _LARGEST:
        raise ValueError(f"it holds the number {str(value)[:40]}")


def _check_table(
    record: Mapping[str, Any], counts: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None
) -> None:
    samples, classes = record["samples"], len(record["label_names"])
    if not samples or any(len(column) != samples for column in (counts, predictions)):
        raise ValueError(f"it tells of {samples} samples, its table holds {len(counts)}")
    if counts.shape[1] != classes:
        raise ValueError(f"it names {classes} classes, its table counts {counts.shape[1]}")
    for column in (predictions, labels):
        if column is not None and not np.isin(column, np.arange(classes)).all():
            raise ValueError("its table has a class that it does not name")
    if (record["accuracy"] is None) != (labels is None):
        raise ValueError("it contradicts its table's labels")
    if labels is not None:
        _number(record, "accuracy", 0, 1)
        _number(record, "mrr", 0, 1)


def _check_texts(record: Mapping[str, Any]) -> None:
    network, data = record["network"], record["data"]
    for texts in (
        [record["backend"], network["file"], network["sha256"], data["name"] or "", data["part"] or ""],
        [layer["name"] for layer in record["layers"]],
        list(record["versions"].values()),
        record["label_names"],
        record["examples"],
    ):
        _texts(texts)
    if len(record["examples"]) > record["samples"]:
        raise ValueError("it has more examples than samples")


def _check_card(card: Mapping[str, Any]) -> None:
    _texts([card["encoder"]["kind"]])
    _number(card["embedding"], "dimension", 0)
    if not isinstance(card["training"], dict):
        raise TypeError("its card has a training that is none")
    if card["training"]:
        check_training(card["training"])


def _check_counted(record: Mapping[str, Any]) -> None:
    for layer, size in zip(record["layers"], record["network"]["sizes"], strict=True):
        if layer["neurons"] != size or min(layer[count] for count in COUNTS) < 0:
            raise ValueError(f"it has a layer {layer['name']!r} that does not fit the network")
        if layer["active_updates"] > layer["neuron_updates"]:
            raise ValueError("it has more active updates than updates")
    if record["work"].keys() != _WORK:
        raise ValueError(f"its work has {', '.join(map(str, record['work']))}")
    check_work(record["work"])
    check_placed(record["placement"], record["network"]["sizes"])
    if (right := record["right_over_time"]) is not None and (
        len(right) != record["window"]
        or not all(type(count) is int and 0 <= count <= record["samples"] for count in right)
    ):
        raise ValueError("it has an accuracy over time that is none")


def _check_presented(record: Mapping[str, Any]) -> None:
    for steps in record["presented"]:
        for step, word in steps:
            if type(step) is not int or not 0 <= step < record["window"] or not isinstance(word, str):
                raise ValueError(f"it presents {str(word)[:40]!r} at step {str(step)[:40]}")


def _check_measured(record: Mapping[str, Any]) -> None:
    if (metered := record.get("metered")) is not None:
        _texts([metered["by"]])
        for name in metered.keys() - {"by"} | {"samples", "steps"}:
            _number(metered, name, 1 if name in ("samples", "steps") else 0)
    for name, by in record.get("counted_by", {}).items():
        if by not in COUNTERS:
            raise ValueError(f"it has layer {name[:40]!r} counted by {str(by)[:40]!r}")


def _number(document: Mapping[str, Any], name: str, low: float, high: float = _LARGEST) -> None:
    value = document[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"its {name[:40]} is {str(value)[:40]!r}")


def _texts(texts: Sequence[Any]) -> None:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"it holds {str(texts)[:40]!r} where texts should stand")
