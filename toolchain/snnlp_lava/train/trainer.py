"""One training from texts to a model folder, baselines included."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.encode.base import Encoder
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, folder_lock
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.records import versions
from snnlp_lava.text.dataset import PARTS, TEST, TRAIN, VALIDATION, TextData
from snnlp_lava.train.data import Corpus, chosen_rows, describe
from snnlp_lava.train.methods.ann import _AnnPlan
from snnlp_lava.train.methods.base import ANN, SPIKE_EMBEDDING, TEXT_METHODS, TrainConfig, _Plan
from snnlp_lava.train.methods.snn import _SpikingPlan
from snnlp_lava.train.methods.spike_embedding.method import _SpikeEmbeddingPlan
from snnlp_lava.train.model_folder import CHECKPOINT, CONFIG, ModelInfo, read_info, write_model

if TYPE_CHECKING:
    from snnlp_lava.train.loop import Examples

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, malloc.h


_KEPT_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Keep freed memory for the next batch, instead of giving it back and fetching every page of it anew.

    A training step frees and takes the same tens of megabytes each time; with glibc's defaults the page faults
    cost about as much as the neurons. Elsewhere than on glibc nothing is changed.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)


@dataclass(frozen=True)
class Trained:
    """A classifier after training.

    Attributes
    ----------
    state
        The module's weights at the best epoch.
    arrays
        The encoder's arrays, or ``mean`` and ``factor`` of the ANN's standardisation.
    encoder
        The encoder, None for an ANN.
    sizes
        Input lines, hidden layers, classes.
    scores
        Best epoch, and accuracy and MRR on validation and test rows.
    history
        One row an epoch.
    """

    state: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    encoder: Encoder | None
    sizes: tuple[int, ...]
    scores: dict[str, Any]
    history: list[dict[str, float]]


def train_classifier(
    corpus: Corpus,
    config: TrainConfig,
    device: str,
    checkpoint: Path | None,
    report: ProgressCallback = no_progress,
    stage: str = "train",
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Trained:
    """Train one classifier, without baselines and without writing anything but the checkpoint.

    Parameters
    ----------
    corpus, config, device, on_epoch
        As for `train_model`.
    checkpoint
        See `snnlp_lava.train.loop.fit`.
    report, stage
        Progress, and what an epoch is called there.

    Raises
    ------
    InputError
        If the configuration does not fit the data or the checkpoint.
    """
    import torch

    from snnlp_lava.train.loop import Examples, choose_device, evaluate, fit

    keep_freed_memory()
    torch.manual_seed(config.seed)  # of the initial weights; `fit` seeds each epoch
    kinds = {ANN: _AnnPlan, SPIKE_EMBEDDING: _SpikeEmbeddingPlan}
    plan: _Plan = kinds.get(config.method, _SpikingPlan)(corpus, config, report)
    examples = {part: Examples(plan.inputs(corpus.features[part]), corpus.labels(part)) for part in (TRAIN, VALIDATION)}
    progress = fit(
        plan.learner.to(choose_device(device)),
        examples[TRAIN],
        examples[VALIDATION],
        config,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(config, examples[TRAIN]),
        on_epoch=on_epoch,
        on_batch=partial(report, stage),
    )
    module = plan.finished()
    scores = {
        part: accuracy_and_mrr(evaluate(module, plan.inputs(corpus.features[part]))[1], corpus.labels(part))
        for part in (VALIDATION, TEST)
    }
    state = {name: value.cpu().numpy() for name, value in module.state_dict().items()}
    return Trained(
        state, plan.arrays(), plan.encoder, plan.sizes, {"best_epoch": progress.best_epoch, **scores}, progress.history
    )


def _fingerprint(config: TrainConfig, train: Examples) -> str:
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    digest.update(np.ascontiguousarray(train.inputs).tobytes())
    digest.update(train.labels.tobytes())
    return digest.hexdigest()


_WHAT = {"sha256": "texts or labels", "split_scheme": "--split-scheme", "limit": "--limit", "rows": "split"}


@contextmanager
def claimed_folder(folder: Path, resume: bool, config: TrainConfig) -> Iterator[ModelInfo | None]:
    """Hold a folder for one training; gives the model if it is already finished there.

    Raises
    ------
    InputError
        If the folder holds a model or an unfinished training and `resume` is not set, a finished model of another
        configuration, or other things, or if another process is training into it.
    """
    with folder_lock(folder, "model"):
        yield _finished(folder, resume, config)


def _finished(folder: Path, resume: bool, config: TrainConfig) -> ModelInfo | None:
    if (folder / CONFIG).exists() and resume:
        info = read_info(folder)
        if info.train != config:
            raise InputError(f"model {folder}: is finished, with other options; choose another folder with -o")
        return info
    _check_vacant(folder)
    if (folder / CHECKPOINT).exists() and not resume:
        raise InputError(f"model {folder}: holds an unfinished training; add --resume to go on, or choose another -o")
    return None


def check_same_data(folder: Path, info: ModelInfo, data: TextData, split_scheme: str, limit: int | None) -> None:
    """Make sure that a finished model was trained on these data; what they are called does not matter.

    Raises
    ------
    InputError
        If texts, labels, split or limit are others.
    """
    given = describe(data, chosen_rows(data, split_scheme, limit), split_scheme, limit)
    for name, value in given.items():
        if name != "name" and info.data.get(name) != value:
            raise InputError(
                f"model {folder}: is finished, with other data ({_WHAT[name]}); choose another folder with -o"
            )


def _check_vacant(folder: Path) -> None:
    """Make sure that a folder is absent, empty or holds an unfinished training."""
    if (folder / CONFIG).exists():
        raise InputError(f"model {folder}: holds a finished model; remove it or choose another folder with -o")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"model {folder}: is a file; choose another folder with -o")
    if folder.exists() and not (folder / CHECKPOINT).exists() and any(folder.iterdir()):
        raise InputError(f"model {folder}: holds other files; choose another folder with -o")


def train_model(
    corpus: Corpus,
    config: TrainConfig,
    folder: StrPath,
    device: str = "auto",
    report: ProgressCallback = no_progress,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> ModelInfo:
    """Train a model and its baselines on the same rows, and write the model folder.

    Parameters
    ----------
    corpus
        From `prepare`.
    config
        What to train.
    folder
        Where to: one that is absent or empty, or holds a checkpoint of the same training, which is gone on from.
    device
        ``auto``, ``cpu`` or ``cuda``.
    report, on_epoch
        Progress, and each epoch's history row of the model itself.

    Raises
    ------
    InputError
        If the configuration does not fit what the data were prepared for or the folder's checkpoint, the folder holds a
        finished model or other files, or the device is unknown or absent.
    """
    folder = as_path(folder)
    _check_vacant(folder)
    corpus.check_config(config)
    trained = train_classifier(corpus, config, device, folder / CHECKPOINT, report, "train", on_epoch)
    baselines: dict[str, Any] = {}
    if config.method != ANN and config.method not in TEXT_METHODS:  # which have no vectors that an ANN could take
        ann_config = TrainConfig.defaults_for(
            ANN, level=config.level, hidden=config.hidden, seed=config.seed, reference=config.reference
        )
        ann = train_classifier(corpus, ann_config, device, None, report, "baseline")
        baselines["ann"] = {**ann.scores, "sizes": list(ann.sizes), **_macs(ann, corpus.features[TEST])}
    baselines["tfidf"] = _tfidf(corpus)
    info = ModelInfo(
        train=config,
        sizes=trained.sizes,
        label_names=corpus.data.label_names,
        embedding=corpus.embedding,
        encoder=trained.encoder.to_dict() if trained.encoder else {},
        data=corpus.about,
        scores=trained.scores,
        baselines=baselines,
        versions=versions(),
    )
    write_model(folder, info, trained.state, trained.arrays, trained.history)
    return info


def _macs(ann: Trained, vectors: np.ndarray) -> dict[str, float]:
    import torch

    from snnlp_lava.train.baselines import AnnClassifier, effective_macs, macs, standardise

    classifier = AnnClassifier(ann.sizes)
    classifier.load_state_dict({name: torch.from_numpy(value) for name, value in ann.state.items()})
    inputs = standardise(vectors, ann.arrays["mean"], ann.arrays["factor"])
    return {"macs": macs(ann.sizes), "effective_macs": effective_macs(classifier, inputs)}


def _tfidf(corpus: Corpus) -> dict[str, Any]:
    from snnlp_lava.train.baselines import fit_tfidf

    texts = {part: corpus.data.select(corpus.rows[part]) for part in PARTS}
    found = fit_tfidf(
        texts[TRAIN],
        corpus.labels(TRAIN),
        texts[VALIDATION],
        corpus.labels(VALIDATION),
        texts[TEST],
        corpus.classes,
    )
    return {
        VALIDATION: accuracy_and_mrr(found.validation, corpus.labels(VALIDATION)),
        TEST: accuracy_and_mrr(found.test, corpus.labels(TEST)),
        "C": found.strength,
        "vocabulary": found.vocabulary,
        "macs": found.macs,
    }
