"""Cache sentence vectors on disk, keyed by model and text."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import home_folder, os_error_text

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LOCK_SECONDS = 60.0
_BATCH = 500  # keys per query; SQLite allows at least 999


def cache_folder() -> Path:
    """Return the cache folder: $SNNLP_LAVA_CACHE, or snnlp-lava in $XDG_CACHE_HOME or ~/.cache.

    Raises
    ------
    InputError
        As `home_folder`.
    """
    if own := os.environ.get("SNNLP_LAVA_CACHE"):
        return Path(own)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "snnlp-lava"
    return home_folder() / ".cache" / "snnlp-lava"


class EmbeddingCache:
    """Vectors of one model on disk. Several processes may read and write at the same time: SQLite locks the file.

    Parameters
    ----------
    model_sha256
        Hash of everything that determines a vector: weights and settings. Each model has its own file.
    dimension
        Length of a vector.
    folder
        Location; `cache_folder()` by default.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """

    def __init__(self, model_sha256: str, dimension: int, folder: Path | None = None) -> None:
        folder = folder or cache_folder()
        self.path = folder / f"embeddings-{model_sha256[:16]}.sqlite"
        self._dimension = dimension
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cache {folder}: cannot be written ({os_error_text(error)}); set SNNLP_LAVA_CACHE"
            ) from error
        self._safely(self._create)

    def get(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return vectors, (d,) float32 each, of the texts that are cached. Damaged entries count as missing."""
        return self._safely(lambda: self._get({_key(text): text for text in texts}))

    def put(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Store the (n, d) vectors of n texts."""
        blobs = np.ascontiguousarray(vectors, dtype="<f4")
        rows = [(_key(text), blob.tobytes()) for text, blob in zip(texts, blobs, strict=True)]
        self._safely(lambda: self._put(rows))

    def _get(self, keys: dict[bytes, str]) -> dict[str, np.ndarray]:
        order = list(keys)
        found: dict[str, np.ndarray] = {}
        with closing(self._connect()) as connection:
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                query = f"SELECT key, vector FROM embeddings WHERE key IN ({marks})"  # noqa: S608 (only marks)
                for key, blob in connection.execute(query, batch):
                    if key in keys and isinstance(blob, bytes) and len(blob) == 4 * self._dimension:
                        vector = np.frombuffer(blob, dtype="<f4")
                        if np.isfinite(vector).all():
                            found[keys[key]] = vector
        return found

    def _put(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        with closing(self._connect()) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?)", rows)

    def _safely(self, use: Callable[[], T]) -> T:
        """Access the file; if it is damaged, move it away, create a new one and use that."""
        try:
            return use()
        except sqlite3.OperationalError as error:  # locked, full or not writable, but not damaged
            raise InputError(f"cache {self.path}: {error}; set SNNLP_LAVA_CACHE to another folder") from error
        except sqlite3.DatabaseError as error:
            damaged = self.path.with_suffix(f".damaged-{os.getpid()}")
            logger.warning("cache %s is damaged (%s): recreated; the old one is %s", self.path, error, damaged)
            self.path.replace(damaged)
            self._create()
            return use()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_LOCK_SECONDS)

    def _create(self) -> None:
        with closing(self._connect()) as connection, connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )
            connection.execute("SELECT count(*) FROM (SELECT key, vector FROM embeddings LIMIT 1)").fetchone()


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
