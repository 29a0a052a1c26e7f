"""Import lava-dl's SLAYER without the lines it prints about CUDA and optional toolboxes."""

from __future__ import annotations

import contextlib
import io
import warnings
from types import ModuleType


def import_slayer() -> ModuleType:
    """``lava.lib.dl.slayer``, imported without a word."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        from lava.lib.dl import slayer

    return slayer
