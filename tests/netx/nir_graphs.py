"""Graphs of nodes as other programs write them, and the network of the tests of NIR files."""

import nir
import numpy as np

from snnlp_lava.network.network import Network
from snnlp_lava.netx.nir.own import read_nir
from strategies import dense

NETWORK = Network(
    [
        dense([[2, -4, 6], [8, -10, 12]], [0, 5], 1024, 128, 80),
        dense([[3, 4], [6, 255], [0, 1]], [7, 0, -4096], 4096, 0, 131071),
    ]
)


def pair(weight, bias=None, kind="CubaLIF", **changes):
    """Nodes of a layer as snnTorch writes them: decays of 1/4 and 1/8 a step, threshold 1."""
    ones = np.ones(len(weight))
    fields = {"tau_syn": 4e-4, "tau_mem": 8e-4, "tau": 8e-4, "r": 8.0, "w_in": 4.0, "v_leak": 0.0, "v_threshold": 1.0}
    names = {
        "CubaLIF": ("tau_syn", "tau_mem", "r", "w_in", "v_leak", "v_threshold"),
        "LIF": ("tau", "r", "v_leak", "v_threshold"),
        "IF": ("r", "v_threshold"),
    }[kind]
    values = {name: ones * fields[name] for name in names}
    values.update({name: ones * value for name, value in changes.items()})
    return nir.Linear(weight) if bias is None else nir.Affine(weight, bias), getattr(nir, kind)(**values)


def graph_of(*nodes, **options):
    return nir.NIRGraph.from_list(*nodes, **options)


def read_graph(path, *nodes, time_step=None):
    nir.write(path, graph_of(*nodes))
    return read_nir(path, time_step)
