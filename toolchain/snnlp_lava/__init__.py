"""Train spiking text classifiers with lava-dl, run them on Lava spike for spike, and bill what they cost.

The functions behind the commands are public here; docs/python.md shows how to use them. A name is imported on first
use, so ``import snnlp_lava`` itself is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnlp_lava.chip.chips import CHIPS as CHIPS
    from snnlp_lava.chip.mapping import CoreMapping as CoreMapping
    from snnlp_lava.chip.mapping import map_network as map_network
    from snnlp_lava.energy.prices import PriceBook as PriceBook
    from snnlp_lava.errors import BackendError as BackendError
    from snnlp_lava.errors import CheckError as CheckError
    from snnlp_lava.errors import InputError as InputError
    from snnlp_lava.errors import SnnlpLavaError as SnnlpLavaError
    from snnlp_lava.errors import StoppedError as StoppedError
    from snnlp_lava.network.dense import Dense as Dense
    from snnlp_lava.network.network import Layer as Layer
    from snnlp_lava.network.network import Network as Network
    from snnlp_lava.network.neuron import Neuron as Neuron
    from snnlp_lava.netx.card import Card as Card
    from snnlp_lava.netx.network_file import read_network as read_network
    from snnlp_lava.netx.network_file import write_network as write_network
    from snnlp_lava.netx.nir.own import read_nir as read_nir
    from snnlp_lava.netx.nir.own import write_nir as write_nir
    from snnlp_lava.predict.classifier import SpikingTextClassifier as SpikingTextClassifier
    from snnlp_lava.report.page import write_report as write_report
    from snnlp_lava.report.plots import plot_frontier as plot_frontier
    from snnlp_lava.report.plots import plot_membrane as plot_membrane
    from snnlp_lava.report.plots import plot_spikes as plot_spikes
    from snnlp_lava.run.folder import Run as Run
    from snnlp_lava.run.folder import read_run as read_run
    from snnlp_lava.run.runner import run_network as run_network
    from snnlp_lava.run.verify import verify as verify
    from snnlp_lava.text.sources import load_texts as load_texts
    from snnlp_lava.train.data import TrainingData as TrainingData
    from snnlp_lava.train.data import prepare_data as prepare_data
    from snnlp_lava.train.methods.base import METHODS as METHODS
    from snnlp_lava.train.methods.base import Method as Method
    from snnlp_lava.train.model_folder import ModelRecord as ModelRecord
    from snnlp_lava.train.model_folder import export_model as export_model
    from snnlp_lava.train.trainer import train_model as train_model

__version__ = "0.2.0.dev0"

_PUBLIC = {
    "predict.classifier": ("SpikingTextClassifier",),
    "chip.chips": ("CHIPS",),
    "chip.mapping": (
        "CoreMapping",
        "map_network",
    ),
    "energy.prices": ("PriceBook",),
    "errors": (
        "BackendError",
        "CheckError",
        "InputError",
        "SnnlpLavaError",
        "StoppedError",
    ),
    "network.dense": ("Dense",),
    "network.network": (
        "Layer",
        "Network",
    ),
    "network.neuron": ("Neuron",),
    "netx.card": ("Card",),
    "netx.network_file": (
        "read_network",
        "write_network",
    ),
    "netx.nir.own": (
        "read_nir",
        "write_nir",
    ),
    "report.page": ("write_report",),
    "report.plots": (
        "plot_frontier",
        "plot_membrane",
        "plot_spikes",
    ),
    "run.folder": (
        "Run",
        "read_run",
    ),
    "run.runner": ("run_network",),
    "run.verify": ("verify",),
    "text.sources": ("load_texts",),
    "train.data": (
        "TrainingData",
        "prepare_data",
    ),
    "train.methods.base": (
        "METHODS",
        "Method",
    ),
    "train.model_folder": (
        "ModelRecord",
        "export_model",
    ),
    "train.trainer": ("train_model",),
}
"""Public names, grouped by the module that defines them."""

__all__ = ["__version__", *sorted(name for names in _PUBLIC.values() for name in names)]

if not TYPE_CHECKING:  # else a type checker would believe every name

    def __getattr__(name: str) -> Any:
        for module, names in _PUBLIC.items():
            if name in names:
                return getattr(importlib.import_module(f"snnlp_lava.{module}"), name)
        raise AttributeError(f"module 'snnlp_lava' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
