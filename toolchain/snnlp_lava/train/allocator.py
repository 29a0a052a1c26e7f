"""How the C library treats the memory that tensors free."""

from __future__ import annotations

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, malloc.h
_KEPT_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Keep freed memory for the next batch, instead of giving it back and fetching every page of it anew.

    A training step frees and takes the same tens of megabytes each time; with glibc's defaults the page faults
    cost about as much as the neurons. Elsewhere than on glibc nothing is changed.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
