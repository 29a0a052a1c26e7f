"""The run folder: result.json, samples.parquet and the spike trains of a few texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.placement import check_placed, placed
from snnlp_lava.backends.result import RunResult
from snnlp_lava.chip.network import Network
from snnlp_lava.embed.work import Work, check_work
from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import read_json, replacing_folder, write_json
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.netx.card import Card, check_training
from snnlp_lava.versions import versions

RESULT, SAMPLES, TRAINS = "result.json", "samples.parquet", "trains.safetensors"
FORMAT = 3
_MALFORMED = (LookupError, AttributeError, ValueError, TypeError)  # what a document of another shape raises
_COUNTS = ("spikes", "synops", "synops_nonzero", "neuron_updates", "active_updates", "wraps", "clips")
EXAMPLES = 4
"""Samples whose texts a run folder keeps, and whose spike trains it keeps by default."""


def layer_counts(result: RunResult) -> list[dict[str, Any]]:
    """Name, neurons and summed counts of the input and each layer."""
    return [
        {
            "name": tally.name,
            "neurons": tally.neurons,
            **{count: int(getattr(tally, count).sum()) for count in _COUNTS},
        }
        for tally in result.layers
    ]


def class_scores(result: RunResult, card: Card | None) -> np.ndarray:
    """(n, classes) scores that rank the classes; for a reference network counts alone, ties to the lower class."""
    return result.output_counts if counts_alone(card) else result.output_scores


def counts_alone(card: Card | None) -> bool:
    """Whether spike counts alone rank the classes, as in a reference network."""
    return card is not None and bool(card.training.get("config", {}).get("reference", False))


def paper_operations(result: RunResult) -> float:
    """Operations a sample as SNNLP counts them: the spikes of all layers, but for the input's first step.

    A spike that drives 256 synapses counts once, and output spikes count, which drive none (its main.py).
    """
    spikes = sum(int(tally.spikes.sum()) for tally in result.layers) - int(result.first_spikes.sum())
    return spikes / result.samples


def result_document(
    result: RunResult, card: Card | None, labels: np.ndarray | None, right_over_time: Sequence[int] | None = None
) -> dict[str, Any]:
    """What ``run --json`` prints.

    Parameters
    ----------
    result
        The run.
    card
        The network's card, None if another program wrote it; its outputs are then named by their numbers.
    labels
        (n,) true classes, or None where they are unknown.
    right_over_time
        How many samples are right if the answer is taken after each step of the window; None without labels.
    """
    label_names = card.label_names if card else map(str, range(result.output_counts.shape[1]))
    ranked = class_scores(result, card)
    scores = accuracy_and_mrr(ranked, labels) if labels is not None else {"accuracy": None, "mrr": None}
    layers = layer_counts(result)
    return {
        "backend": result.backend,
        "samples": result.samples,
        **scores,
        "right_over_time": list(right_over_time) if right_over_time is not None else None,
        "window": result.window,
        "period": result.period,
        "steps": result.steps,
        "input_spikes": layers[0]["spikes"],
        "layers": layers,
        "synops_per_sample": sum(layer["synops"] for layer in layers) / result.samples,
        "paper_operations": paper_operations(result),
        "wraps": sum(layer["wraps"] for layer in layers),
        "clips": sum(layer["clips"] for layer in layers),
        "label_names": list(label_names),
        "predictions": ranked.argmax(axis=1).tolist(),
        "labels": labels.tolist() if labels is not None else None,
        "seconds": round(result.seconds, 3),
        "versions": versions(),
    }


@dataclass(frozen=True)
class Source:
    """What a run was made on.

    Attributes
    ----------
    network
        Name of the network file.
    sha256
        Its hash.
    data, part, limit
        Name of the data, part and limit; None for texts from the command line.
    complete
        Whether all samples were run.
    rows
        (n,) row of each sample in the data.
    texts
        The first EXAMPLES texts, none where spikes were given.
    presented
        Of each of these texts the steps that present a word, and the word (see `snnlp_lava.encode.encoder`).
    work
        What it took to make the encoder's features of all texts.
    """

    network: str
    sha256: str
    data: str | None
    part: str | None
    limit: int | None
    complete: bool
    rows: np.ndarray
    texts: Sequence[str]
    presented: Sequence[Sequence[tuple[int, str]]]
    work: Work


def check_run_folder(folder: Path) -> None:
    """Make sure that a run may be written to a folder: it is absent, empty, or an older run.

    Raises
    ------
    InputError
        If it holds something else.
    """
    if folder.exists() and not (folder / RESULT).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} exists and is no run folder; choose another with -o")


def write_run(
    folder: Path, document: Mapping[str, Any], result: RunResult, network: Network, card: Card | None, source: Source
) -> None:
    """Write a run folder, whole or not at all; an older run of the same name is replaced.

    Raises
    ------
    InputError
        If the folder cannot be written, or stands for something else than a run.
    """
    import pyarrow as pa
    from pyarrow import parquet
    from safetensors.numpy import save_file

    check_run_folder(folder)
    summary = {name: value for name, value in document.items() if name not in ("predictions", "labels")}
    record = {
        "format": FORMAT,
        **summary,
        "network": {
            "file": source.network,
            "sha256": source.sha256,
            "sizes": list(network.sizes),
            "card": card.to_dict() if card else None,
        },
        "data": {"name": source.data, "part": source.part, "limit": source.limit, "complete": source.complete},
        "examples": list(source.texts),
        "presented": list(source.presented),
        "work": asdict(source.work),
        "placement": placed(network, result.period, result.neuron_spikes, result.samples * result.period),
    }
    labels = document["labels"]
    columns: dict[str, Any] = {"row": source.rows}
    if labels is not None:
        columns["label"] = labels
    columns |= {"prediction": document["predictions"], "output_counts": list(result.output_counts)}
    for tally in result.layers:
        for count in ("spikes", "synops", "synops_nonzero", "active_updates", "wraps", "clips"):
            columns[f"{tally.name}_{count}"] = getattr(tally, count)
    with replacing_folder(folder) as temporary:
        parquet.write_table(pa.table(columns), temporary / SAMPLES)
        trains = {f"layer{index}": np.ascontiguousarray(train) for index, train in enumerate(result.trains)}
        save_file(trains, temporary / TRAINS)
        write_json(temporary / RESULT, record)


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Attributes
    ----------
    name
        Name of the folder.
    record
        result.json.
    output_counts
        (n, classes) output spikes.
    predictions
        (n,) classes.
    labels
        (n,) true classes or None.
    trains
        Spike trains of the first EXAMPLES samples: (samples, period, neurons) uint8 of the input and every layer.
    """

    name: str
    record: Mapping[str, Any]
    output_counts: np.ndarray
    predictions: np.ndarray
    labels: np.ndarray | None
    trains: tuple[np.ndarray, ...]


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises
    ------
    InputError
        If it is missing, incomplete or damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not folder.is_dir():
        raise InputError(f"run {folder}: no such folder")
    record = read_json(folder / RESULT)
    if record.get("format") != FORMAT:
        raise InputError(f"run {folder}: has format {record.get('format')!r}; this version reads format {FORMAT}")
    try:
        table = parquet.read_table(folder / SAMPLES)
        counts = np.stack(table.column("output_counts").to_numpy(zero_copy_only=False)).astype(np.int64)
        predictions = table.column("prediction").to_numpy()
        labels = table.column("label").to_numpy() if "label" in table.column_names else None
        sizes = record["network"]["sizes"]
        packed = load_file(folder / TRAINS)
        trains = tuple(
            np.unpackbits(packed[f"layer{index}"][:EXAMPLES], axis=2, count=size) for index, size in enumerate(sizes)
        )
        _check_record(record, counts, predictions, labels)
    except (OSError, SafetensorError, pa.ArrowException, InputError, *_MALFORMED) as error:
        raise InputError(f"run {folder}: is damaged: {first_line(error)}") from error
    return Run(folder.name, record, counts, predictions, labels, trains)


def _check_record(
    record: Mapping[str, Any], counts: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None
) -> None:
    """Raise one of the errors of a damaged file if the record is not what `write_run` writes."""
    samples, names = record["samples"], record["label_names"]
    if not samples or any(len(column) != samples for column in (counts, predictions)):
        raise ValueError(f"{RESULT} tells of {samples} samples, {SAMPLES} holds {len(counts)}")
    if counts.shape[1] != len(names) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{RESULT} names {len(names)} classes, {SAMPLES} counts {counts.shape[1]}")
    for column in (predictions, labels):
        if column is not None and not np.isin(column, np.arange(len(names))).all():
            raise ValueError(f"{SAMPLES} has a class that {RESULT} does not name")
    for layer, size in zip(record["layers"], record["network"]["sizes"], strict=True):
        if layer["neurons"] != size or min(layer[count] for count in _COUNTS) < 0 or not isinstance(layer["name"], str):
            raise ValueError(f"{RESULT} has a layer {layer['name']!r} that does not fit the network")
    for text in (record["backend"], record["network"]["file"], *record["examples"]):
        if not isinstance(text, str):
            raise TypeError(f"{RESULT} holds {str(text)[:40]!r} where a text should stand")
    _check_presented(record)
    _check_counted(record)
    if (record["accuracy"] is None) != (labels is None) or min(record["window"], record["period"], record["steps"]) < 1:
        raise ValueError(f"{RESULT} contradicts {SAMPLES}")
    card = record["network"]["card"]
    if card is not None and (
        not isinstance(card["encoder"]["kind"], str)
        or type(card["embedding"]["dimension"]) is not int
        or card["embedding"]["dimension"] < 0
    ):
        raise ValueError(f"{RESULT} has a card without encoder or embedding")
    if card is not None and (training := card["training"]):
        check_training(training)


def _check_counted(record: Mapping[str, Any]) -> None:
    check_work(record["work"])
    check_placed(record["placement"], len(record["layers"]) - 1)
    if any(layer["active_updates"] > layer["neuron_updates"] for layer in record["layers"]):
        raise ValueError(f"{RESULT} has more active updates than updates")
    if (right := record["right_over_time"]) is not None and (
        len(right) != record["window"]
        or not all(type(count) is int and 0 <= count <= record["samples"] for count in right)
    ):
        raise ValueError(f"{RESULT} has an accuracy over time that is none")


def _check_presented(record: Mapping[str, Any]) -> None:
    for steps in record["presented"]:
        for step, word in steps:
            if type(step) is not int or not 0 <= step < record["window"] or not isinstance(word, str):
                raise ValueError(f"{RESULT} presents {str(word)[:40]!r} at step {str(step)[:40]}")
