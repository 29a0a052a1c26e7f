"""Prepare training data: splits, features of each text, labels."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.errors import InputError, listed
from snnlp_lava.extras import require
from snnlp_lava.files import as_optional_path, as_path
from snnlp_lava.progress import ProgressCallback, cumulative, no_progress
from snnlp_lava.text.dataset import PARTS, TEST, TRAIN, VALIDATION, TextData, limit_rows, split_rows
from snnlp_lava.text.tokens import words_and_pairs
from snnlp_lava.train.methods.base import DEFAULT_METHOD, Features, FeatureSource, Method, Trained
from snnlp_lava.train.methods.make import check_sources, make_method

if TYPE_CHECKING:
    from snnlp_lava.embed.embedders import Embedder
    from snnlp_lava.embed.word_codes import WordCodes
    from snnlp_lava.files import StrPath

logger = logging.getLogger(__name__)

_MAX_SHOWN = 20  # classes per line
UNSEEN = -1
"""Label of a text whose class has no training row, so that no answer is right."""


@dataclass(frozen=True)
class TrainingData:
    """Data prepared for training.

    Attributes
    ----------
    data
        All texts.
    rows
        Rows of each split.
    features
        Features of each split: (m, d) float32 vectors, or texts (m,).
    embedding
        The embedding model, or the list of word codes.
    metadata
        Metadata for the training record: name, hash, split scheme, limit, numbers of rows, skipped rows.
    label_names
        Names of the classes that occur in the training rows.
    method
        The method it was prepared for.
    codes
        Word codes, for a method that uses them.
    """

    data: TextData
    rows: Mapping[str, np.ndarray]
    features: Mapping[str, Any]
    embedding: EmbeddingInfo
    metadata: Mapping[str, Any]
    label_names: tuple[str, ...]
    method: Method
    codes: WordCodes | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.label_names)

    def labels(self, split: str) -> np.ndarray:
        """Return the classes of a split, (m,) int64; `UNSEEN` for a class without training rows."""
        return self.data.labels_as(self.label_names)[self.rows[split]]

    def class_summary(self) -> str:
        """Describe classes and their training rows in one line: ``2 classes: complaint 52, praise 60``."""
        counts = np.bincount(self.labels(TRAIN), minlength=self.classes)
        shown = [f"{_printable(name)} {count}" for name, count in zip(self.label_names, counts, strict=True)]
        more = [f"and {self.classes - _MAX_SHOWN} more"] if self.classes > _MAX_SHOWN else []
        return f"{self.classes} classes: {', '.join(shown[:_MAX_SHOWN] + more)}"

    def check_features(self, method: Method) -> None:
        """Check that it was prepared for a method with the same features.

        Raises
        ------
        InputError
            If it was not.
        """
        if self.method.feature_key() != method.feature_key():
            raise InputError(
                f"data {self.data.name}: was prepared for {_title(self.method)}, not for {_title(method)}; "
                "call prepare_data with the method to train"
            )


def prepare_data(
    data: TextData,
    method: str = DEFAULT_METHOD,
    *,
    split_scheme: str = "official",
    limit: int | None = None,
    embedding: str | None = None,
    vectors: StrPath | None = None,
    words: StrPath | None = None,
    codes: StrPath | None = None,
    progress: ProgressCallback = no_progress,
    **options: Any,
) -> TrainingData:
    """Split a data set and compute the features that a method trains on.

    Parameters
    ----------
    data
        From `load_texts`.
    method
        One of METHODS: ``snn-rate``, ``snn-rate-rand``, ``snn-bin``, ``spike-embedding``, ``ann``.
    split_scheme
        ``official`` or ``paper``, see `snnlp_lava.text.dataset.split_rows`.
    limit
        Maximum number of rows of each split.
    embedding, vectors, words, codes
        Source of the features, see `FeatureSource`.
    progress
        Called with stage, done, total.
    options
        Options of the method, as ``snnlp-lava train --help`` lists them: ``window=16``, ``hidden=(64,)``.

    Raises
    ------
    InputError
        If an option is unknown, unused or out of range, the data cannot be split, have no words or only unknown
        ones, or the model, vectors or codes cannot be used.
    """
    given = {"embedding": embedding, "vectors": vectors, "words": words, "codes": codes}
    sources: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    chosen = make_method(method, **options)
    check_sources(chosen, sources)
    return prepare_for(chosen, data, split_scheme, limit, FeatureSource(**sources), progress)


def prepare_for(
    method: Method,
    data: TextData,
    split_scheme: str,
    limit: int | None,
    source: FeatureSource,
    report: ProgressCallback = no_progress,
) -> TrainingData:
    """Prepare data like `prepare_data`, for an existing method; sources that it does not read are ignored."""
    require(*method.needs)
    rows = select_rows(data, split_scheme, limit)
    return prepare_rows(method, data, rows, source, report, split_scheme=split_scheme, limit=limit)


def prepare_rows(
    method: Method,
    data: TextData,
    rows: Mapping[str, np.ndarray],
    source: FeatureSource,
    report: ProgressCallback = no_progress,
    *,
    split_scheme: str = "official",
    limit: int | None = None,
    features: Features | None = None,
) -> TrainingData:
    """Prepare data like `prepare_for`, for rows already selected, optionally with existing features.

    Raises
    ------
    InputError
        If there is only one training class, or as `prepare_data`.
    """
    if len(set(data.labels[rows[TRAIN]].tolist())) < 2:
        raise InputError(f"data {data.name}: training needs at least two classes, the training rows have one")
    if features is None and not any(words_and_pairs(text) for text in data.select(rows[TRAIN])):
        raise InputError(f"data {data.name}: no training text has a word of letters or digits")
    found = method.features(data, rows, source, report) if features is None else features
    metadata = data_record(data, rows, split_scheme, limit)
    for split, unseen in metadata["unseen_labels"].items():
        logger.warning(
            "%d of %d %s texts count as wrong: training has no %s",
            sum(unseen.values()),
            len(rows[split]),
            split,
            listed(list(map(_printable, unseen))),
        )
    return TrainingData(
        data=data,
        rows=rows,
        features=found.splits,
        embedding=found.embedding,
        metadata={**metadata, **found.metadata},
        label_names=_label_names(data, rows),
        method=method,
        codes=found.codes,
    )


def select_rows(data: TextData, split_scheme: str, limit: int | None) -> dict[str, np.ndarray]:
    """Select the rows of each split; arguments as for `prepare_data`.

    Raises
    ------
    InputError
        If the data cannot be split, or the limit leaves one class to train on.
    """
    rows = {split: limit_rows(of_split, limit) for split, of_split in split_rows(data, split_scheme).items()}
    if len(set(data.labels[rows[TRAIN]].tolist())) < 2:
        raise InputError(f"data {data.name}: --limit leaves only one class in the training rows; use a larger --limit")
    return rows


def data_record(data: TextData, rows: Mapping[str, np.ndarray], split_scheme: str, limit: int | None) -> dict[str, Any]:
    """Return the metadata of the data for the training record.

    ``name``, ``sha256``, ``split_scheme``, ``limit``, ``rows`` by split; ``unseen_labels``: by split, the number of
    rows of each label without training rows; ``skipped``: number of skipped source rows by reason.
    """
    names = _label_names(data, rows)
    unseen = {}
    for split in (VALIDATION, TEST):
        missing = rows[split][data.labels_as(names)[rows[split]] == UNSEEN]
        if counts := Counter(data.label_names[label] for label in data.labels[missing]):
            unseen[split] = dict(sorted(counts.items()))
    return {
        "name": data.name,
        "sha256": data.sha256,
        "split_scheme": split_scheme,
        "limit": limit,
        "rows": {split: len(rows[split]) for split in PARTS},
        "unseen_labels": unseen,
        "skipped": dict(data.skipped),
    }


def texts_of(data: TextData, rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the texts of each split, (m,) object arrays."""
    return {split: np.array(data.select(of_split), dtype=object) for split, of_split in rows.items()}


def vector_features(
    level: str, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
) -> Features:
    """Get the vectors of each split, (m, d) float32, from an embedding model or a file.

    Raises
    ------
    InputError
        If the model or file cannot be used, or no training text has a known word.
    """
    from snnlp_lava.embed.embedders import VectorFile, make_embedder, vectors_match

    words = as_optional_path(source.words) if level == "word" else None
    embedder = make_embedder(level, source.embedding, words, report)
    known: Embedder | None = embedder
    every = np.concatenate([rows[split] for split in PARTS])
    texts = data.select(every)
    if source.vectors is None:
        vectors = embedder.embed(texts, cumulative(report, "embed", len(every)))
        require_known_words(data, np.any(vectors[: len(rows[TRAIN])], axis=1), embedder.name)
    else:
        vectors = VectorFile(as_path(source.vectors), data.source_rows)[data.rows[every]]
        if not vectors_match(embedder, texts, vectors):
            logger.warning("the vectors do not match those of %s: their model is recorded as unknown", embedder.name)
            known = None
    ends = np.cumsum([len(rows[split]) for split in PARTS])[:-1]
    embedding = EmbeddingInfo(known.name if known else None, known.sha256 if known else None, vectors.shape[1])
    return Features(dict(zip(PARTS, np.split(vectors, ends), strict=True)), embedding)


def final_embedding(data: TrainingData, trained: Trained) -> EmbeddingInfo:
    """Return the embedding with the encoder's dimension."""
    if trained.encoder is None:
        return data.embedding
    return data.embedding.replace(dimension=trained.encoder.dimension)


def require_known_words(data: TextData, known: Iterable[bool], name: str) -> None:
    """Check that some training text has a known word.

    Raises
    ------
    InputError
        If none is.
    """
    if not any(known):
        raise InputError(f"data {data.name}: no training text has a word that {name} knows; is it of another language?")


def _label_names(data: TextData, rows: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return the names of the classes in the training rows, in the data's order."""
    return tuple(data.label_names[label] for label in np.unique(data.labels[rows[TRAIN]]))


def _printable(name: str) -> str:
    """Format a label, quoted if it has surrounding spaces or control characters."""
    return name if name == name.strip() and name.isprintable() else repr(name)


def _title(method: Method) -> str:
    return f"{method.name} at level {method.unit}"
