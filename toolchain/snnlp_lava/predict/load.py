"""Open a network by name: a network file, a model folder, or a network included in the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path

if TYPE_CHECKING:
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.card import Card

PACKAGED = ("demo", "cafe")
"""Networks included in the package: each is trained on the data set of its name (see scripts/packaged_networks.py)."""


def network_path(name: StrPath) -> Path:
    """Return the path of a network file; a name of PACKAGED means the included one, never a file or folder."""
    if str(name) in PACKAGED:
        return Path(str(resources.files("snnlp_lava.predict") / f"{name}.net"))
    return as_path(name)


def open_network(path: StrPath) -> tuple[Network, Card]:
    """Load network and card from a network file, a model folder or a name of PACKAGED.

    Raises
    ------
    InputError
        If there is no such file or folder, it cannot be used, or the file has no card.
    """
    found = network_path(path)
    if found.is_dir():
        from snnlp_lava.train.model_folder import export_model

        return export_model(found)
    from snnlp_lava.netx.network_file import read_network

    if not found.exists():
        raise InputError(f"network {path}: no such file or folder (included: {', '.join(PACKAGED)})")
    file = read_network(found)
    return file.network, file.require_card()
