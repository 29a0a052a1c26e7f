"""Embed texts as means of word vectors, which come from a file or are distilled from a sentence model."""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from snnlp_lava.embed.base import OpCounts, words64
from snnlp_lava.embed.cache import cache_folder
from snnlp_lava.embed.glove import hash_of, read_word_text, title_of
from snnlp_lava.embed.sentence import SentenceEmbedder
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import atomic_folder, open_npy, read_json, remove_folder, sha256_of_file, write_json
from snnlp_lava.progress import AdvanceCallback, no_advance
from snnlp_lava.text.tokens import paper_tokens

RECIPE = "distil-1"  # increased whenever the vectors change


_SMOOTH = 1e-4  # probability of a word of weight 1/2


def words_of_model(embedder: SentenceEmbedder) -> list[str]:
    """Return the words of letters and digits in the model's vocabulary, in order, as `paper_tokens` yields them.

    Single characters count only if they are ASCII: the others are the alphabets at the start of a WordPiece vocabulary.

    Raises
    ------
    InputError
        If the vocabulary has no whole words.
    """
    words = [
        token
        for token in embedder.whole_tokens()
        if token.isalnum() and (len(token) > 1 or token.isascii()) and paper_tokens(token) == [token]
    ]
    if not words:
        raise InputError(
            f"embedding model {embedder.name}: its vocabulary has no whole words to distil; "
            "use a file of word vectors (--words)"
        )
    return words


def distil(
    embedder: SentenceEmbedder, words: Sequence[str], dimension: int, progress: AdvanceCallback = no_advance
) -> np.ndarray:
    """Distil word vectors from a sentence model.

    Parameters
    ----------
    embedder
        The sentence model.
    words
        V distinct words, the most frequent first.
    dimension
        Length of a vector, at most the model's.
    progress
        Advances by words.

    Returns
    -------
    np.ndarray
        (V, dimension) float32: the words' sentence vectors on their first principal axes, each scaled by
        `sif_weights` of its rank.
    """
    vectors = on_principal_axes(embedder.embed(words, progress), dimension)
    return (vectors * sif_weights(len(words))[:, None]).astype(np.float32)


def on_principal_axes(vectors: np.ndarray, dimension: int) -> np.ndarray:
    """Project centred vectors (V, d) on the `dimension` axes of largest variance: (V, dimension) float64.

    The sign of an axis is arbitrary; here its largest component is positive.
    """
    centred = vectors.astype(np.float64)
    centred -= centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # columns, in order of increasing variance
    axes = axes[:, ::-1][:, :dimension]
    largest = np.abs(axes).argmax(axis=0)
    return centred @ (axes * np.sign(axes[largest, np.arange(dimension)]))


def sif_weights(count: int) -> np.ndarray:
    """Return weights (count,) of words by frequency rank: near 0 for frequent words, near 1 for rare ones.

    By Zipf's law the word of rank r has a probability p proportional to 1/r; its weight is a / (a + p).
    """
    frequency = 1 / np.arange(1, count + 1)
    return _SMOOTH / (_SMOOTH + frequency / frequency.sum())


logger = logging.getLogger(__name__)


_WORDS = "words.txt"


_VECTORS = "vectors.npy"


_HASHES = "sha256.json"


@dataclass(frozen=True)
class WordTable:
    """A table of word vectors in a cache folder.

    Attributes
    ----------
    words
        Row of each word, in row order.
    vectors
        (V, d) float32, memory-mapped.
    """

    words: dict[str, int]
    vectors: np.ndarray


def write_table(folder: Path, dimension: int, blocks: Iterable[tuple[Sequence[str], np.ndarray]]) -> WordTable:
    """Write blocks of words and their (n, d) vectors to a folder of the cache, and open them.

    Duplicate words are skipped. Words contain no line feed. Several processes may write the same folder at the same
    time: the first to finish wins, and each opens its own table before others can see or remove it.

    Raises
    ------
    InputError
        If the cache cannot be written.
    """
    with atomic_folder(folder, shared=True) as temporary:
        seen: set[str] = set()
        with (temporary / _WORDS).open("wb") as words_file, (temporary / _VECTORS).open("wb") as vectors_file:
            header_end = _write_header(vectors_file, (0, dimension))
            for words, vectors in blocks:
                fresh = []
                for row, word in enumerate(words):
                    if word not in seen:
                        seen.add(word)
                        fresh.append(row)
                        words_file.write(word.encode("utf-8") + b"\n")
                vectors_file.write(np.ascontiguousarray(vectors[fresh], dtype="<f4").tobytes())
            # NumPy reserves space in a header for a growing number of rows.
            vectors_file.seek(0)
            assert _write_header(vectors_file, (len(seen), dimension)) == header_end
        write_json(temporary / _HASHES, {name: sha256_of_file(temporary / name) for name in (_WORDS, _VECTORS)})
        table = open_table(temporary)
    if table is None:
        raise InputError(f"cache {folder}: differs from what was just written; set SNNLP_LAVA_CACHE to another disk")
    return table


def open_table(folder: Path) -> WordTable | None:
    """Open a table of `write_table`; None if it is missing or damaged (then it is logged and removed)."""
    if not folder.exists():
        return None
    try:
        hashes = read_json(folder / _HASHES)
        for name in (_WORDS, _VECTORS):
            if sha256_of_file(folder / name) != hashes.get(name):
                raise InputError(f"{name} has another hash")
        *words, end = (folder / _WORDS).read_bytes().decode("utf-8").split("\n")
        index = {word: row for row, word in enumerate(words)}
        vectors = open_npy(folder / _VECTORS, "word vectors")
        if end or vectors.dtype != np.dtype("<f4") or vectors.ndim != 2 or not len(vectors) == len(words) == len(index):
            raise InputError("words and vectors do not match")
    except (InputError, OSError, UnicodeDecodeError) as error:
        logger.warning("cache %s is damaged (%s): recreated", folder, one_line(error))
        remove_folder(folder)
        return None
    return WordTable(index, vectors)


def _write_header(file: BinaryIO, shape: tuple[int, int]) -> int:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call, unused-ignore]
    return file.tell()


logger = logging.getLogger(__name__)


_DIMENSION = 200  # dimension of distilled vectors, as of GloVe's in the paper


DISTILLED_SUFFIX = f"/words-{_DIMENSION}"
"""Return the name of distilled vectors, derived from their sentence model."""


_SHA256 = re.compile("[0-9a-f]{64}")


_BLOCK = 4096  # words of a text whose vectors are in memory at a time


_REPORTED = 256  # texts between progress reports


@dataclass(frozen=True)
class WordVectors:
    """A vector for each of V words.

    Attributes
    ----------
    words
        Row of each word.
    vectors
        (V, d) float32, possibly memory-mapped.
    name
        Display name.
    sha256
        Hash of the file they were read from, or of what they were distilled from.
    legacy_sha256
        Hash that version 0.1.0 wrote for them; None if it is the same or unknown.
    """

    words: Mapping[str, int]
    vectors: np.ndarray
    name: str
    sha256: str
    legacy_sha256: str | None = None

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def rows(self, tokens: Iterable[str]) -> np.ndarray:
        """Return the rows, (k,) int64, of the tokens that have a vector, in order."""
        known = (self.words.get(token) for token in tokens)
        return np.array([row for row in known if row is not None], dtype=np.int64)

    def embed(self, texts: Sequence[str], progress: AdvanceCallback = no_advance) -> np.ndarray:
        """Return the mean vector of the words of each text, cleaned and split as in the paper: (n, d) float32.

        Words without a vector, or with a zero vector, are ignored. A text without other words gets the zero vector;
        the number of such texts is logged.
        """
        means = np.zeros((len(texts), self.dimension), dtype=np.float32)
        empty = 0
        for start in range(0, len(texts), _REPORTED):
            chunk = texts[start : start + _REPORTED]
            for number, text in enumerate(chunk, start):
                total, count = self._sum(self.rows(paper_tokens(text)))
                if count:
                    means[number] = total / count
                empty += not count
            progress(len(chunk))
        if empty:
            logger.warning("%d of %d texts have no word that %s knows: zero vectors", empty, len(texts), self.name)
        return means

    def host_ops(self, texts: Sequence[str]) -> OpCounts:
        """Count the reads of the vector table, and the additions and multiplications of the means."""
        found = [len(self.rows(paper_tokens(text))) for text in texts]
        means = sum(count > 0 for count in found)
        counts = {
            "table_word": sum(found) * words64(32 * self.dimension),
            "addition": (sum(found) - means) * self.dimension,
            "multiplication": means * self.dimension,
        }
        return OpCounts(self.name, "words", sum(found), counts)

    def _sum(self, rows: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the sum, (d,) float64, of the vectors of some rows, and the number of non-zero ones."""
        total, count = np.zeros(self.dimension), 0
        for start in range(0, len(rows), _BLOCK):
            block = self.vectors[rows[start : start + _BLOCK]]
            total += block.sum(axis=0, dtype=np.float64)
            count += int(block.any(axis=1).sum())
        return total, count


def open_word_vectors(path: Path) -> WordVectors:
    """Open word vectors in text format: GloVe (``word v1 v2 ...``) or word2vec (``count dimension`` in the first line).

    The file may be gzip-compressed. It is converted once, into the cache; afterwards only its hash is compared and the
    vectors stay on disk. For a duplicate word the first line counts.

    Raises
    ------
    InputError
        If the file cannot be read or is malformed, or the cache cannot be written.
    """
    sha256 = hash_of(path, "word vectors")
    folder = cache_folder() / f"word-vectors-{sha256}"
    table = open_table(folder)
    if table is None:
        logger.info("reading the word vectors %s", path)
        blocks = read_word_text(path)
        first = next(blocks)
        table = write_table(folder, first[1].shape[1], itertools.chain([first], blocks))
    return WordVectors(table.words, table.vectors, title_of(path), sha256)


def cached_word_vectors(name: str, sha256: str) -> WordVectors:
    """Open word vectors that `open_word_vectors` has cached.

    Raises
    ------
    InputError
        If they are not in the cache.
    """
    # The hash may come from an untrusted network file, and must not point outside the cache.
    table = open_table(cache_folder() / f"word-vectors-{sha256}") if _SHA256.fullmatch(sha256) else None
    if table is None:
        raise InputError(
            f"word vectors {name} (sha256 {sha256[:12]}...) are not in the cache; specify their file with --words"
        )
    return WordVectors(table.words, table.vectors, name, sha256)


def distilled_word_vectors(
    embedder: SentenceEmbedder, dimension: int = _DIMENSION, progress: AdvanceCallback = no_advance
) -> WordVectors:
    """Open word vectors distilled from a sentence model (see `distil`), the default without a file of word vectors.

    They are computed once, in about a minute, and cached.

    Parameters
    ----------
    embedder
        The sentence model, whose vocabulary is used.
    dimension
        Length of a vector, at most the model's.
    progress
        Advances by words while they are computed.

    Returns
    -------
    WordVectors
        `sha256` covers their inputs: the model (weights and settings), the words, the dimension and the recipe. The
        numbers differ in their last digits between machines and are not part of it.

    Raises
    ------
    InputError
        If the model has no vocabulary of whole words or fewer dimensions, or the cache cannot be written.
    """
    if not 1 <= dimension <= embedder.dimension:
        raise InputError(
            f"word vectors of {embedder.name}: dimension must be 1 to {embedder.dimension}, got {dimension}; "
            "use a file of word vectors (--words)"
        )
    folder = cache_folder() / f"words-of-{embedder.sha256}-{dimension}-{RECIPE}"
    table = open_table(folder)
    if table is None:
        words = words_of_model(embedder)
        table = write_table(folder, dimension, [(words, distil(embedder, words, dimension, progress))])
    listed = "\n".join(table.words)
    sha256, legacy = (
        hashlib.sha256(f"{RECIPE} {model} {dimension}\n{listed}".encode()).hexdigest() if model else None
        for model in (embedder.sha256, embedder.legacy_sha256)
    )
    return WordVectors(table.words, table.vectors, f"{embedder.name}/words-{dimension}", str(sha256), legacy)
