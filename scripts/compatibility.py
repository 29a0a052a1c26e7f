"""Make the compatibility page: what the registries hold, and what layers of each type are tried on.

.venv/bin/python scripts/compatibility.py
"""

import importlib.util
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import tomli

from snnlp_lava import (
    CHIPS,
    CheckError,
    Dense,
    InputError,
    Network,
    Neuron,
    map_network,
    run_network,
    write_network,
    write_nir,
)
from snnlp_lava.energy.prices import price_books
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import LAYERS
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.train.methods.make import importable_methods

ROOT = Path(__file__).parents[1]
STEPS = 8
HAS_LAVA = importlib.util.find_spec("lava") is not None


def compatibility_page(project, pins):
    """The page in Markdown, of pyproject.toml's project and the text of requirements/all.txt."""
    tried = "Each was tried when this page was built" + (
        "." if HAS_LAVA else "; Lava's simulator was not, since Lava is not installed here."
    )
    return "\n".join(
        [
            "# Compatibility\n",
            "## Pythons\n",
            "The whole suite runs on 3.10, the base on all; `scripts/try-pythons` tries everything on any of them.\n",
            _table(["", "numpy", "numba", "torch", "lava-nc", "lava-dl"], _pythons(project, pins)),
            "\nThe versions of `requirements/all.txt`. Where Lava is missing, `snnlp-lava setup-lava` installs it.\n",
            "## Layer types\n",
            f"{tried} The emulator and Lava's simulator gave the same spikes in {STEPS} steps.\n",
            _table(["layer", "network file", "NIR file", "emulator", "Lava's simulator", *CHIPS], _layers()),
            "\n[nir.md](nir.md) says what other simulators make of a NIR file.\n",
            "## Training methods\n",
            _table(["method", "of", "needs", ""], _methods()),
            "\n## Chips\n",
            _table(["name", "", "cores", "neurons", "input axons", "output axons", "words", "sources"], _chips()),
            "\nLimits of one core; words of 64 bits. `snnlp-lava check` maps a network onto them.\n",
            "## Price books\n",
            _table(["name", "", "scope", "evidence", "source"], _books()),
            "",
        ]
    )


def _table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _pythons(project, pins):
    found = re.findall(r"^([\w-]+)==([\w.]+)(?: ; python_full_version ([<>=]+) '([\d.]+)[.*]*')?", pins, re.MULTILINE)
    for line in project["classifiers"]:
        if python := re.search(r":: (3\.\d+)$", line):
            versions = {name: version for name, version, sign, limit in found if _holds(python[1], sign, limit)}
            names = ("numpy", "numba", "torch", "lava-nc", "lava-dl")
            yield [python[1], *(versions.get(name, "setup-lava") for name in names)]


def _holds(python, sign, limit):
    one, other = ([int(part) for part in text.split(".")[:2]] for text in (python, limit or python))
    return {"": True, "<": one < other, ">=": one >= other, "==": one == other}[sign]


def _layers():
    examples = _examples()
    for name, layers in examples.items():
        yield [name, *_tries(Network(layers), values=getattr(layers[0], "takes_values", False))]
    for kind in LAYERS:
        if not any(layer.kind == kind for layers in examples.values() for layer in layers):
            yield [f"`{kind}`", *["not tried"] * 4, *["not tried" for _ in CHIPS]]


def _examples():
    """A small network with a layer of each type."""
    rng = np.random.default_rng(0)

    def weight(*shape):
        return 2 * rng.integers(-60, 64, shape)

    def neuron(count):
        return Neuron([0] * count, current_decay=1024, voltage_decay=128, threshold=80)

    geometry = Geometry((1, 4, 4), (3, 3), 2)
    return {
        "dense": [Dense(weight(4, 4), neuron(4))],
        "dense with delays": [Dense(weight(4, 4), neuron(4), rng.integers(0, 4, (4, 4)))],
        "recurrent dense": [RecurrentDense(weight(4, 4), weight(4, 4), neuron(4))],
        "convolution": [Conv(weight(2, 1, 3, 3), neuron(8), geometry)],
        "input layer": [Input((4,), neuron(4)), Dense(weight(4, 4), neuron(4))],
        "sigma-delta": [
            Input((4,), SigmaDelta([0] * 4, 2, "delta")),
            Dense(weight(4, 4), SigmaDelta([0] * 4, 2)),
            Dense(weight(4, 4), SigmaDelta([0] * 4, 0, "sigma")),
        ],
    }


def _tries(network, values):
    lines = network.input_shape[::-1]  # in files: width, height, channels
    inputs = (2, *lines) if values else (2, STEPS, *lines)
    with tempfile.TemporaryDirectory() as folder:
        path, array = Path(folder) / "one.net", Path(folder) / "inputs.npy"
        np.save(array, np.random.default_rng(0).integers(0, 2, inputs, dtype=np.uint8).astype("f4" if values else "u1"))
        yield _tried(lambda: write_network(path, network, None))
        yield _tried(lambda: write_nir(Path(folder) / "one.nir", network, None))
        given = {"values": array, "steps": STEPS} if values else {"spikes": array}
        yield _tried(lambda: run_network(path, **given))
        yield _tried(lambda: run_network(path, **given, backend="sim")) if HAS_LAVA else "not tried"
    for name in CHIPS:
        mapping = map_network(network, CHIPS[name], STEPS)
        yield "no" if mapping.violations else "estimate" if CHIPS[name].estimate else "yes"


def _tried(call):
    try:
        call()
    except (InputError, CheckError):
        return "no"
    return "yes"


def _methods():
    for name, method in importable_methods().items():
        needs = ", ".join(getattr(method, "needs", ())) or "nothing more"
        yield [f"`{name}`", method.takes, needs, method.help]


def _chips():
    for name in CHIPS:
        chip = CHIPS[name]
        limits = (chip.cores, chip.neurons, chip.input_axons, chip.output_axons, chip.words)
        shown = [f"{limit:,}" if limit else "not published" for limit in limits]
        yield [f"`{name}`", chip.name, *shown, "; ".join(dict.fromkeys(chip.sources.values()))]


def _books():
    for name, book in price_books().items():
        yield [f"`{name}`", book.title, book.scope, book.evidence, book.source]


if __name__ == "__main__":
    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    sys.stdout.write(compatibility_page(project, (ROOT / "requirements/all.txt").read_text("utf-8")))
