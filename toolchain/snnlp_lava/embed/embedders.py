"""Choose what makes the vectors of texts: a model, word vectors or a file; check which model made a file."""

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

_CHUNK = 1 << 16  # rows looked at in one go


class VectorFile:
    """Vectors that stay on disk until they are asked for.

    The file is mapped anew for each access, so that what was read does not stay in memory.

    Attributes
    ----------
    path
        The file.
    dimension
        Length of a vector.
    """

    def __init__(self, path: Path, rows: int) -> None:
        """Open vectors for `rows` texts and look at all of them once.

        Raises
        ------
        InputError
            If the file is not a .npy file, has another shape or type, or holds NaN or infinite values.
        """
        vectors = open_npy(path, "vectors")
        if vectors.ndim != 2 or vectors.dtype.kind != "f" or vectors.dtype.itemsize > 8:
            raise InputError(
                f"vectors {path}: is {vectors.dtype} of shape {vectors.shape}; floats (texts, dimensions) are needed"
            )
        if len(vectors) != rows:
            raise InputError(f"vectors {path}: has {len(vectors)} rows, the data {rows}; row i must belong to text i")
        self.path, self.dimension = path, vectors.shape[1]
        if self.dimension == 0:
            raise InputError(f"vectors {path}: has no dimensions")
        del vectors
        for start in range(0, rows, _CHUNK):
            finite = np.isfinite(self[np.arange(start, min(start + _CHUNK, rows))]).all(axis=1)
            if not finite.all():
                raise InputError(f"vectors {path}: row {start + int(np.argmin(finite)) + 1} holds NaN or infinity")

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(m, d) float32 of some rows; what is too large for that becomes infinite."""
        with np.errstate(over="ignore"):
            return np.asarray(open_npy(self.path, "vectors")[rows], dtype=np.float32)


logger = logging.getLogger(__name__)


_PROOF_TEXTS = 8
_CODES, _ABOUT = "codes.txt", "about.json"


_SAME_COSINE = 0.999  # float16 storage and another batch's padding stay far above it


class Embedder(Protocol):
    """What makes vectors of texts: `SentenceEmbedder` and `WordVectors`."""

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
        """What version 0.1.0 wrote in its place, None if it wrote the same."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    def embed(self, texts: Sequence[str], progress: AdvanceCallback = no_advance) -> np.ndarray:
        """Vectors of n texts, (n, d) float32; `progress` advances by texts."""
        ...

    def host_ops(self, texts: Sequence[str]) -> OpCounts:
        """Operations that this takes, nothing being cached."""
        ...


def make_embedder(level: str, model: str, words: Path | None, report: ProgressCallback = no_progress) -> Embedder:
    """The embedder to train with.

    Parameters
    ----------
    level
        ``sentence`` or ``word``.
    model
        Name of a sentence model; at level ``word`` its vocabulary's vectors are distilled, unless `words` is given.
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
            raise InputError(f"word vectors {words}: belong to --level word")
        return SentenceEmbedder(model)
    return _word_vectors(words, model, report)


def load_embedder(level: str, embedding: EmbeddingInfo, words: Path | None = None) -> Embedder:
    """The embedder that a network was made with.

    Parameters
    ----------
    level
        ``sentence`` or ``word``.
    embedding
        What the network's card says of it.
    words
        The file of its word vectors; not needed where the cache has them.

    Raises
    ------
    InputError
        If the network's vectors have no known origin, or what is found here is another one.
    """
    if embedding.name is None:
        raise InputError(
            "the network was trained on vectors of unknown origin, so text cannot be embedded; give --vectors"
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
            f"the network was made with another embedding model: {embedding.name} (weights and settings) had hash "
            f"{str(embedding.sha256)[:12]}..., here it has {embedder.sha256[:12]}..."
        )
    return embedder


def word_codes(codes: Path | None, words: Path | None, model: str, report: ProgressCallback = no_progress) -> WordCodes:
    """Binary word codes: from a file, or made of word vectors and kept in the cache.

    Parameters
    ----------
    codes
        A text file of codes.
    words, model
        Where there is no such file: word vectors as in `make_embedder`.
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
    """Vectors of some rows of a data set.

    Parameters
    ----------
    texts, rows
        m texts, and which rows they are.
    embedder
        The model that makes the vectors; None if it is unknown.
    vectors
        A vector for each row of the data. A few of them are embedded again with `embedder`, and must be the same.
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
        raise InputError(f"vectors {vectors.path}: are not those of {embedder.name}, with which the network was made")
    return given


def vectors_match(embedder: Embedder, texts: Sequence[str], given: np.ndarray) -> bool:
    """Whether `given`, (m, d), holds the embedder's vectors of m texts: a few spread over them are embedded again."""
    if given.shape[1] != embedder.dimension:
        return False
    probe = np.linspace(0, len(texts) - 1, min(_PROOF_TEXTS, len(texts))).astype(int)
    own = embedder.embed([texts[index] for index in probe]).astype(np.float64)
    theirs = given[probe].astype(np.float64)
    norms = np.linalg.norm(own, axis=1) * np.linalg.norm(theirs, axis=1)
    cosine = (own * theirs).sum(axis=1) / np.where(norms > 0, norms, 1)
    logger.info("given vectors against %s: least cosine %.5f of %d", embedder.name, cosine.min(), len(probe))
    return bool(cosine.min() > _SAME_COSINE)
