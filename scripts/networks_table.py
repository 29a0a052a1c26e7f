"""Make the table of layer types in docs/networks.md: python scripts/networks_table.py [--check].

Every cell is tried on a small layer of that type, but for Lava's simulator, on which
tests/backends/lava/test_layer_types.py tries them, and training.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.errors import InputError
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Layer, Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.netx.network_file import read_network, write_network
from snnlp_lava.netx.nir.own import read_nir, write_nir

PAGE = Path(__file__).parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- scripts/networks_table.py writes this table -->\n", "<!-- end of the table -->\n"
COLUMNS = ("layer type", "file", "emulator", "sim, verify", "loihi2", "check", "NIR", "training")
TRAINED = {"dense": "yes"}
SIMULATED = "yes"  # each of them by tests/backends/lava/test_layer_types.py


def layers() -> dict[str, Layer]:
    """A small layer of every type that is documented."""
    weight = np.array([[2, 4, -6], [8, -2, 4]])
    neuron, values = Neuron([0, 3], 1024, 128, 80), SigmaDelta([0, 3], 2)
    image = Geometry((1, 2, 2), (2, 1), 2)
    places, kernel = Neuron(np.zeros(4, int), 4096, 128, 9), 2 * np.ones((2, 1, 2, 1), int)
    return {
        "dense": Dense(weight, neuron),
        "dense, a delay for each neuron or line": Dense(weight, neuron, np.array([[3], [0]]) + np.zeros((2, 3), int)),
        "dense, a delay for each synapse": Dense(weight, neuron, np.array([[1, 0, 2], [0, 3, 1]])),
        "dense_rec": RecurrentDense(weight, np.array([[2, -4], [6, 2]]), neuron),
        "conv, flatten": Conv(kernel, places, image),
        "read-out (threshold 2^17 or more)": Dense(weight, Neuron([0, 3], 1024, 128, 1 << 17)),
        "input with neurons": Input((3,), Neuron(np.zeros(3, int), 4096, 128, 9)),
        "sigma-delta dense": Dense(weight, values),
        "sigma-delta conv": Conv(kernel, SigmaDelta(np.zeros(4, int), 2), image),
        "sigma-delta input (delta)": Input((3,), SigmaDelta(np.zeros(3, int), 2, "delta")),
        "sigma-delta output (sigma)": Dense(weight, SigmaDelta(np.zeros(2, int), 2, "sigma")),
    }


def row(name: str, layer: Layer, folder: Path) -> tuple[str, ...]:
    """The cells of a layer type."""
    network = Network((layer,))
    write_network(folder / "a.net", network, None)
    in_file = read_network(folder / "a.net").network == network
    ran = network.run(np.ones((1, 3, network.inputs), dtype=np.int32 if layer.takes_values else np.uint8))
    chip = (
        "no: samples" if layer.keeps_spikes else "no: adapters" if layer.takes_values or layer.neuron.graded else "yes"
    )
    fits = [key for key in CHIPS if not map_network(network, CHIPS[key]).violations]
    try:
        write_nir(folder / "a.nir", network, None)
        in_nir = "yes" if read_nir(folder / "a.nir").network == network else "no"
    except InputError:
        in_nir = "no"
    told = ["yes" if found else "no" for found in (in_file, ran)]
    return (name, *told, SIMULATED, chip, ", ".join(fits) or "no", in_nir, TRAINED.get(name, "no"))


def table() -> str:
    """The table in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(name, layer, Path(folder)) for name, layer in layers().items()]
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def page(text: str) -> str:
    """The page with the table as it is now."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    made = page(text)
    if sys.argv[1:] == ["--check"]:
        sys.exit(made != text)
    PAGE.write_text(made, "utf-8")
