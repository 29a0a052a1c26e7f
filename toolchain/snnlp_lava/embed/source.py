"""Vectors for the rows of a data set, from a model or from a file, and the proof of where they come from."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnlp_lava.embed.identity import Embedding
from snnlp_lava.embed.sentence import Progress, SentenceEmbedder
from snnlp_lava.embed.vectors import load_vectors
from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import TextData

logger = logging.getLogger(__name__)

_PROOF_TEXTS = 8
_SAME_COSINE = 0.999  # float16 storage and another batch's padding stay far above it


@dataclass(frozen=True)
class SelectedRows:
    """Some rows of a memory-mapped array, read when they are asked for.

    Attributes
    ----------
    array
        (texts, d) floats.
    rows
        (n,) the rows.
    """

    array: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """(m, d) float32 of some of the rows."""
        return np.asarray(self.array[self.rows[rows]], dtype=np.float32)


def embedder_of(embedding: Embedding) -> SentenceEmbedder:
    """The model behind a network.

    Raises
    ------
    InputError
        If the network's vectors have no known model, or the model found here has other weights.
    """
    if embedding.name is None:
        raise InputError(
            "the network was trained on vectors of unknown origin, so text cannot be embedded; give --vectors"
        )
    embedder = SentenceEmbedder(embedding.name)
    if embedder.sha256 != embedding.sha256:
        raise InputError(
            f"the network was made with another embedding model: {embedding.name} had weights "
            f"{str(embedding.sha256)[:12]}..., here it has {embedder.sha256[:12]}..."
        )
    return embedder


def embedded_rows(
    data: TextData,
    rows: np.ndarray,
    embedder: SentenceEmbedder | None,
    vectors: Path | None,
    progress: Progress | None = None,
) -> np.ndarray | SelectedRows:
    """Vectors of some rows.

    Parameters
    ----------
    data, rows
        The data, and m of its rows.
    embedder
        The model that makes the vectors; None if it is unknown.
    vectors
        A .npy file with a vector for each row of `data`. A few of them are made anew with `embedder`, and must
        be the same.
    progress
        Called with the number of texts embedded since the last call.

    Returns
    -------
    np.ndarray or SelectedRows
        (m, d) float32; those of a file stay there until they are asked for.

    Raises
    ------
    InputError
        If the file is unfit or its vectors are not the embedder's.
    """
    if vectors is None:
        assert embedder is not None, "without vectors an embedder is needed"
        return embedder.embed(data.select(rows), progress)
    given = load_vectors(vectors, len(data))
    if embedder is not None and not same_origin(embedder, data, rows, given):
        raise InputError(f"vectors {vectors}: are not those of {embedder.name}, with which the network was made")
    return SelectedRows(given, rows)


def same_origin(embedder: SentenceEmbedder, data: TextData, rows: np.ndarray, given: np.ndarray) -> bool:
    """Whether `given`, (texts, d), holds the embedder's vectors: a few spread over the rows are made anew."""
    if given.shape[1] != embedder.dimension:
        return False
    probe = rows[np.linspace(0, len(rows) - 1, min(_PROOF_TEXTS, len(rows))).astype(int)]
    own = embedder.embed(data.select(probe)).astype(np.float64)
    theirs = given[probe].astype(np.float64)
    norms = np.linalg.norm(own, axis=1) * np.linalg.norm(theirs, axis=1)
    cosine = (own * theirs).sum(axis=1) / np.where(norms > 0, norms, 1)
    logger.info("given vectors against %s: least cosine %.5f of %d", embedder.name, cosine.min(), len(probe))
    return bool(cosine.min() > _SAME_COSINE)
