"""Words and their vectors in a folder of the cache: whole or not there, checked when opened, vectors left on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import open_npy, read_json, replacing_folder, sha256_of_file, write_json

logger = logging.getLogger(__name__)

_WORDS = "words.txt"
_VECTORS = "vectors.npy"
_HASHES = "sha256.json"

Add = Callable[[Sequence[str], np.ndarray], None]


@dataclass(frozen=True)
class WordTable:
    """What a folder holds.

    Attributes
    ----------
    words
        Row of each word, in order of the rows.
    vectors
        (V, d) float32, memory-mapped.
    """

    words: dict[str, int]
    vectors: np.ndarray


@contextmanager
def writing_table(folder: Path, dimension: int) -> Iterator[Add]:
    """Give a function that appends words and their (n, d) vectors; the folder appears when the block succeeds.

    A word that was there before is left out. Words hold no line feed.

    Raises
    ------
    InputError
        If the cache cannot be written.
    """
    seen: set[str] = set()
    with replacing_folder(folder) as temporary:
        with (temporary / _WORDS).open("wb") as words_file, (temporary / _VECTORS).open("wb") as vectors_file:
            header_end = _write_header(vectors_file, (0, dimension))

            def add(words: Sequence[str], vectors: np.ndarray) -> None:
                fresh = []
                for row, word in enumerate(words):
                    if word not in seen:
                        seen.add(word)
                        fresh.append(row)
                        words_file.write(word.encode("utf-8") + b"\n")
                vectors_file.write(np.ascontiguousarray(vectors[fresh], dtype="<f4").tobytes())

            yield add
            # NumPy leaves room in a header for the number of rows to grow.
            vectors_file.seek(0)
            assert _write_header(vectors_file, (len(seen), dimension)) == header_end
        write_json(temporary / _HASHES, {name: sha256_of_file(temporary / name) for name in (_WORDS, _VECTORS)})


def open_table(folder: Path) -> WordTable | None:
    """Open what `writing_table` wrote; None if there is nothing, or something else (which is logged)."""
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
            raise InputError("words and vectors do not belong together")
    except (InputError, OSError, UnicodeDecodeError) as error:
        logger.warning("cache %s is damaged (%s): made anew", folder, first_line(error))
        return None
    return WordTable(index, vectors)


def _write_header(file: BinaryIO, shape: tuple[int, int]) -> int:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
    return file.tell()
