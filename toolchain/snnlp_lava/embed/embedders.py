"""Get vectors for the rows of a data set, from a model or a file, and verify which model they come from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo, OpCounts
from snnlp_lava.embed.binarise import EPOCHS, binarise
from snnlp_lava.embed.cache import cache_folder
from snnlp_lava.embed.sentence import SentenceEmbedder
from snnlp_lava.embed.word_codes import WordCodes, read_word_codes, write_word_codes
from snnlp_lava.embed.word_vectors import (
    DISTILLED_SUFFIX,
    WordVectors,
    cached_word_vectors,
    distilled_word_vectors,
    open_word_vectors,
)
from snnlp_lava.errors import InputError
from snnlp_lava.files import atomic_folder, open_npy, read_json, remove_folder, write_json
from snnlp_lava.progress import AdvanceCallback, ProgressCallback, cumulative, no_advance, no_progress

_CHUNK = 1 << 16  # rows checked at a time


class VectorFile:
    """Vectors in a file, read on demand.

    The file is mapped again for each access, so that data already read does not stay in memory.

    Attributes
    ----------
    path
        The file.
    dimension
        Length of a vector.
    """

    def __init__(self, path: Path, rows: int) -> None:
        """Open vectors for `rows` texts and check all of them once.

        Raises
        ------
        InputError
            If the file is not a .npy file, has another shape or type, or contains NaN or infinite values.
        """
        vectors = open_npy(path, "vectors")
        if vectors.ndim != 2 or vectors.dtype.kind != "f" or vectors.dtype.itemsize > 8:
            raise InputError(
                f"vectors {path}: must be floats of shape (texts, dimensions), got {vectors.dtype} of shape "
                f"{vectors.shape}"
            )
        if len(vectors) != rows:
            raise InputError(f"vectors {path}: must have a row for each of the {rows} texts, got {len(vectors)} rows")
        self.path, self.dimension = path, vectors.shape[1]
        if self.dimension == 0:
            raise InputError(f"vectors {path}: has no dimensions")
        del vectors
        for start in range(0, rows, _CHUNK):
            finite = np.isfinite(self[np.arange(start, min(start + _CHUNK, rows))]).all(axis=1)
            if not finite.all():
                raise InputError(f"vectors {path}: row {start + int(np.argmin(finite)) + 1} contains NaN or infinity")

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Read some rows as (m, d) float32; values too large for float32 become infinite."""
        with np.errstate(over="ignore"):
            return np.asarray(open_npy(self.path, "vectors")[rows], dtype=np.float32)


logger = logging.getLogger(__name__)


_PROOF_TEXTS = 8
_CODES, _ABOUT = "codes.txt", "about.json"


_SAME_COSINE = 0.999  # cosine; float16 storage and different padding stay far above it


class Embedder(Protocol):
    """Turns texts into vectors: `SentenceEmbedder` and `WordVectors`."""

    @property
    def name(self) -> str:
        """Name of the model or the file."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of its weights and settings, or of its vectors."""
        ...

    @property
    def legacy_sha256(self) -> str | None:
        """Hash that version 0.1.0 wrote for it, None if it is the same."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str], progress: AdvanceCallback = no_advance) -> np.ndarray:
        """Embed n texts, (n, d) float32; `progress` advances by texts."""
        ...

    def host_ops(self, texts: Sequence[str]) -> OpCounts:
        """Count the operations of embedding without a cache."""
        ...


def make_embedder(level: str, model: str, words: Path | None, report: ProgressCallback = no_progress) -> Embedder:
    """Create the embedder for training.

    Parameters
    ----------
    level
        ``sentence`` or ``word``.
    model
        Name of a sentence model; at level ``word`` vectors of its vocabulary are distilled, unless `words` is given.
    words
        A text file of word vectors.
    report
        Progress.

    Raises
    ------
    InputError
        If the model or file cannot be used, or a file is given at level ``sentence``.
    """
    if level == "sentence":
        if words is not None:
            raise InputError(f"word vectors {words}: --words only applies to --level word, not {level}")
        return SentenceEmbedder(model)
    return _word_vectors(words, model, report)


def load_embedder(level: str, embedding: EmbeddingInfo, words: Path | None = None) -> Embedder:
    """Load the embedder that a network was trained with.

    Parameters
    ----------
    level
        ``sentence`` or ``word``.
    embedding
        Its description in the network's card.
    words
        The file of its word vectors; not needed if they are in the cache.

    Raises
    ------
    InputError
        If the origin of the network's vectors is unknown, or the model found here is a different one.
    """
    if embedding.name is None:
        raise InputError(
            "the network was trained on vectors of unknown origin, so text cannot be embedded; use --vectors"
        )
    if level == "sentence":
        embedder: Embedder = SentenceEmbedder(embedding.name)
    elif words is not None:
        embedder = open_word_vectors(words)
    elif (model := embedding.name.removesuffix(DISTILLED_SUFFIX)) != embedding.name:
        embedder = distilled_word_vectors(SentenceEmbedder(model))
    else:
        embedder = cached_word_vectors(embedding.name, str(embedding.sha256))
    if embedding.sha256 not in (embedder.sha256, embedder.legacy_sha256):
        raise InputError(
            f"the network was trained with another version of the embedding model {embedding.name}: the hash of its "
            f"weights and settings was {str(embedding.sha256)[:12]}..., here it is {embedder.sha256[:12]}..."
        )
    return embedder


def word_codes(codes: Path | None, words: Path | None, model: str, report: ProgressCallback = no_progress) -> WordCodes:
    """Get binary word codes from a file, or compute them from word vectors and cache them.

    Parameters
    ----------
    codes
        A text file of codes.
    words, model
        Without a file of codes: word vectors as in `make_embedder`.
    report
        Progress.

    Raises
    ------
    InputError
        If a file or the model cannot be used.
    """
    if codes is not None:
        return read_word_codes(codes)
    vectors = _word_vectors(words, model, report)
    kept = cache_folder() / f"codes-of-{vectors.sha256}"
    if kept.exists():
        try:
            about, found = read_json(kept / _ABOUT), read_word_codes(kept / _CODES)
            if found.sha256 != about.get("sha256"):
                raise InputError(f"{_CODES} has another hash")
            return replace(found, name=f"{vectors.name}/64-bit", quality=about["quality"])
        except InputError as error:
            logger.warning("cache %s is damaged (%s): recreated", kept, error)
            remove_folder(kept)
    made = binarise(vectors, progress=cumulative(report, "codes", EPOCHS))
    with atomic_folder(kept, shared=True) as folder:
        write_json(folder / _ABOUT, {"sha256": made.sha256, "quality": dict(made.quality)})
        write_word_codes(folder / _CODES, made)
    return made


def _word_vectors(words: Path | None, model: str, report: ProgressCallback) -> WordVectors:
    if words is not None:
        return open_word_vectors(words)
    return distilled_word_vectors(SentenceEmbedder(model), progress=cumulative(report, "words"))


def embed_rows(
    texts: Sequence[str],
    rows: np.ndarray,
    embedder: Embedder | None,
    vectors: VectorFile | None,
    progress: AdvanceCallback = no_advance,
) -> np.ndarray:
    """Get the vectors of some rows of a data set.

    Parameters
    ----------
    texts, rows
        m texts, and their row numbers.
    embedder
        The model of the vectors; None if it is unknown.
    vectors
        A vector for each row of the data. A few of them are recomputed with `embedder` and must match.
    progress
        Advances by texts embedded.

    Returns
    -------
    np.ndarray
        (m, d) float32.

    Raises
    ------
    InputError
        If a text cannot be embedded, or the vectors are not the embedder's.
    """
    if vectors is None:
        assert embedder is not None, "without vectors an embedder is needed"
        return embedder.embed(texts, progress)
    given = vectors[rows]
    if embedder is not None and not vectors_match(embedder, texts, given):
        raise InputError(f"vectors {vectors.path}: do not match those of {embedder.name}, the network's model")
    return given


def vectors_match(embedder: Embedder, texts: Sequence[str], given: np.ndarray) -> bool:
    """Return whether `given`, (m, d), are the embedder's vectors of m texts, by recomputing a few of them."""
    if given.shape[1] != embedder.dimension:
        return False
    probe = np.linspace(0, len(texts) - 1, min(_PROOF_TEXTS, len(texts))).astype(int)
    own = embedder.embed([texts[index] for index in probe]).astype(np.float64)
    theirs = given[probe].astype(np.float64)
    norms = np.linalg.norm(own, axis=1) * np.linalg.norm(theirs, axis=1)
    cosine = (own * theirs).sum(axis=1) / np.where(norms > 0, norms, 1)
    logger.info("given vectors against %s: least cosine %.5f of %d", embedder.name, cosine.min(), len(probe))
    return bool(cosine.min() > _SAME_COSINE)
