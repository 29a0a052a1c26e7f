"""Spiking text classifiers: train with lava-dl, run on Lava spike for spike, know what they cost.

What the commands call is public here; docs/python.md shows it at work. A name is imported when it is first used, so
that ``import snnlp_lava`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from snnlp_lava import version

if TYPE_CHECKING:
    from snnlp_lava.backends.job import run_network
    from snnlp_lava.backends.lava_job import Board
    from snnlp_lava.backends.record import Run, read_run
    from snnlp_lava.backends.selection import Selection
    from snnlp_lava.backends.verify import verify
    from snnlp_lava.chip.chips import CHIPS
    from snnlp_lava.chip.fit import Fit, fit_network
    from snnlp_lava.chip.network import Layer, Network
    from snnlp_lava.energy.prices import PriceBook
    from snnlp_lava.errors import BackendError, CheckError, InputError, SnnlpLavaError, StoppedError
    from snnlp_lava.netx.card import Card
    from snnlp_lava.netx.file import read_network, write_network
    from snnlp_lava.netx.nir import read_nir, write_nir
    from snnlp_lava.report.page import write_report
    from snnlp_lava.text.sources import load_texts
    from snnlp_lava.train.config import TrainConfig
    from snnlp_lava.train.corpus import Origin, prepare
    from snnlp_lava.train.export import export_model
    from snnlp_lava.train.session import train_model

__version__ = version.VERSION

__all__ = [
    "CHIPS",
    "BackendError",
    "Board",
    "Card",
    "CheckError",
    "Fit",
    "InputError",
    "Layer",
    "Network",
    "Origin",
    "PriceBook",
    "Run",
    "Selection",
    "SnnlpLavaError",
    "StoppedError",
    "TrainConfig",
    "__version__",
    "export_model",
    "fit_network",
    "load_texts",
    "prepare",
    "read_network",
    "read_nir",
    "read_run",
    "run_network",
    "train_model",
    "verify",
    "write_network",
    "write_nir",
    "write_report",
]

_HOMES = {
    "backends.job": ("run_network",),
    "backends.lava_job": ("Board",),
    "backends.record": ("Run", "read_run"),
    "backends.selection": ("Selection",),
    "backends.verify": ("verify",),
    "chip.chips": ("CHIPS",),
    "chip.fit": ("Fit", "fit_network"),
    "chip.network": ("Layer", "Network"),
    "energy.prices": ("PriceBook",),
    "errors": ("BackendError", "CheckError", "InputError", "SnnlpLavaError", "StoppedError"),
    "netx.card": ("Card",),
    "netx.file": ("read_network", "write_network"),
    "netx.nir": ("read_nir", "write_nir"),
    "report.page": ("write_report",),
    "text.sources": ("load_texts",),
    "train.config": ("TrainConfig",),
    "train.corpus": ("Origin", "prepare"),
    "train.export": ("export_model",),
    "train.session": ("train_model",),
}


if not TYPE_CHECKING:  # else a type checker would believe every name

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                return getattr(importlib.import_module(f"snnlp_lava.{home}"), name)
        raise AttributeError(f"module 'snnlp_lava' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
