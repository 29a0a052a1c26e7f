"""The model folder: config.json, weights.safetensors, history.csv and README.md."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import load_encoder
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, atomic_file, check_int, check_utf8, read_json, write_json
from snnlp_lava.network import limits
from snnlp_lava.network.network import Network, sizes_text
from snnlp_lava.netx.card import BASELINES, Card, TrainingRecord
from snnlp_lava.records import build, versions
from snnlp_lava.train.methods.base import ANN, SNN_BIN, SNN_RATE, SPIKE_EMBEDDING, TrainConfig

if TYPE_CHECKING:
    from snnlp_lava.train.slayer import SpikingClassifier

CONFIG, WEIGHTS, HISTORY, README, CHECKPOINT = (
    "config.json",
    "weights.safetensors",
    "history.csv",
    "README.md",
    "checkpoint.safetensors",
)


FORMAT = 2


_MODULE = "module."


@dataclass(frozen=True)
class ModelInfo:
    """What config.json holds: all that is known of a model but its weights.

    Attributes
    ----------
    train
        How it was trained.
    sizes
        Input lines, hidden layers, classes.
    label_names
        Name of each class.
    embedding
        The model that made its vectors, or the list that holds its word codes.
    encoder
        The encoder's description (see `snnlp_lava.encode.base`), empty for an ANN.
    data
        Name, hash, split scheme, limit and number of rows of the data.
    scores
        ``best_epoch``, and accuracy and MRR on ``validation`` and ``test``.
    baselines
        The same for ``ann`` and ``tfidf`` on the same rows, with their cost in MACs.
    versions
        Versions of the packages that made it.
    """

    train: TrainConfig
    sizes: tuple[int, ...]
    label_names: tuple[str, ...]
    embedding: EmbeddingInfo
    encoder: Mapping[str, Any]
    data: Mapping[str, Any]
    scores: Mapping[str, Any]
    baselines: Mapping[str, Any]
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "format": FORMAT,
            "train": self.train.to_dict(),
            "sizes": list(self.sizes),
            "label_names": list(self.label_names),
            "embedding": self.embedding.to_dict(),
            "encoder": dict(self.encoder),
            "data": dict(self.data),
            "scores": dict(self.scores),
            "baselines": dict(self.baselines),
            "versions": dict(self.versions),
        }


def write_model(
    folder: Path,
    info: ModelInfo,
    state: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
    history: list[dict[str, float]],
) -> None:
    """Write a finished model; config.json comes last, so that a folder that has it is complete.

    Parameters
    ----------
    folder
        Where to.
    info
        Its description.
    state
        The module's weights.
    arrays
        The encoder's arrays, or ``mean`` and ``factor`` of the ANN's standardisation.
    history
        One row an epoch.
    """
    from safetensors.numpy import save

    tensors = {_MODULE + name: np.ascontiguousarray(value) for name, value in state.items()}
    with atomic_file(folder / WEIGHTS) as temporary:
        temporary.write_bytes(save({**tensors, **arrays}))
    with atomic_file(folder / HISTORY) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    with atomic_file(folder / README) as temporary:
        temporary.write_text(model_card(folder.name, info), "utf-8")
    write_json(folder / CONFIG, info.to_dict())
    (folder / CHECKPOINT).unlink(missing_ok=True)


def read_info(folder: Path) -> ModelInfo:
    """Read config.json.

    Raises
    ------
    InputError
        If the folder holds no finished model, or its config.json is malformed.
    """
    if not folder.is_dir():
        raise InputError(f"model {folder}: no such folder")
    if not (folder / CONFIG).exists():
        state = (
            "its training is not finished (train --resume goes on)" if (folder / CHECKPOINT).exists() else "no model"
        )
        raise InputError(f"model {folder}: has no {CONFIG}: {state}")
    document = read_json(folder / CONFIG)
    if document.get("format") != FORMAT:
        raise InputError(f"model {folder}: has format {document.get('format')!r}; this version reads format {FORMAT}")
    try:
        info = ModelInfo(
            train=TrainConfig.from_dict(document["train"]),
            sizes=tuple(int(size) for size in document["sizes"]),
            label_names=tuple(str(name) for name in document["label_names"]),
            embedding=build(EmbeddingInfo, document["embedding"]),
            encoder=dict(document["encoder"]),
            data=dict(document["data"]),
            scores=dict(document["scores"]),
            baselines=dict(document["baselines"]),
            versions=dict(document["versions"]),
        )
        _training(info, None)
    except InputError as error:
        raise InputError(f"model {folder}: {CONFIG}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"model {folder}: {CONFIG} is malformed: {error}") from error
    if len(info.sizes) < 2 or min(info.sizes) < 1 or max(info.sizes) > limits.MAX_NEURONS:
        raise InputError(f"model {folder}: {CONFIG} has sizes {info.sizes}")
    return info


def read_weights(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Read weights.safetensors: the module's weights, and the arrays beside them.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / WEIGHTS
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise InputError(f"model {folder}: {WEIGHTS} cannot be read: {error}") from error
    state = {name[len(_MODULE) :]: value for name, value in tensors.items() if name.startswith(_MODULE)}
    return state, {name: value for name, value in tensors.items() if not name.startswith(_MODULE)}


def load_spiking(folder: Path) -> tuple[ModelInfo, SpikingClassifier]:
    """Load a spiking model, ready to run.

    Raises
    ------
    InputError
        If the folder holds no spiking model, or its weights do not fit its description.
    """
    info = read_info(folder)
    if info.train.method == ANN:
        raise InputError(
            f"model {folder}: is an {info.train.method}, which has no spikes; train with --method {SNN_RATE}"
        )
    state, arrays = read_weights(folder)
    found, wanted = sum(array.size for array in state.values()), sum(a * b for a, b in pairwise(info.sizes))
    if found < wanted:  # before memory is taken for as many as the sizes say
        raise InputError(f"model {folder}: {WEIGHTS} does not fit {CONFIG}: {found} numbers, {wanted} weights")
    import torch

    from snnlp_lava.train.slayer import SpikingClassifier

    try:
        module = SpikingClassifier(info.sizes, info.train, load_encoder(info.encoder, arrays))
        module.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    except InputError as error:
        raise InputError(f"model {folder}: {error}") from error
    except (RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"model {folder}: {WEIGHTS} does not fit {CONFIG}: {one_line(error)}") from error
    module.eval()
    return info, module


def model_card(name: str, info: ModelInfo) -> str:
    """The model's README.md: what it is, how good, how made."""
    rows = "\n".join(
        f"| {title} | {scores['validation']['accuracy']:.1%} | {scores['test']['accuracy']:.1%} "
        f"| {scores['test']['mrr']:.3f} |"
        for title, scores in score_rows(info)
    )
    data = info.data
    origin = f"Vectors: {info.embedding.name or 'given as a file'}"
    if info.train.method == SNN_BIN:
        kept = "".join(f"; {name.replace('_', ' ')} {value:.3f}" for name, value in data.get("codes", {}).items())
        origin = f"Word codes: {info.embedding.name}{kept}"
    elif info.train.method == SPIKE_EMBEDDING:
        origin = "Word codes: learned from the training texts"
    takes_texts = info.embedding.name or info.train.method == SPIKE_EMBEDDING
    given = '--text "a text of yours"' if takes_texts else "--data DATA --vectors VECTORS.npy"
    use = f"    snnlp-lava export models/{name}\n    snnlp-lava run netx_exports/{name}.net {given}"
    steps = f" Window: {info.train.window} steps."
    if info.train.method == ANN:
        use, steps = "An ANN has no spikes to export: it is what spiking methods are compared with.", ""
    return f"""---
library_name: snnlp-lava
pipeline_tag: text-classification
tags: [text-classification, spiking-neural-network, lava, loihi]
---

# {name}

A text classifier: method {info.train.method}, {info.train.level} level, layers of {sizes_text(info.sizes)},
trained on `{data["name"]}` (split scheme `{data["split_scheme"]}`: {data["rows"]["train"]} texts to train,
{data["rows"]["validation"]} to choose the epoch, {data["rows"]["test"]} to test).

| model | validation accuracy | test accuracy | test MRR |
|---|---|---|---|
{rows}

Classes: {", ".join(info.label_names)}.

{origin}.{steps}
Best epoch: {info.scores["best_epoch"]} of {info.train.epochs}, seed {info.train.seed}.

{use}

Configuration:

```json
{json.dumps(info.train.to_dict(), indent=1)}
```
"""


def score_rows(info: ModelInfo) -> list[tuple[str, Mapping[str, Any]]]:
    """The model, then its baselines, each with a title and its scores."""
    rows: list[tuple[str, Mapping[str, Any]]] = [(info.train.method, info.scores)]
    rows += [(BASELINES.get(name, name), scores) for name, scores in info.baselines.items()]
    return rows


def export_model(folder: StrPath, period: int | None = None) -> tuple[Network, Card]:
    """Network and card of a trained spiking model.

    Parameters
    ----------
    folder
        The model folder.
    period
        Steps from one sample to the next; the window by default.

    Raises
    ------
    InputError
        If the folder holds no spiking model or has a name that is not UTF-8, its weights cannot be stored on the chip,
        or the period is shorter than the window.
    """
    folder = as_path(folder)
    name = folder.resolve().name
    check_utf8(name, "model")
    check_int("period", period)
    info, module = load_spiking(folder)
    try:
        network = module.to_network()
        card = Card(
            method=info.train.method,
            level=info.train.level,
            label_names=info.label_names,
            window=info.train.window,
            period=info.train.window if period is None else period,
            embedding=info.embedding,
            encoder=module.encoder,
            training=_training(info, name),
            versions=versions(),
        )
    except InputError as error:
        raise InputError(f"model {folder}: {error}") from error
    return network, card


def _training(info: ModelInfo, name: str | None) -> TrainingRecord:
    """The record of a training; InputError if the model's description is none."""
    parts = {part: dict(getattr(info, part)) for part in ("data", "scores", "baselines")}
    return TrainingRecord.of(config=info.train.to_dict(), model=name, **parts)
