"""One training from texts to a model folder, baselines included."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.embed.identity import Embedding
from snnlp_lava.embed.sentence import DEFAULT_MODEL
from snnlp_lava.embed.source import Embedder, embedded_rows, embedder_for, same_origin, word_codes
from snnlp_lava.embed.vectors import load_vectors
from snnlp_lava.embed.word_codes import WordCodes
from snnlp_lava.encode.calibration import fit_calibration
from snnlp_lava.encode.encoder import BernoulliEncoder, Encoder, SafEncoder, WordCodeEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.progress import Report, counting, silent
from snnlp_lava.text.dataset import TextData
from snnlp_lava.text.split import PARTS, TEST, TRAIN, VALIDATION, limit_rows, split_rows
from snnlp_lava.train.config import ANN, SNN_BIN, SNN_RATE_RAND, TrainConfig
from snnlp_lava.train.folder import CHECKPOINT, CONFIG, ModelInfo, read_info, write_model
from snnlp_lava.versions import versions

if TYPE_CHECKING:
    from snnlp_lava.train.loop import Examples

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Data ready to train on.

    Attributes
    ----------
    data
        All texts.
    rows
        Rows of each part.
    features
        (m, d) float32 vectors of each part's rows, or their texts (m,).
    embedding
        Where the vectors, or the word codes, come from.
    about
        For the record: name, hash, split scheme, limit, numbers of rows.
    codes
        The word codes of ``snn-bin``.
    """

    data: TextData
    rows: dict[str, np.ndarray]
    features: dict[str, np.ndarray]
    embedding: Embedding
    about: dict[str, Any]
    codes: WordCodes | None = None

    def labels(self, part: str) -> np.ndarray:
        """Labels of a part's rows, (m,) int64."""
        return self.data.labels[self.rows[part]]


@dataclass(frozen=True)
class Origin:
    """Where a text's features come from.

    Attributes
    ----------
    embedding
        Name of the sentence model. At level ``word``, word vectors are distilled from it where none are given.
    vectors
        A .npy file with a vector for each row of the data. They count as the embedding's if a few made anew are the
        same.
    words
        A text file of word vectors (GloVe, word2vec), for level ``word``.
    codes
        A text file of binary word codes, for ``snn-bin``; made of the word vectors where none are given.
    """

    embedding: str = DEFAULT_MODEL
    vectors: Path | None = None
    words: Path | None = None
    codes: Path | None = None


def prepare(
    data: TextData,
    config: TrainConfig,
    split_scheme: str,
    limit: int | None,
    origin: Origin,
    report: Report = silent,
) -> Corpus:
    """Split the data and make every part's features.

    Parameters
    ----------
    data
        The texts.
    config
        What is to be trained, for its method and level.
    split_scheme
        See `snnlp_lava.text.split`.
    limit
        At most so many rows of each part.
    origin
        Where the features come from.
    report
        Progress.

    Raises
    ------
    InputError
        If data, model, vectors or codes are unfit.
    """
    rows = {part: limit_rows(part_rows, limit) for part, part_rows in split_rows(data, split_scheme).items()}
    if limit is not None:
        _keep_trained_classes(data, rows)
    about = {
        "name": data.name,
        "sha256": data.sha256,
        "split_scheme": split_scheme,
        "limit": limit,
        "rows": {part: len(rows[part]) for part in PARTS},
    }
    if config.method == SNN_BIN:
        codes = word_codes(origin.codes, origin.words, origin.embedding, report)
        features: dict[str, np.ndarray] = {part: np.array(data.select(rows[part]), dtype=object) for part in PARTS}
        return Corpus(data, rows, features, Embedding(codes.name, codes.sha256, codes.bits), about, codes)
    embedder = embedder_for(config.level, origin.embedding, origin.words, report)
    known: Embedder | None = embedder
    every = np.concatenate([rows[part] for part in PARTS])
    if origin.vectors is not None:
        given = load_vectors(origin.vectors, len(data))
        if not same_origin(embedder, data, every, given):
            logger.warning("the vectors are not those of %s: their model counts as unknown", embedder.name)
            known = None
    whole = embedded_rows(data, every, known, origin.vectors, counting(report, "embed", len(every)))
    ends = np.cumsum([len(rows[part]) for part in PARTS])[:-1]
    return Corpus(
        data=data,
        rows=rows,
        features=dict(zip(PARTS, np.split(whole[np.arange(len(every))], ends), strict=True)),
        embedding=Embedding(
            known.name if known else None, known.sha256 if known else None, whole[np.arange(1)].shape[1]
        ),
        about=about,
    )


def claim_folder(folder: Path, resume: bool, config: TrainConfig) -> ModelInfo | None:
    """Make sure that a training may write to a folder; return the model if it is already finished there.

    Raises
    ------
    InputError
        If the folder holds a model or an unfinished training and `resume` is not set, a finished model of another
        configuration, or other things.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise InputError(f"model {folder}: is a file; choose another folder with -o")
    if (folder / CONFIG).exists():
        if resume:
            info = read_info(folder)
            if info.train != config:
                raise InputError(f"model {folder}: is finished, with other options; choose another folder with -o")
            return info
        raise InputError(f"model {folder}: holds a finished model; remove it or choose another folder with -o")
    if (folder / CHECKPOINT).exists() and not resume:
        raise InputError(f"model {folder}: holds an unfinished training; add --resume to go on, or choose another -o")
    if not (folder / CHECKPOINT).exists() and any(path.suffix != ".tmp" for path in folder.iterdir()):
        raise InputError(f"model {folder}: holds other files; choose another folder with -o")
    return None


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


def train_model(
    corpus: Corpus,
    config: TrainConfig,
    folder: Path,
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
        Where to; a checkpoint of the same training in it is gone on from.
    device
        ``auto``, ``cpu`` or ``cuda``.
    report, on_epoch
        Progress, and each epoch's history row of the model itself.

    Raises
    ------
    InputError
        If the configuration does not fit the data or the folder's checkpoint.
    """
    from snnlp_lava.train.ann import macs

    trained = train_classifier(corpus, config, device, folder / CHECKPOINT, partial(report, "train"), on_epoch)
    baselines: dict[str, Any] = {}
    if config.method not in (ANN, SNN_BIN):  # word codes are no vectors that an ANN could take
        ann_config = TrainConfig.defaults_for(
            ANN, level=config.level, hidden=config.hidden, seed=config.seed, reference=config.reference
        )
        ann = train_classifier(corpus, ann_config, device, None, partial(report, "baseline"))
        baselines["ann"] = {**ann.scores, "sizes": list(ann.sizes), "macs": macs(ann.sizes)}
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


def train_classifier(
    corpus: Corpus,
    config: TrainConfig,
    device: str,
    checkpoint: Path | None,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Trained:
    """Train one classifier, without baselines and without writing anything but the checkpoint.

    Parameters
    ----------
    corpus, config, device, on_epoch
        As for `train_model`.
    checkpoint
        See `snnlp_lava.train.loop.fit`.
    on_batch
        Called with the batches done of an epoch, and their number.
    """
    import torch

    from snnlp_lava.train.allocator import keep_freed_memory
    from snnlp_lava.train.ann import AnnClassifier, standardisation, standardise
    from snnlp_lava.train.loop import Examples, choose_device, evaluate, fit
    from snnlp_lava.train.spiking import SpikingClassifier

    keep_freed_memory()
    classes = len(corpus.data.label_names)
    torch.manual_seed(config.seed)  # of the initial weights; `fit` seeds each epoch
    module: torch.nn.Module
    if config.method == ANN:
        encoder = None
        mean, factor = standardisation(corpus.features[TRAIN])
        if config.reference:  # SNNLP's ANN takes the vectors as they are
            mean, factor = np.zeros_like(mean), np.ones_like(factor)
        arrays = {"mean": mean, "factor": factor}
        inputs = {part: standardise(corpus.features[part], mean, factor) for part in PARTS}
        sizes = (inputs[TRAIN].shape[1], *config.hidden, classes)
        module = AnnClassifier(sizes, config.dropout)
    else:
        encoder = fit_encoder(corpus, config)
        arrays = encoder.arrays()
        inputs = {part: encoder.inputs(corpus.features[part], config.window) for part in PARTS}
        sizes = (encoder.channels, *config.hidden, classes)
        module = SpikingClassifier(sizes, config, encoder)
    examples = {part: Examples(inputs[part], corpus.labels(part)) for part in PARTS}
    progress = fit(
        module.to(choose_device(device)),
        examples[TRAIN],
        examples[VALIDATION],
        config,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(config, examples[TRAIN]),
        on_epoch=on_epoch,
        on_batch=on_batch,
    )
    scores = {
        part: accuracy_and_mrr(evaluate(module, examples[part].inputs)[1], examples[part].labels)
        for part in (VALIDATION, TEST)
    }
    state = {name: value.cpu().numpy() for name, value in module.state_dict().items()}
    return Trained(state, arrays, encoder, sizes, {"best_epoch": progress.best_epoch, **scores}, progress.history)


def fit_encoder(corpus: Corpus, config: TrainConfig) -> Encoder:
    """The encoder of a spiking method, fitted on the training rows alone."""
    if corpus.codes is not None:
        return WordCodeEncoder(tuple(corpus.codes.words), corpus.codes.codes, config.reference)
    calibration = fit_calibration(config.calibration, corpus.features[TRAIN])
    if config.method == SNN_RATE_RAND:
        return BernoulliEncoder(calibration, config.seed, config.reference)
    return SafEncoder(calibration)


def _tfidf(corpus: Corpus) -> dict[str, Any]:
    from snnlp_lava.train.tfidf import fit_tfidf

    texts = {part: corpus.data.select(corpus.rows[part]) for part in PARTS}
    found = fit_tfidf(
        texts[TRAIN],
        corpus.labels(TRAIN),
        texts[VALIDATION],
        corpus.labels(VALIDATION),
        texts[TEST],
        len(corpus.data.label_names),
    )
    return {
        VALIDATION: accuracy_and_mrr(found.validation, corpus.labels(VALIDATION)),
        TEST: accuracy_and_mrr(found.test, corpus.labels(TEST)),
        "C": found.strength,
        "vocabulary": found.vocabulary,
        "macs": found.macs,
    }


def _fingerprint(config: TrainConfig, train: Examples) -> str:
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    digest.update(np.ascontiguousarray(train.inputs).tobytes())
    digest.update(train.labels.tobytes())
    return digest.hexdigest()


def _keep_trained_classes(data: TextData, rows: dict[str, np.ndarray]) -> None:
    seen = set(data.labels[rows[TRAIN]].tolist())
    if len(seen) < 2:
        raise InputError(f"data {data.name}: the limit leaves one class to train on; give a larger --limit")
    for part in (VALIDATION, TEST):
        rows[part] = rows[part][np.isin(data.labels[rows[part]], sorted(seen))]
        if not len(rows[part]):
            raise InputError(f"data {data.name}: the limit leaves no {part} rows; give a larger --limit")
