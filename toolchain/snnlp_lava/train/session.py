"""One training from texts to a model folder, baselines included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import locked_folder
from snnlp_lava.given import StrPath, path_of
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.progress import Report, silent
from snnlp_lava.text.dataset import TextData
from snnlp_lava.text.split import PARTS, TEST, TRAIN, VALIDATION
from snnlp_lava.train.classifier import Trained, train_classifier
from snnlp_lava.train.config import ANN, TEXT_METHODS, TrainConfig
from snnlp_lava.train.corpus import Corpus, chosen_rows, describe
from snnlp_lava.train.folder import CHECKPOINT, CONFIG, ModelInfo, read_info, write_model
from snnlp_lava.versions import versions

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
    with locked_folder(folder, "model"):
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
    report: Report = silent,
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
    folder = path_of(folder)
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

    from snnlp_lava.train.ann import AnnClassifier, effective_macs, macs, standardise

    classifier = AnnClassifier(ann.sizes)
    classifier.load_state_dict({name: torch.from_numpy(value) for name, value in ann.state.items()})
    inputs = standardise(vectors, ann.arrays["mean"], ann.arrays["factor"])
    return {"macs": macs(ann.sizes), "effective_macs": effective_macs(classifier, inputs)}


def _tfidf(corpus: Corpus) -> dict[str, Any]:
    from snnlp_lava.train.tfidf import fit_tfidf

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
