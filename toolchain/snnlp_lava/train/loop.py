"""The training loop: shuffled batches, best epoch by validation, a checkpoint after every epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import atomic_file, check_choice
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.train.methods.base import ANN, TrainConfig

_TRUE_RATE, _FALSE_RATE = 0.75, 0.05


Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """What the two ways differ in.

    Attributes
    ----------
    shuffle
        Whether every epoch has an order of its own.
    cosine
        Whether the learning rate falls to 0 along a cosine.
    weight_decay
        Adam's.
    by_loss
        Whether the best epoch is the one with the lowest validation loss; else it has the highest accuracy.
    loss
        Of logits (n, classes) and labels (n,): a mean, or a sum, over the batch.
    """

    shuffle: bool
    cosine: bool
    weight_decay: float
    by_loss: bool
    loss: Loss

    def rate(self, config: TrainConfig, done: float) -> float:
        """Learning rate after `done` epochs."""
        return config.learning_rate * (0.5 * (1 + math.cos(math.pi * done / config.epochs)) if self.cosine else 1.0)

    def order(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Order of the training rows in an epoch."""
        return rng.permutation(rows) if self.shuffle else np.arange(rows)


def recipe_for(config: TrainConfig, steps_per_logit: float) -> Recipe:
    """The recipe of a configuration.

    Parameters
    ----------
    config
        The configuration.
    steps_per_logit
        Output spikes over window steps that a logit of 1 stands for, by which spike rates follow from logits.
    """
    if not config.reference:
        return Recipe(shuffle=True, cosine=True, weight_decay=0.0, by_loss=False, loss=functional.cross_entropy)
    loss = functional.cross_entropy if config.method == ANN else _spike_rate_loss(steps_per_logit)
    return Recipe(shuffle=False, cosine=False, weight_decay=1e-5, by_loss=True, loss=loss)


def _spike_rate_loss(steps_per_logit: float) -> Loss:
    """SLAYER's SpikeRate with reduction 'sum': squared distance of the output rates from 0.75 and 0.05."""

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        targets = torch.full_like(logits, _FALSE_RATE).scatter_(1, labels[:, None], _TRUE_RATE)
        return ((logits * steps_per_logit - targets) ** 2).sum()

    return loss


_EVALUATION_BATCH = 256


class Classifier(Protocol):
    """What the loop trains: a module with a `logits` method over its own kind of input.

    Attributes
    ----------
    spikes_counted
        Spikes of the input and all layers in training, which the module adds to.
    """

    spikes_counted: int

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Inputs (n, ...) to logits (n, classes)."""
        ...

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (n, ...) to logits, and to the scores by which classes are ranked, (n, classes) each."""
        ...


class Examples(NamedTuple):
    """Inputs (n, ...) and labels (n,) int64."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass
class Progress:
    """Where a training stands.

    Attributes
    ----------
    history
        One row an epoch: epoch, train_loss, train_spikes (a sample, of the input and all layers, after dropout),
        validation_loss, validation_accuracy, validation_mrr.
    best_epoch
        Epoch, from 1, with the highest validation accuracy, and among equals the lowest validation loss. With the
        reference recipe the one with the lowest loss, and among equals the latest.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0

    @property
    def epochs_done(self) -> int:
        """Number of finished epochs."""
        return len(self.history)


OnEpoch = Callable[[dict[str, float]], None]


OnBatch = Callable[[int, int], None]


def fit(
    model: nn.Module,
    train: Examples,
    validation: Examples,
    config: TrainConfig,
    *,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    on_epoch: OnEpoch = lambda row: None,
    on_batch: OnBatch = lambda done, total: None,
) -> Progress:
    """Train a classifier and leave the best epoch's weights in it.

    Each epoch draws its order and its dropout from (seed, epoch) alone, so that a training resumed from a
    checkpoint ends with the same weights as one that was never interrupted.

    Parameters
    ----------
    model
        A module that satisfies `Classifier`.
    train, validation
        Examples to learn from, and to choose the epoch by.
    config
        Epochs, batch size, learning rate and seed.
    checkpoint
        File to keep the state in after every epoch, and to go on from if it exists.
    fingerprint
        Of configuration and data; a checkpoint with another one is refused.
    on_epoch, on_batch
        Called after each epoch with its history row, and after each batch.

    Raises
    ------
    InputError
        If the checkpoint is damaged or belongs to another training.
    """
    recipe = recipe_for(config, model.steps_per_logit)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, weight_decay=recipe.weight_decay)
    progress, best = Progress(), _state(model)
    if checkpoint is not None and checkpoint.exists():
        progress, best = _load_checkpoint(checkpoint, fingerprint, model, optimizer)
        for row in progress.history:
            on_epoch(row)
    for epoch in range(progress.epochs_done, config.epochs):
        row = {"epoch": epoch + 1, **_epoch(model, optimizer, train, config, recipe, epoch, on_batch)}
        row |= _validate(model, validation, recipe)
        progress.history.append(row)
        if _better(row, progress, recipe):
            progress.best_epoch, best = epoch + 1, _state(model)
        if checkpoint is not None:
            _save_checkpoint(checkpoint, fingerprint, model, optimizer, progress, best)
        on_epoch(row)
    model.load_state_dict(best)
    model.eval()
    return progress


def evaluate(model: nn.Module, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and class scores, (n, classes) each, of n inputs, in eval mode and without gradients."""
    model.eval()
    with torch.no_grad():
        parts = [
            model.evaluate(inputs[start : start + _EVALUATION_BATCH])
            for start in range(0, len(inputs), _EVALUATION_BATCH)
        ]
    logits, scores = zip(*parts, strict=True)
    return np.concatenate(logits), np.concatenate(scores)


def choose_device(name: str) -> torch.device:
    """``auto``, ``cpu`` or ``cuda`` to a device.

    Raises
    ------
    InputError
        If CUDA is asked for and absent, or the name is another.
    """
    check_choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: torch sees no CUDA device here; use --device cpu")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def _epoch(
    model: Any,
    optimizer: torch.optim.Optimizer,
    train: Examples,
    config: TrainConfig,
    recipe: Recipe,
    epoch: int,
    on_batch: OnBatch,
) -> dict[str, float]:
    rng = np.random.default_rng([config.seed, epoch])
    torch.manual_seed(int(rng.integers(1 << 62)))
    order = recipe.order(len(train.labels), rng)
    batches = math.ceil(len(order) / config.batch_size)
    total = 0.0
    model.train()
    model.spikes_counted = 0
    for index in range(batches):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(config, epoch + index / batches)
        rows = order[index * config.batch_size : (index + 1) * config.batch_size]
        logits = model.logits(train.inputs[rows])
        loss = recipe.loss(logits, torch.from_numpy(train.labels[rows]).to(logits.device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += float(loss.detach()) * len(rows)
        on_batch(index + 1, batches)
    return {"train_loss": total / len(order), "train_spikes": model.spikes_counted / len(order)}


def _validate(model: nn.Module, validation: Examples, recipe: Recipe) -> dict[str, float]:
    logits, scores = evaluate(model, validation.inputs)
    loss = recipe.loss(torch.from_numpy(logits), torch.from_numpy(validation.labels))
    ranked = accuracy_and_mrr(scores, validation.labels)
    return {"validation_loss": float(loss), **{f"validation_{name}": value for name, value in ranked.items()}}


def _better(row: dict[str, float], progress: Progress, recipe: Recipe) -> bool:
    if progress.best_epoch == 0:
        return True
    best = progress.history[progress.best_epoch - 1]
    if recipe.by_loss:
        return row["validation_loss"] <= best["validation_loss"]
    return (row["validation_accuracy"], -row["validation_loss"]) > (
        best["validation_accuracy"],
        -best["validation_loss"],
    )


def _state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _save_checkpoint(
    path: Path,
    fingerprint: str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    best: dict[str, torch.Tensor],
) -> None:
    from safetensors.torch import save

    tensors = {f"model.{name}": value for name, value in _state(model).items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": value.detach().clone() for name, value in state.items()}
    about = {"fingerprint": fingerprint, "history": progress.history, "best_epoch": progress.best_epoch}
    with atomic_file(path) as temporary:
        kept = {name: value.cpu().contiguous() for name, value in tensors.items()}
        temporary.write_bytes(save(kept, {"snnlp_lava": json.dumps(about)}))


def _load_checkpoint(
    path: Path, fingerprint: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[Progress, dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["snnlp_lava"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if about["fingerprint"] != fingerprint:
            raise InputError(
                f"checkpoint {path}: belongs to a training with other options or data; "
                "give the same ones, or another folder with -o"
            )
        progress = Progress(about["history"], int(about["best_epoch"]))
        parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "best": {}, "adam": {}}
        for name, value in tensors.items():
            part, rest = name.split(".", 1)
            parts[part][rest] = value
        model.load_state_dict(parts["model"])
        state: dict[int, dict[str, Any]] = {}
        for name, value in parts["adam"].items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"checkpoint {path}: is damaged ({one_line(error)}); remove it to begin anew") from error
    return progress, parts["best"]
