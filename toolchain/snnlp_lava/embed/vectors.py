"""Ready vectors from a .npy file, row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy

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
            If the file is no .npy file, has another shape or type, or holds NaN or infinite values.
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
