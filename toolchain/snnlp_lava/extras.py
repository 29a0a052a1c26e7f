"""Map optional packages to extras, and report a missing one in one line with the command that installs it."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib import metadata

from snnlp_lava import lava_compat
from snnlp_lava.errors import InputError

_EXTRA_OF = {
    "asteval": "lava",
    "datasets": "hub",
    "distributed": "sweep",
    "huggingface_hub": "hub",
    "lava": "lava",
    "matplotlib": "report",
    "networkx": "lava",
    "sentence_transformers": "sentence",
    "tokenizers": "sentence",
    "scipy": "train",
    "sklearn": "train",
    "torch": "train",
    "transformers": "sentence",
}
_OLDEST_TORCH = (2, 3)


def install_command(package: str) -> str:
    """Return the command that installs an optional package, given its import name."""
    if package == "lava" and lava_compat.PIP_REFUSES_LAVA:
        return "snnlp-lava setup-lava"
    return f'pip install "snnlp-lava[{_EXTRA_OF.get(package, "all")}]"'


def missing_package(error: ModuleNotFoundError) -> str | None:
    """Describe a missing package in one line; None if the missing module is ours or part of Python."""
    package = (error.name or "").partition(".")[0]
    if package in {"", "snnlp_lava", *sys.stdlib_module_names}:
        return None
    return f"this needs the package {package}, which is not installed; type: {install_command(package)}"


def require(*packages: str) -> None:
    """Raise an InputError if a package is missing or its version unsupported; with "lava", make Lava importable.

    Parameters
    ----------
    packages
        Names as they are imported: "torch", "lava", "sentence_transformers", ...

    Raises
    ------
    InputError
        If one is not installed, if torch is too old, or if Lava is of another version.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"this needs the package {package}, which is not installed; type: {install_command(package)}"
            )
    if "torch" in packages:
        version = metadata.version("torch")
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST_TORCH:
            raise InputError(f"torch must be 2.3 or newer, got {version}; type: {install_command('torch')}")
    if "lava" in packages:
        _check_lava()
        lava_compat.make_lava_importable()


def _check_lava() -> None:
    for package, wanted in lava_compat.LAVA_VERSIONS.items():
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "none"
        if version != wanted:
            raise InputError(f"{package} must be {wanted}, got {version}; type: {install_command('lava')}")
