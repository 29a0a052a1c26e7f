"""Train a model and its baselines on the same rows, and write the model folder."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.errors import InputError
from snnlp_lava.extras import install_command
from snnlp_lava.files import StrPath, as_path, folder_lock
from snnlp_lava.metrics import accuracy_and_mrr, tie_broken_counts
from snnlp_lava.network.network import Network
from snnlp_lava.network.readout import calibration_error, class_probabilities, fit_temperature, readout_scores
from snnlp_lava.netx.card import Card
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.records import versions
from snnlp_lava.text.dataset import PARTS, TEST, TRAIN, VALIDATION, TextData
from snnlp_lava.train.data import TrainingData, data_record, final_embedding, prepare_rows, select_rows
from snnlp_lava.train.methods.ann import Ann
from snnlp_lava.train.methods.base import Features, FeatureSource, Method, Trained, TrainingRun
from snnlp_lava.train.methods.make import make_method, to_document
from snnlp_lava.train.model_folder import CHECKPOINT, CONFIG, ModelRecord, make_card, read_record, write_model

logger = logging.getLogger(__name__)

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, malloc.h
_KEPT_BYTES = 1 << 30
_CALIBRATED_AT_ONCE = 64
_OPTION_OF = {"sha256": "texts or labels", "split_scheme": "--split-scheme", "limit": "--limit", "rows": "split"}


def keep_freed_memory() -> None:
    """Make malloc keep freed memory for the next batch, process-wide; for commands, not for library use.

    Each training step allocates and frees tens of megabytes; with glibc's defaults the page faults take about as long
    as the neurons. Without glibc nothing changes.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)


@contextmanager
def reserve_folder(folder: Path, resume: bool, method: Method) -> Iterator[ModelRecord | None]:
    """Lock a folder for one training; yields the model's record if it is already finished.

    Raises
    ------
    InputError
        If the folder contains a model or an unfinished training and `resume` is not set, a finished model of other
        options, or other files, or if another process is training into it.
    """
    with folder_lock(folder, "model"):
        yield _finished(folder, resume, method)


def _finished(folder: Path, resume: bool, method: Method) -> ModelRecord | None:
    if (folder / CONFIG).exists() and resume:
        record = read_record(folder)
        if record.options != to_document(method):
            raise InputError(f"model {folder}: was trained with other options; choose another folder with -o")
        return record
    _check_empty(folder)
    if (folder / CHECKPOINT).exists() and not resume:
        raise InputError(
            f"model {folder}: contains an unfinished training; add --resume to continue, or choose another -o"
        )
    return None


def check_same_data(folder: Path, record: ModelRecord, data: TextData, split_scheme: str, limit: int | None) -> None:
    """Check that a finished model was trained on these data; their name does not matter.

    Raises
    ------
    InputError
        If texts, labels, split or limit differ.
    """
    found = data_record(data, select_rows(data, split_scheme, limit), split_scheme, limit)
    trained_on = record.data.to_dict()
    for name, what in _OPTION_OF.items():
        if trained_on.get(name) != found[name]:
            raise InputError(f"model {folder}: was trained on other data ({what}); choose another folder with -o")


def _check_empty(folder: Path) -> None:
    """Check that a folder does not exist, is empty or contains an unfinished training."""
    if (folder / CONFIG).exists():
        raise InputError(f"model {folder}: contains a finished model; remove it or choose another folder with -o")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"model {folder}: is a file; choose another folder with -o")
    if folder.is_dir() and not (folder / CHECKPOINT).exists() and any(folder.iterdir()):
        raise InputError(f"model {folder}: contains other files; choose another folder with -o")


def train_model(
    data: TrainingData,
    folder: StrPath,
    method: str | None = None,
    *,
    device: str = "auto",
    progress: ProgressCallback = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
    **options: Any,
) -> ModelRecord:
    """Train a model and its baselines on the same rows, and write the model folder.

    Without scikit-learn the baseline TF-IDF is left out.

    Parameters
    ----------
    data
        From `prepare_data`.
    folder
        The model folder: new, empty, or with a checkpoint of the same training, which continues.
    method
        One of METHODS with the same features; by default the method that the data were prepared for.
    device
        ``auto``, ``cpu`` or ``cuda``.
    progress, on_epoch
        Called with stage, done, total; and with each epoch's row of the history.
    options
        Options of the method, as ``snnlp-lava train --help`` lists them; for the method that the data were prepared
        for, only those that differ.

    Raises
    ------
    InputError
        If an option is unknown, unused or out of range, the method needs other features than were prepared or does not
        match the folder's checkpoint, the folder contains a finished model or other files, or the device is unknown or
        not available.
    """
    if method is None:
        usual = type(data.method)().options()
        given = {name: value for name, value in data.method.options().items() if value != usual[name]} | options
        return train_into(make_method(data.method.name, **given), data, as_path(folder), device, progress, on_epoch)
    return train_into(make_method(method, **options), data, as_path(folder), device, progress, on_epoch)


def train_into(
    method: Method,
    data: TrainingData,
    folder: Path,
    device: str = "auto",
    progress: ProgressCallback = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> ModelRecord:
    """Train like `train_model`, with an existing method."""
    _check_empty(folder)
    data.check_features(method)
    trained = method.fit(data, TrainingRun(device, folder / CHECKPOINT, progress, "train", on_epoch))
    baselines = {}
    if method.spiking and method.takes == "vectors":  # as an ANN can
        ann = Ann.beside(method.resolved(data.classes)).fit(data, TrainingRun(device, None, progress, "baseline"))
        baselines["ann"] = {**ann.scores, "sizes": list(ann.sizes), **_macs(ann, data.features[TEST])}
    if importlib.util.find_spec("sklearn") is None:
        logger.warning("no baseline TF-IDF, which needs scikit-learn; to see it, type: %s", install_command("sklearn"))
    else:
        baselines["tfidf"] = _tfidf(data)
    record = _record(method, data, trained, baselines)
    write_model(folder, record, trained.tensors, trained.arrays, trained.history)
    return record


@dataclass(frozen=True)
class TrainedModel:
    """A model in memory, with the contents of a model folder.

    Attributes
    ----------
    record
        Its description.
    trained
        Weights, encoder and network.
    """

    record: ModelRecord
    trained: Trained

    @property
    def network(self) -> Network:
        """The integer network.

        Raises
        ------
        InputError
            If the method has no spikes.
        """
        if self.trained.network is None:
            raise InputError(f"method {self.record.method.name} has no spikes; choose another one")
        return self.trained.network

    @property
    def card(self) -> Card:
        """Return the card of its network file."""
        assert self.trained.encoder is not None
        assert self.trained.window is not None
        return make_card(self.record, self.trained.encoder, self.trained.window, None)

    def save(self, folder: StrPath) -> None:
        """Write the model folder.

        Raises
        ------
        InputError
            If the folder contains other files, or cannot be written.
        """
        path = as_path(folder)
        _check_empty(path)
        write_model(path, self.record, self.trained.tensors, self.trained.arrays, self.trained.history)


def train_rows(
    method: Method,
    items: Sequence[str] | np.ndarray,
    labels: Sequence[str],
    validation: np.ndarray,
    sources: Mapping[str, Any],
    label_type: str = "str",
    progress: ProgressCallback = no_progress,
) -> TrainedModel:
    """Train on texts or vectors in memory, without baselines; validation rows also serve as test rows.

    Parameters
    ----------
    method
        The method with its options.
    items
        n texts, or vectors (n, d) for a method that takes vectors.
    labels
        n names of classes.
    validation
        (n,) bool: rows used for all choices, such as the best epoch.
    sources
        Fields of `snnlp_lava.train.methods.base.FeatureSource`.
    label_type
        Python type of the labels; integers are sorted numerically.
    progress
        Called with stage, done, total.

    Raises
    ------
    InputError
        If there is only one class, or method, texts and sources do not match.
    """
    names = sorted(set(labels), key=int if label_type == "int" else None)
    index = {name: number for number, name in enumerate(names)}
    rows = {TRAIN: np.flatnonzero(~validation), VALIDATION: np.flatnonzero(validation)}
    rows[TEST] = rows[VALIDATION]
    texts = [f"vector {row}" for row in range(len(items))] if isinstance(items, np.ndarray) else list(items)
    data = TextData("memory", texts, np.array([index[name] for name in labels], dtype=np.int64), tuple(names))
    if isinstance(items, np.ndarray):
        if method.takes != "vectors":
            raise InputError(f"method {method.name} takes texts, got vectors of shape {items.shape}")
        splits = {split: items[chosen] for split, chosen in rows.items()}
        features = Features(splits, EmbeddingInfo(None, None, items.shape[1]))
        prepared = prepare_rows(method, data, rows, FeatureSource(), features=features)
    else:
        prepared = prepare_rows(method, data, rows, FeatureSource(**sources), progress)
    trained = method.fit(prepared, TrainingRun(report=progress))
    return TrainedModel(_record(method, prepared, trained, {}).replace(label_type=label_type), trained)


def _record(method: Method, data: TrainingData, trained: Trained, baselines: Mapping[str, Any]) -> ModelRecord:
    temperature, error = _calibrate(data, trained) if trained.network is not None else (1.0, None)
    return ModelRecord.of(
        options=to_document(method),
        sizes=trained.sizes,
        label_names=data.label_names,
        embedding=final_embedding(data, trained),
        encoder=trained.encoder.to_dict() if trained.encoder else None,
        data=data.metadata,
        scores=trained.scores,
        baselines=baselines,
        versions=versions(),
        temperature=temperature,
        calibration_error=error,
    )


def _calibrate(data: TrainingData, trained: Trained) -> tuple[float, float]:
    """Fit the temperature of the read-out's scores on the validation rows, and measure the calibration error."""
    encoder, network, window = trained.encoder, trained.network, trained.window
    assert encoder is not None
    assert network is not None
    assert window is not None
    features, labels = data.features[VALIDATION], data.labels(VALIDATION)
    scores, answers = [], []
    for start in range(0, len(labels), _CALIBRATED_AT_ONCE):
        spikes = encoder.encode(encoder.quantise(features[start : start + _CALIBRATED_AT_ONCE], window), window)
        trains = [spikes, *(run.spikes for run in network.run(spikes))]
        scores.append(readout_scores(network, trains))
        answers.append(tie_broken_counts(trains[-1]).argmax(axis=1))
    found, chosen = np.concatenate(scores), np.concatenate(answers)
    temperature = fit_temperature(found, labels)
    probabilities = class_probabilities(found, chosen, temperature).max(axis=1)
    return temperature, calibration_error(probabilities, chosen == labels)


def _macs(ann: Trained, vectors: np.ndarray) -> dict[str, float]:
    import torch

    from snnlp_lava.train.baselines import AnnClassifier, effective_macs, macs, standardise

    classifier = AnnClassifier(ann.sizes)
    classifier.load_state_dict({name: torch.from_numpy(value) for name, value in ann.tensors.items()})
    inputs = standardise(vectors, ann.arrays["mean"], ann.arrays["factor"])
    return {"macs": macs(ann.tensors), "effective_macs": effective_macs(classifier, inputs)}


def _tfidf(data: TrainingData) -> dict[str, Any]:
    from snnlp_lava.train.tfidf import fit_tfidf

    texts = {split: data.data.select(data.rows[split]) for split in PARTS}
    found = fit_tfidf(
        texts[TRAIN],
        data.labels(TRAIN),
        texts[VALIDATION],
        data.labels(VALIDATION),
        texts[TEST],
        data.classes,
    )
    return {
        VALIDATION: accuracy_and_mrr(found.validation, data.labels(VALIDATION)),
        TEST: accuracy_and_mrr(found.test, data.labels(TEST)),
        "C": found.strength,
        "vocabulary": found.vocabulary,
        "macs": found.macs,
    }
