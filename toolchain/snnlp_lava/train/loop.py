"""Train torch modules: shuffled batches, best epoch by validation, a checkpoint after every epoch."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from snnlp_lava import __version__
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import atomic_file, check_choice
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION
from snnlp_lava.train.methods.base import GradientOptions, Trained, TrainingRun
from snnlp_lava.train.methods.make import to_document

if TYPE_CHECKING:
    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.network.network import Network
    from snnlp_lava.train.data import TrainingData

_TRUE_RATE, _FALSE_RATE = 0.75, 0.05


Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """The differences between our recipe and that of SNNLP's code.

    Attributes
    ----------
    shuffle
        Whether every epoch has its own order.
    cosine
        Whether the learning rate falls to 0 along a cosine.
    weight_decay
        Adam's.
    by_loss
        Whether the best epoch is the one with the lowest validation loss; else it has the highest accuracy.
    loss
        Loss of logits (n, classes) and labels (n,): a mean, or a sum, over the batch.
    warm_up
        Fraction of the training in which the learning rate rises to the cosine.
    settled_from
        Fraction of the training after which an epoch may be the best.
    """

    shuffle: bool
    cosine: bool
    weight_decay: float
    by_loss: bool
    loss: Loss
    warm_up: float = 0.0
    settled_from: float = 0.0

    def rate(self, options: GradientOptions, done: float) -> float:
        """Return the learning rate after `done` epochs."""
        rate = options.learning_rate * (0.5 * (1 + math.cos(math.pi * done / options.epochs)) if self.cosine else 1.0)
        return rate * min(1.0, done / options.epochs / self.warm_up) if self.warm_up else rate

    def order(self, rows: int, rng: np.random.Generator) -> np.ndarray:
        """Return the order of the training rows in an epoch."""
        return rng.permutation(rows) if self.shuffle else np.arange(rows)


def recipe_for(options: GradientOptions, rate_per_logit: float | None) -> Recipe:
    """Return the recipe of a method.

    Parameters
    ----------
    options
        The method with its options; with ``reference`` the recipe is that of SNNLP's published code.
    rate_per_logit
        Output spikes per step that a logit of 1 represents, to convert logits to spike rates; None without spikes.
    """
    if not getattr(options, "reference", False):
        return Recipe(shuffle=True, cosine=True, weight_decay=0.0, by_loss=False, loss=functional.cross_entropy)
    loss = functional.cross_entropy if rate_per_logit is None else _spike_rate_loss(rate_per_logit)
    return Recipe(shuffle=False, cosine=False, weight_decay=1e-5, by_loss=True, loss=loss)


def _spike_rate_loss(rate_per_logit: float) -> Loss:
    """Compute SLAYER's SpikeRate loss with reduction 'sum': squared distance of the output rates from 0.75 and 0.05."""

    def loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        targets = torch.full_like(logits, _FALSE_RATE).scatter_(1, labels[:, None], _TRUE_RATE)
        return ((logits * rate_per_logit - targets) ** 2).sum()

    return loss


_EVALUATION_BATCH = 256
_PRUNE_EVERY = 20


class TrainableModule(Protocol):
    """A torch module that the loop can train.

    Attributes
    ----------
    rate_per_logit
        As for `recipe_for`.
    spikes_counted
        Running count of spikes of the input and all layers in training, updated by the module.

    A module may also have `recipe`, a `Recipe` of its own, and `prune`, which is called every few batches with the
    fraction of the training that is done.
    """

    rate_per_logit: float | None
    spikes_counted: int

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Compute logits (n, classes) of inputs (n, ...)."""
        ...

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute logits, and the scores that rank classes, of inputs (n, ...): (n, classes) each."""
        ...


class Learner(Protocol):
    """A learner for `fit_learner`.

    Attributes
    ----------
    module
        The module to train, a `TrainableModule`.
    """

    module: nn.Module

    def inputs(self, features: Any) -> np.ndarray:
        """Convert features to inputs of the module, (n, ...)."""
        ...

    def finalise(self) -> Finalised:
        """Return the final classifier after training; `inputs` then converts features for its module."""
        ...


@dataclass(frozen=True)
class Finalised:
    """The result of a learner.

    Attributes
    ----------
    module
        The module that classifies.
    sizes, encoder, arrays, network, window
        As in `Trained`.
    """

    module: nn.Module
    sizes: tuple[int, ...]
    encoder: Encoder | None = None
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    network: Network | None = None
    window: int | None = None


class Examples(NamedTuple):
    """Inputs (n, ...) and labels (n,) int64."""

    inputs: np.ndarray
    labels: np.ndarray


@dataclass
class TrainingState:
    """The state of a training.

    Attributes
    ----------
    history
        One row per epoch: epoch, train_loss, train_spikes (per sample, of the input and all layers, after dropout),
        validation_loss, validation_accuracy, validation_mrr.
    best_epoch
        Epoch, from 1, with the highest validation accuracy; ties go to the lowest validation loss. With the reference
        recipe the one with the lowest loss; ties go to the latest.
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
    options: GradientOptions,
    *,
    checkpoint: Path | None = None,
    fingerprint: str = "",
    on_epoch: OnEpoch = lambda row: None,
    on_batch: OnBatch = lambda done, total: None,
) -> TrainingState:
    """Train a classifier, and load the best epoch's weights into it.

    Order and dropout of an epoch depend only on (seed, epoch), so a training resumed from a checkpoint ends with the
    same weights as one that was never interrupted.

    Parameters
    ----------
    model
        A `TrainableModule`.
    train, validation
        Examples for training, and for choosing the epoch.
    options
        Epochs, batch size, learning rate and seed.
    checkpoint
        File that stores the state after every epoch; training continues from it if it exists.
    fingerprint
        Hash of options and data; a checkpoint with another one is refused.
    on_epoch, on_batch
        Called after each epoch with its row of the history, and after each batch.

    Raises
    ------
    InputError
        If the checkpoint is damaged or belongs to another training.
    """
    recipe = getattr(model, "recipe", None) or recipe_for(options, model.rate_per_logit)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate, weight_decay=recipe.weight_decay)
    state, best = TrainingState(), _state(model)
    if checkpoint is not None and checkpoint.exists():
        state, best = _load_checkpoint(checkpoint, fingerprint, model, optimizer)
        for row in state.history:
            on_epoch(row)
    for epoch in range(state.epochs_done, options.epochs):
        row = {"epoch": epoch + 1, **_epoch(model, optimizer, train, options, recipe, epoch, on_batch)}
        row |= _validate(model, validation, recipe)
        state.history.append(row)
        settled = epoch + 1 >= recipe.settled_from * options.epochs
        if settled and _better(row, state, recipe):
            state.best_epoch, best = epoch + 1, _state(model)
        if checkpoint is not None:
            _save_checkpoint(checkpoint, fingerprint, model, optimizer, state, best)
        on_epoch(row)
    model.load_state_dict(best)
    model.eval()
    return state


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let torch and numba use one thread, so that results do not depend on the number of cores."""
    import numba

    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before[1])
        torch.set_num_threads(before[0])  # last, as numba's threads may be torch's


def fit_learner(make: Callable[[], Learner], data: TrainingData, method: GradientOptions, run: TrainingRun) -> Trained:
    """Train a learner by gradient descent, and score the result.

    Parameters
    ----------
    make
        Creates the learner, after torch's random numbers are seeded.
    data
        Data for training, choosing the epoch, and scoring.
    method
        The method with its options.
    run
        How and where.

    Raises
    ------
    InputError
        As `fit`.
    """
    torch.manual_seed(method.seed)  # for the initial weights; `fit` seeds each epoch
    learner = make()
    examples = {
        split: Examples(learner.inputs(data.features[split]), data.labels(split)) for split in (TRAIN, VALIDATION)
    }
    state = fit(
        learner.module.to(choose_device(run.device)),
        examples[TRAIN],
        examples[VALIDATION],
        method,
        checkpoint=run.checkpoint,
        fingerprint=_fingerprint(method, data.label_names, examples.values()),
        on_epoch=run.on_epoch,
        on_batch=partial(run.report, run.stage),
    )
    final = learner.finalise()
    scores = {
        split: accuracy_and_mrr(evaluate(final.module, learner.inputs(data.features[split]))[1], data.labels(split))
        for split in (VALIDATION, TEST)
    }
    return Trained(
        tensors={name: value.cpu().numpy() for name, value in final.module.state_dict().items()},
        arrays=final.arrays,
        encoder=final.encoder,
        sizes=final.sizes,
        scores={"best_epoch": state.best_epoch, **scores},
        history=state.history,
        network=final.network,
        window=final.window,
    )


def _fingerprint(method: GradientOptions, label_names: Sequence[str], examples: Iterable[Examples]) -> str:
    """Hash everything that a training depends on: method and options, classes, training and validation examples."""
    digest = hashlib.sha256(json.dumps([to_document(method), *label_names], sort_keys=True).encode())
    for inputs, labels in examples:
        digest.update(f"{inputs.dtype} {inputs.shape}".encode())
        digest.update(np.ascontiguousarray(inputs).tobytes())
        digest.update(np.ascontiguousarray(labels).tobytes())
    return digest.hexdigest()


def evaluate(model: nn.Module, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute logits and class scores, (n, classes) each, of n inputs, in eval mode and without gradients."""
    model.eval()
    with torch.no_grad():
        parts = [
            model.evaluate(inputs[start : start + _EVALUATION_BATCH])
            for start in range(0, len(inputs), _EVALUATION_BATCH)
        ]
    logits, scores = zip(*parts, strict=True)
    return np.concatenate(logits), np.concatenate(scores)


def choose_device(name: str) -> torch.device:
    """Return the torch device of ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If CUDA is requested but not available, or the name is unknown.
    """
    check_choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: torch sees no CUDA device here; use --device cpu")
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def _epoch(
    model: Any,
    optimizer: torch.optim.Optimizer,
    train: Examples,
    options: GradientOptions,
    recipe: Recipe,
    epoch: int,
    on_batch: OnBatch,
) -> dict[str, float]:
    rng = np.random.default_rng([options.seed, epoch])
    torch.manual_seed(int(rng.integers(1 << 62)))
    order = recipe.order(len(train.labels), rng)
    batches = math.ceil(len(order) / options.batch_size)
    total = 0.0
    model.train()
    model.spikes_counted = 0
    prune = getattr(model, "prune", None)
    for index in range(batches):
        if prune and index % _PRUNE_EVERY == 0:
            prune((epoch + index / batches) / options.epochs)
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(options, epoch + index / batches)
        rows = order[index * options.batch_size : (index + 1) * options.batch_size]
        logits = model.logits(train.inputs[rows])
        loss = recipe.loss(logits, torch.from_numpy(train.labels[rows]).to(logits.device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += float(loss.detach()) * len(rows)
        on_batch(index + 1, batches)
    if prune:
        prune((epoch + 1) / options.epochs)
    return {"train_loss": total / len(order), "train_spikes": model.spikes_counted / len(order)}


def _validate(model: nn.Module, validation: Examples, recipe: Recipe) -> dict[str, float]:
    logits, scores = evaluate(model, validation.inputs)
    seen = validation.labels >= 0
    loss = recipe.loss(torch.from_numpy(logits[seen]), torch.from_numpy(validation.labels[seen])) if seen.any() else 0.0
    ranked = accuracy_and_mrr(scores, validation.labels)
    return {"validation_loss": float(loss), **{f"validation_{name}": value for name, value in ranked.items()}}


def _better(row: dict[str, float], state: TrainingState, recipe: Recipe) -> bool:
    if state.best_epoch == 0:
        return True
    best = state.history[state.best_epoch - 1]
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
    state: TrainingState,
    best: dict[str, torch.Tensor],
) -> None:
    from safetensors.torch import save

    tensors = {f"model.{name}": value for name, value in _state(model).items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": value.detach().clone() for name, value in moments.items()}
    metadata = {
        "fingerprint": fingerprint,
        "version": __version__,
        "history": state.history,
        "best_epoch": state.best_epoch,
    }
    with atomic_file(path) as temporary:
        kept = {name: value.cpu().contiguous() for name, value in tensors.items()}
        temporary.write_bytes(save(kept, {"snnlp_lava": json.dumps(metadata)}))


def _load_checkpoint(
    path: Path, fingerprint: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[TrainingState, dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {})["snnlp_lava"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"checkpoint {path}: is damaged ({one_line(error)}); remove it to start again") from error
    if metadata.get("version") != __version__:
        raise InputError(
            f"checkpoint {path}: was written by version {metadata.get('version')}, not {__version__}; resume with "
            "that version, or train into another folder with -o"
        )
    if metadata["fingerprint"] != fingerprint:
        raise InputError(
            f"checkpoint {path}: belongs to a training with other options or data; "
            "use the same ones, or another folder with -o"
        )
    parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "best": {}, "adam": {}}
    for name, value in tensors.items():
        part, rest = name.split(".", 1)
        parts[part][rest] = value
    model.load_state_dict(parts["model"])
    moments: dict[int, dict[str, Any]] = {}
    for name, value in parts["adam"].items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return TrainingState(metadata["history"], int(metadata["best_epoch"])), parts["best"]
