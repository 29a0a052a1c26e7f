"""Ready vectors from a .npy file, row by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy

_CHUNK = 1 << 16  # rows looked at in one go, so that a memory-mapped file stays on disk


def load_vectors(path: Path, rows: int) -> np.ndarray:
    """Open vectors for `rows` texts, memory-mapped.

    Returns
    -------
    np.ndarray
        (rows, d), float16, float32 or float64.

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
    if vectors.shape[1] == 0:
        raise InputError(f"vectors {path}: has no dimensions")
    for start in range(0, rows, _CHUNK):
        finite = np.isfinite(vectors[start : start + _CHUNK]).all(axis=1)
        if not finite.all():
            raise InputError(f"vectors {path}: row {start + int(np.argmin(finite)) + 1} holds NaN or infinity")
    return vectors
