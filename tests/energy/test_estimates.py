"""NeuroBench's metrics by hand, and by its own package where that is installed."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.energy.estimates import neurobench_metrics
from snnlp_lava.network.network import Network
from snnlp_lava.run.samples import Totals
from strategies import dense, one_table, saf_samples

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_a_tiny_network_by_hand():
    """Two inputs that spike at all 3 steps; of two hidden neurons the first does, too, of three outputs two do."""
    first = dense(np.array([[254, 0], [-2, -2]]), np.zeros(2, int), 4096, 4096, 1)
    second = dense(np.array([[2, 2], [0, 0], [4, 2]]), np.zeros(3, int), 4096, 4096, 1)
    network = Network((first, second))
    result = run_emulator(network, saf_samples(np.array([[FIXED_ONE, FIXED_ONE]]), 3), period=3)
    assert neurobench_metrics(Totals.of(network, [one_table(result)]).layers, [4, 6], [3, 4], 11, 3) == {
        "Footprint": 88,
        "ConnectionSparsity": pytest.approx(3 / 10),
        "ActivationSparsity": pytest.approx(1 - (3 + 0 + 3 + 0 + 3) / (5 * 3)),
        "Effective_MACs": 0,
        "Effective_ACs": 3 * (2 + 1)
        + 3 * 2,  # each input reaches weights 254, -2 and -2; the one hidden neuron 2 and 4
        "Dense": 3 * (4 + 6),
    }


def test_the_package_finds_the_same(monkeypatch, random_network):
    pytest.importorskip("neurobench", reason="neurobench is not installed (benchmarks/neurobench_metrics.py says how)")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    spec = importlib.util.spec_from_file_location("neurobench_metrics", BENCHMARKS / "neurobench_metrics.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    values = np.random.default_rng(3).integers(0, FIXED_ONE + 1, (5, 20), dtype=np.int32)
    theirs, ours = benchmark.both_sides(random_network((20, 16, 3), seed=3), saf_samples(values, 8), 8)
    assert ours == {name: pytest.approx(theirs[name], rel=1e-6) for name in ours}
