"""Make the compatibility page: what the registries hold, and what a layer of each type is tried on when the site is built.

.venv/bin/python scripts/compatibility.py
"""

import importlib.util
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import tomli
from hypothesis import find, settings

from snnlp_lava import CHIPS, InputError, Network, map_network, run_network, write_network, write_nir
from snnlp_lava.energy.prices import price_books
from snnlp_lava.network.network import LAYERS
from snnlp_lava.train.methods.base import importable_methods

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from strategies import LAYER_TYPES, card_for  # noqa: E402 (the layers on which the tests hold their laws)

STEPS = 8
HAS_LAVA = importlib.util.find_spec("lava") is not None


def compatibility_page(project, pins):
    """The page in Markdown, of pyproject.toml's project and the text of requirements.txt."""
    tried = "Each was tried when this page was built" + (
        "." if HAS_LAVA else "; Lava's simulator was not, since Lava is not installed here."
    )
    return "\n".join(
        [
            "# Compatibility\n",
            "## Pythons\n",
            "The whole suite runs on 3.10, the base on all; `scripts/try-pythons` tries everything on any of them.\n",
            _table(["", "numpy", "numba", "torch", "lava-nc", "lava-dl"], _pythons(project, pins)),
            "\nThe versions are those of `requirements.txt`. Where it has none of Lava, `snnlp-lava setup-lava` installs it.\n",
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
    kinds = [*LAYER_TYPES, *(name for name in LAYERS if name not in LAYER_TYPES)]
    layers = {kind: _example(kind) for kind in LAYER_TYPES}
    on_lava = _on_lava(layers)
    for kind in kinds:
        if kind in layers:
            yield [f"`{kind}`", *_tries(Network([layers[kind]]), on_lava[kind])]
        else:
            yield [f"`{kind}`", *["in networks of the tests"] * 4, *["" for _ in CHIPS]]


def _example(kind):
    """The simplest layer of 4 lines and neurons that has what its type is for."""
    return find(
        LAYER_TYPES[kind](4, 4),
        lambda layer: layer.synapse_count_nonzero > 2 and (kind == "dense" or layer.keeps_spikes),
        settings=settings(derandomize=True, database=None, deadline=None),
    )


def _on_lava(layers):
    """Whether each runs on Lava's simulator: all in one network, and only if that does not run, one by one."""
    if not HAS_LAVA:
        return dict.fromkeys(layers, "not tried")
    if _tried(lambda: _run(Network([*layers.values()]), backend="sim")) == "yes":
        return dict.fromkeys(layers, "yes")
    return {kind: _tried(lambda layer=layer: _run(Network([layer]), backend="sim")) for kind, layer in layers.items()}


def _run(network, **options):
    with tempfile.TemporaryDirectory() as folder:
        path, spikes = Path(folder) / "one.net", Path(folder) / "spikes.npy"
        write_network(path, network, None)
        np.save(spikes, np.random.default_rng(0).integers(0, 2, (2, STEPS, network.inputs), dtype=np.uint8))
        run_network(path, spikes=spikes, **options)


def _tries(network, on_lava):
    with tempfile.TemporaryDirectory() as folder:
        yield _tried(lambda: write_network(Path(folder) / "one.net", network, None))
        yield _tried(lambda: write_nir(Path(folder) / "one.nir", network, card_for(network)))
    yield _tried(lambda: _run(network))
    yield on_lava
    for name in CHIPS:
        mapping = map_network(network, CHIPS[name], STEPS)
        yield "no" if mapping.violations else "estimate" if CHIPS[name].estimate else "yes"


def _tried(call):
    try:
        call()
    except InputError:
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
    sys.stdout.write(compatibility_page(project, (ROOT / "requirements.txt").read_text("utf-8")))
