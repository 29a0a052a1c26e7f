"""Cells and results made by hand, so that what keeps and sums them is tested without training."""

import pytest

from snnlp_lava.records import build
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import CellRecord, DataIdentity
from snnlp_lava.train.methods.make import make_method

IDENTITY = DataIdentity(name="demo", sha256="5a" * 32, vectors=None, words=None, codes=None)

EPOCH = {
    "epoch": 1,
    "train_loss": 0.25,
    "train_spikes": 90.0,
    "validation_loss": 0.5,
    "validation_accuracy": 0.5,
    "validation_mrr": 0.75,
}


@pytest.fixture
def cell():
    """Make a cell of the demo data: cell(method, seed=1, ...)."""

    def make(method="snn-rate", **train):
        return Cell(Source("demo"), make_method(method, **{"seed": 1, **train}))

    return make


@pytest.fixture
def document():
    """Make a cell's result file as a dictionary: document(cell, accuracy, spikes of each layer)."""

    def make(cell, accuracy=0.5, spikes=(300, 20)):
        scores = {"accuracy": accuracy, "mrr": (1 + accuracy) / 2}
        results = {"sizes": [4, 2], "samples": 10, "best_epoch": 1, "history": [EPOCH]}
        results |= {"validation": scores, "test": scores}
        if not cell.train.spiking:
            results["macs"] = 8
        else:
            counts = [
                {"spikes": n, "synops": 2 * n, "synops_nonzero": n, "neuron_updates": 4, "wraps": 0, "clips": 1}
                for n in spikes
            ]
            layers = [{"name": f"layer{index}", "neurons": 2, **count} for index, count in enumerate(counts)]
            results["emulator"] = {**scores, "window": 8, "period": 8, "paper_operations": 32.0, "layers": layers}
        return {
            "format": 1,
            "cell": cell.to_dict(),
            "data": {
                **IDENTITY.to_dict(),
                "rows": {"train": 10, "validation": 10, "test": 10},
                "embedding": {"name": None, "sha256": None, "dimension": 4},
            },
            "results": results,
            "versions": {"snnlp-lava": "0"},
            "date": "2024-01-31T12:00:00+00:00",
            "seconds": 1.5,
            "host": {"system": "Linux", "machine": "x86_64", "cores": 2, "device": "cpu"},
        }

    return make


@pytest.fixture
def record(document):
    """Make a cell's result as a record; arguments as for `document`."""
    return lambda *arguments, **options: build(CellRecord, document(*arguments, **options))
