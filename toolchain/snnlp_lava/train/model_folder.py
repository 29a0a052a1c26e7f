"""Write, read and export model folders: config.json, weights.safetensors, history.csv, README.md."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import Encoder, load_encoder
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, atomic_file, check_int, check_utf8, write_json
from snnlp_lava.network.network import Network, format_sizes
from snnlp_lava.netx.card import (
    BASELINES,
    BaselineRecord,
    Card,
    DataRecord,
    LabelType,
    ModelScores,
    Scores,
    Temperature,
    TrainingRecord,
)
from snnlp_lava.records import Fraction, Record, build, load_json, versions
from snnlp_lava.train.methods.base import Method, Size, SpikingModel
from snnlp_lava.train.methods.make import from_document

CONFIG, WEIGHTS, HISTORY, README, CHECKPOINT = (
    "config.json",
    "weights.safetensors",
    "history.csv",
    "README.md",
    "checkpoint.safetensors",
)
_MODULE = "module."


class ModelRecord(Record, frozen=True):
    """The contents of config.json: everything about a model except its weights.

    Attributes
    ----------
    options
        ``method`` and options.
    sizes
        Input lines, hidden layers, classes.
    label_names
        Names of the classes.
    embedding
        The embedding model, or the list of word codes.
    encoder
        The encoder's description (see `snnlp_lava.encode.base`); None without spikes.
    data
        The training data.
    scores
        Scores on validation and test rows.
    baselines
        Scores of ``ann`` and ``tfidf`` on the same rows, with their MACs.
    versions
        Versions of the packages that trained it.
    temperature, label_type
        As in `snnlp_lava.netx.card.Card`.
    calibration_error
        Expected calibration error of the probabilities on the validation rows; None without spikes.
    """

    FORMAT = 3
    options: dict[str, Any]
    sizes: Annotated[tuple[Size, ...], Meta(min_length=2)]
    label_names: Annotated[tuple[str, ...], Meta(min_length=2)]
    embedding: EmbeddingInfo
    encoder: dict[str, Any] | None
    data: DataRecord
    scores: ModelScores
    baselines: dict[str, BaselineRecord]
    versions: dict[str, str]
    temperature: Temperature = 1.0
    calibration_error: Fraction | None = None
    label_type: LabelType = "str"

    def __post_init__(self) -> None:
        for name in self.baselines:
            if name not in BASELINES:
                raise ValueError(f"baselines.{name} is unknown (known: {', '.join(BASELINES)})")

    @property
    def method(self) -> Method:
        """The method with its options."""
        return from_document(self.options, "options")


def write_model(
    folder: Path,
    record: ModelRecord,
    tensors: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
    history: list[dict[str, float]],
) -> None:
    """Write a finished model; config.json is written last, so a folder that has it is complete.

    Parameters
    ----------
    folder
        The folder.
    record
        The record.
    tensors, arrays, history
        As in `snnlp_lava.train.methods.base.Trained`.
    """
    from safetensors.numpy import save

    weights = {_MODULE + name: np.ascontiguousarray(value) for name, value in tensors.items()}
    with atomic_file(folder / WEIGHTS) as temporary:
        temporary.write_bytes(save({**weights, **arrays}))
    with atomic_file(folder / HISTORY) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    with atomic_file(folder / README) as temporary:
        temporary.write_text(model_card(folder.name, record), "utf-8")
    write_json(folder / CONFIG, record.to_dict())
    (folder / CHECKPOINT).unlink(missing_ok=True)


def read_record(folder: Path) -> ModelRecord:
    """Read config.json.

    Raises
    ------
    InputError
        If the folder contains no finished model, or its config.json is malformed or of another format.
    """
    if not folder.is_dir():
        raise InputError(f"model {folder}: no such folder")
    if not (folder / CONFIG).exists():
        state = (
            "its training is not finished (train --resume continues)" if (folder / CHECKPOINT).exists() else "no model"
        )
        raise InputError(f"model {folder}: has no {CONFIG}: {state}")
    document = load_json(folder / CONFIG, f"model {folder}")
    found = document.get("format") if isinstance(document, dict) else None
    if found != ModelRecord.FORMAT:
        raise InputError(
            f"model {folder}: {CONFIG} has format {found!r}, this version reads {ModelRecord.FORMAT}; "
            "train it again (snnlp-lava train)"
        )
    record = build(ModelRecord, document, f"model {folder}: {CONFIG}")
    from_document(record.options, f"model {folder}: {CONFIG}: options")
    return record


def read_weights(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read weights.safetensors: the tensors and the arrays of `Trained`.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / WEIGHTS
    try:
        found = load_file(path)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise InputError(f"model {folder}: {WEIGHTS} cannot be read: {error}") from error
    tensors = {name[len(_MODULE) :]: value for name, value in found.items() if name.startswith(_MODULE)}
    return tensors, {name: value for name, value in found.items() if not name.startswith(_MODULE)}


def load_spiking(folder: Path) -> tuple[ModelRecord, SpikingModel]:
    """Load a spiking model, ready to run.

    Raises
    ------
    InputError
        If the folder contains no spiking model, or its weights do not match its description.
    """
    record = read_record(folder)
    if record.encoder is None:
        raise InputError(
            f"model {folder}: was trained with --method {record.method.name}, which has no spikes; use another --method"
        )
    tensors, arrays = read_weights(folder)
    try:
        return record, record.method.restore(record.sizes, load_encoder(record.encoder, arrays), tensors)
    except InputError as error:
        raise InputError(f"model {folder}: {error}") from error


def model_card(name: str, record: ModelRecord) -> str:
    """Return the model's README.md: description, scores, training."""
    rows = "\n".join(
        f"| {title} | {validation.accuracy:.1%} | {test.accuracy:.1%} | {test.mrr:.3f} |"
        for title, validation, test in score_rows(record)
    )
    method, data = record.method, record.data
    source = method.describe_features(record.embedding, data.to_dict())
    takes_texts = record.embedding.name or method.takes == "texts"
    example = '--text "your text"' if takes_texts else "--data DATA --vectors VECTORS.npy"
    use = f"    snnlp-lava export models/{name}\n    snnlp-lava run netx_exports/{name}.net {example}"
    if not method.spiking:
        use = "It has no spikes and cannot be exported; it is the baseline of spiking methods."
    options = method.options()
    window = f" Window: {options['window']} steps." if options.get("window") else ""
    epochs = f" of {options['epochs']}" if "epochs" in options else ""
    return f"""---
library_name: snnlp-lava
pipeline_tag: text-classification
tags: [text-classification, spiking-neural-network, lava, loihi]
---

# {name}

A text classifier: method {method.name}, {method.unit} level, layers of {format_sizes(record.sizes)},
trained on `{data.name}` (split scheme `{data.split_scheme}`: {data.rows.train} texts to train,
{data.rows.validation} to choose the epoch, {data.rows.test} to test).

| model | validation accuracy | test accuracy | test MRR |
|---|---|---|---|
{rows}

Classes: {", ".join(record.label_names)}.

{source}.{window}
Best epoch: {record.scores.best_epoch}{epochs}, seed {method.seed}.

{use}

Configuration:

```json
{json.dumps(record.options, indent=1)}
```
"""


def score_rows(record: ModelRecord) -> list[tuple[str, Scores, Scores]]:
    """Yield title, validation scores and test scores of the model, then of its baselines."""
    rows = [(record.method.name, record.scores.validation, record.scores.test)]
    return rows + [(BASELINES[name], base.validation, base.test) for name, base in record.baselines.items()]


def export_model(folder: StrPath, period: int | None = None) -> tuple[Network, Card]:
    """Return network and card of a trained spiking model.

    Parameters
    ----------
    folder
        The model folder.
    period
        Steps from one sample to the next; the window by default.

    Raises
    ------
    InputError
        If the folder contains no spiking model or its name is not UTF-8, its weights cannot be stored on the chip,
        or the period is shorter than the window.
    """
    folder = as_path(folder)
    name = folder.resolve().name
    check_utf8(name, "model")
    check_int("period", period)
    record, model = load_spiking(folder)
    try:
        return model.network, make_card(record, model.encoder, model.window, name, period)
    except InputError as error:
        raise InputError(f"model {folder}: {error}") from error


def make_card(record: ModelRecord, encoder: Encoder, window: int, name: str | None, period: int | None = None) -> Card:
    """Create a model's card; `name` is its folder's, `period` the window by default (InputError if shorter)."""
    method = record.method
    return Card(
        method=method.name,
        level=method.unit,
        label_names=record.label_names,
        window=window,
        period=window if period is None else period,
        embedding=record.embedding,
        encoder=encoder,
        training=TrainingRecord(
            config=record.options, data=record.data, scores=record.scores, baselines=record.baselines, model=name
        ),
        versions=versions(),
        temperature=record.temperature,
        label_type=record.label_type,
    )
