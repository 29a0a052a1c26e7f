"""Versions of what a result depends on."""

from __future__ import annotations

import platform
from importlib import metadata

from snnlp_lava.version import VERSION

_PACKAGES = ("lava-nc", "lava-dl", "torch", "numpy", "sentence-transformers", "h5py")


def versions() -> dict[str, str]:
    """Package name to version, read from the installed metadata, so that nothing is imported."""
    found = {"snnlp-lava": VERSION, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
