"""Data ready to train on: split, and each text with what a method takes of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.embed.embedders import Embedder, VectorFile, make_embedder, vectors_match, word_codes
from snnlp_lava.embed.sentence import DEFAULT_MODEL
from snnlp_lava.embed.word_codes import WordCodes
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_optional_path, as_path
from snnlp_lava.progress import ProgressCallback, cumulative, no_progress
from snnlp_lava.text.dataset import PARTS, TEST, TRAIN, VALIDATION, TextData, limit_rows, split_rows
from snnlp_lava.text.tokens import UNICODE_FORM, normalise, words_and_pairs
from snnlp_lava.train.methods.base import SPIKE_EMBEDDING, TEXT_METHODS, TrainConfig

logger = logging.getLogger(__name__)


_SHOWN = 20  # classes in a line


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
        For the training record: name, hash, split scheme, limit, numbers of rows; quality of the codes of ``snn-bin``.
    config
        What it was prepared for.
    codes
        The word codes of ``snn-bin``.
    """

    data: TextData
    rows: dict[str, np.ndarray]
    features: dict[str, Any]
    embedding: EmbeddingInfo
    about: dict[str, Any]
    config: TrainConfig
    codes: WordCodes | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.data.label_names)

    def classes_text(self) -> str:
        """Classes and the training rows that each has, in one line, as ``2 classes: complaint 52, praise 60``."""
        counts = np.bincount(self.labels(TRAIN), minlength=self.classes)
        shown = [f"{_shown(name)} {count}" for name, count in zip(self.data.label_names, counts, strict=True)]
        more = [f"and {self.classes - _SHOWN} more"] if self.classes > _SHOWN else []
        return f"{self.classes} classes: {', '.join(shown[:_SHOWN] + more)}"

    def labels(self, part: str) -> np.ndarray:
        """Labels of a part's rows, (m,) int64."""
        return self.data.labels[self.rows[part]]

    def check_config(self, config: TrainConfig) -> None:
        """Make sure that it has the features that a configuration trains on; methods that take vectors share them.

        Raises
        ------
        InputError
            If it was prepared for others.
        """
        if feature_key(self.config) != feature_key(config):
            raise InputError(
                f"data {self.data.name}: was prepared for {_text(self.config)}, not for {_text(config)}; "
                "prepare it with the configuration that is trained"
            )


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
    vectors: StrPath | None = None
    words: StrPath | None = None
    codes: StrPath | None = None


def prepare(
    data: TextData,
    config: TrainConfig,
    split_scheme: str,
    limit: int | None,
    origin: Origin,
    report: ProgressCallback = no_progress,
) -> Corpus:
    """Split the data and make every part's features.

    Parameters
    ----------
    data
        The texts.
    config
        What is to be trained, for its method and level.
    split_scheme
        See `snnlp_lava.text.dataset`.
    limit
        At most so many rows of each part.
    origin
        Where the features come from.
    report
        Progress.

    Raises
    ------
    InputError
        If the data cannot be split, have no words or none that the vectors or codes know, or the model, vectors or
        codes cannot be used.
    """
    rows = chosen_rows(data, split_scheme, limit)
    if not any(words_and_pairs(text) for text in data.select(rows[TRAIN])):
        raise InputError(f"data {data.name}: no training text has a word of letters or digits")
    about = describe(data, rows, split_scheme, limit)
    if config.method in TEXT_METHODS:
        features: dict[str, np.ndarray] = {part: np.array(data.select(rows[part]), dtype=object) for part in PARTS}
        if config.method == SPIKE_EMBEDDING:
            normal = {
                part: np.array([normalise(text, UNICODE_FORM) for text in texts], dtype=object)
                for part, texts in features.items()
            }
            return Corpus(data, rows, normal, EmbeddingInfo(None, None, None), about, config)
        codes = word_codes(as_optional_path(origin.codes), as_optional_path(origin.words), origin.embedding, report)
        known_texts = {part: [codes.knows(text) for text in features[part]] for part in PARTS}
        _check_known(data, known_texts[TRAIN], codes.name)
        every_text = [known for part in PARTS for known in known_texts[part]]
        if not all(every_text):
            logger.warning(
                "%d of %d texts have no word that %s knows: no spikes but the end mark",
                every_text.count(False),
                len(every_text),
                codes.name,
            )
        about["codes"] = dict(codes.quality)
        return Corpus(data, rows, features, EmbeddingInfo(codes.name, codes.sha256, None), about, config, codes)
    embedder = make_embedder(config.level, origin.embedding, as_optional_path(origin.words), report)
    known: Embedder | None = embedder
    every = np.concatenate([rows[part] for part in PARTS])
    texts = data.select(every)
    if origin.vectors is None:
        whole = embedder.embed(texts, cumulative(report, "embed", len(every)))
        _check_known(data, whole[: len(rows[TRAIN])].any(axis=1), embedder.name)
    else:
        whole = VectorFile(as_path(origin.vectors), len(data))[every]
        if not vectors_match(embedder, texts, whole):
            logger.warning("the vectors are not those of %s: their model counts as unknown", embedder.name)
            known = None
    ends = np.cumsum([len(rows[part]) for part in PARTS])[:-1]
    return Corpus(
        data=data,
        rows=rows,
        features=dict(zip(PARTS, np.split(whole, ends), strict=True)),
        embedding=EmbeddingInfo(known.name if known else None, known.sha256 if known else None, whole.shape[1]),
        about=about,
        config=config,
    )


def chosen_rows(data: TextData, split_scheme: str, limit: int | None) -> dict[str, np.ndarray]:
    """Rows of each part that a training takes; arguments as for `prepare`.

    Raises
    ------
    InputError
        If the data cannot be split, or the limit leaves too few.
    """
    rows = {part: limit_rows(part_rows, limit) for part, part_rows in split_rows(data, split_scheme).items()}
    if limit is not None:
        _keep_trained_classes(data, rows)
    return rows


def describe(data: TextData, rows: Mapping[str, np.ndarray], split_scheme: str, limit: int | None) -> dict[str, Any]:
    """What the training record says of the data: name, hash, split scheme, limit, numbers of rows."""
    return {
        "name": data.name,
        "sha256": data.sha256,
        "split_scheme": split_scheme,
        "limit": limit,
        "rows": {part: len(rows[part]) for part in PARTS},
    }


def _shown(name: str) -> str:
    """A label as it is; quoted where blanks around it, or characters that a terminal obeys, would not be seen."""
    return name if name == name.strip() and name.isprintable() else repr(name)


def _check_known(data: TextData, known: Iterable[bool], name: str) -> None:
    """Make sure that a word of some training text is known."""
    if not any(known):
        raise InputError(f"data {data.name}: no training text has a word that {name} knows; is it of another language?")


def feature_key(config: TrainConfig) -> tuple[Any, ...]:
    """What of a configuration its features depend on: two with the same key share a corpus."""
    lines = config.lines if config.method == SPIKE_EMBEDDING else None
    return config.method if config.method in TEXT_METHODS else None, config.level, lines


def _text(config: TrainConfig) -> str:
    lines = f" with {config.lines} lines" if config.method == SPIKE_EMBEDDING else ""
    return f"{config.method} at level {config.level}{lines}"


def _keep_trained_classes(data: TextData, rows: dict[str, np.ndarray]) -> None:
    seen = set(data.labels[rows[TRAIN]].tolist())
    if len(seen) < 2:
        raise InputError(f"data {data.name}: the limit leaves one class to train on; give a larger --limit")
    for part in (VALIDATION, TEST):
        rows[part] = rows[part][np.isin(data.labels[rows[part]], sorted(seen))]
        if not len(rows[part]):
            raise InputError(f"data {data.name}: the limit leaves no {part} rows; give a larger --limit")
