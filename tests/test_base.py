"""What `pip install .` alone does: no torch, no Lava, nothing of an extra, and no module that only Linux has."""

import json
import re
import subprocess
import sys
import textwrap
from importlib import metadata
from pathlib import Path

import pytest
import tomli
from packaging.requirements import Requirement

from snnlp_lava.extras import install_command

ROOT = Path(__file__).parents[1]
PYTHON_PAGE = ROOT / "docs" / "python.md"
NETWORK = ROOT / "tests" / "data" / "network_files" / "spike-embedding.net"
LINUX_ONLY = ("fcntl", "resource", "grp", "pwd", "termios", "_posixshmem")
PROGRAM = """if True:
    import os, sys

    class Hiding:
        def __init__(self, finder):
            self.finder = finder

        def __getattr__(self, name):
            return getattr(self.finder, name)

        def find_spec(self, name, path=None, target=None):
            return None if name.partition(".")[0] in HIDDEN else self.finder.find_spec(name, path, target)

    HIDDEN = set(sys.argv[2].split(","))
    sys.meta_path[:] = map(Hiding, sys.meta_path)
    for name in HIDDEN & set(sys.modules):
        del sys.modules[name]
    if "fcntl" in HIDDEN:
        del os.fork, os.getuid
    NETWORK = sys.argv[1]
    from snnlp_lava.cli.main import main

    def run(*arguments):
        if code := main(arguments, standalone_mode=False):
            sys.exit(code)
"""
USES = {
    "run --text": 'run("run", NETWORK, "--text", "what a lovely surprise")',
    "run, check and report": """
    run("run", NETWORK, "--data", "demo", "--limit", "20", "-o", "found")
    run("check", NETWORK, "--chip", "loihi1", "--json")
    run("report", "found", "-o", "found.json")
    run("report", "found", "-o", "found.md")
    """,
    "predict": """
    run("predict", NETWORK, "what a lovely surprise")
    run("predict", "demo", "what a lovely surprise")
    """,
    "the example of the docs": next(re.finditer(r"```python\n(.*?)```", PYTHON_PAGE.read_text("utf-8"), re.DOTALL))[1],
    "train to report": """
    run("train", "--data", "demo", "--limit", "200", "--method", "spike-embedding", "-o", "model")
    run("export", "model", "-o", "own.net", "--period", "32")  # a power of two, as Loihi 2 wants it
    run("check", "own.net", "--chip", "loihi2")
    run("predict", "own.net", "what a lovely surprise")
    run("run", "own.net", "--data", "demo", "-o", "found")
    run("report", "found", "-o", "found.json")
    run("export", "model", "--format", "nir", "-o", "own.nir")
    """,
    "from Python": """
    import snnlp_lava
    classifier = snnlp_lava.SpikingTextClassifier.load(NETWORK)
    assert list(classifier.predict(["i feel so happy today"])) == ["joy"]
    """,
    "to NIR and back": """
    import snnlp_lava
    one = snnlp_lava.read_network(NETWORK)
    snnlp_lava.write_nir("one.nir", one.network, one.card)
    run("import", "one.nir", "-o", "back.net")
    (layer,), (back,) = one.network.layers, snnlp_lava.read_network("back.net").network.layers
    assert (back.synapses()[0].weight == layer.synapses()[0].weight).all()
    """,
}


def with_needs(names):
    """These distributions and all that they need here, without extras."""
    found, todo = set(), list(names)
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name not in found:
            found.add(name)
            needs = map(Requirement, metadata.requires(name) or ())
            todo += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="session")
def not_in_base():
    """Modules of every installed package that the base does not bring."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = {*with_needs([Requirement(line).name for line in project["dependencies"]]), "snnlp-lava"}
    ours, others = set(), set()
    for distribution in metadata.distributions():
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        tops = {file.parts[0].removesuffix(".py") for file in distribution.files or () if file.suffix == ".py"}
        (ours if name in base else others).update(tops)
    others -= ours
    assert others >= {"torch", "lava", "sentence_transformers", "transformers", "datasets", "distributed", "networkx"}
    return others


def run_hidden(folder, hidden, use):
    program = PROGRAM + textwrap.indent(textwrap.dedent(USES.get(use, use)), "    ") + "\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(NETWORK), ",".join(hidden)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("use", USES)
def test_the_base_needs_no_extra(tmp_path, not_in_base, use):
    done = run_hidden(tmp_path, not_in_base, use)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("use", USES)
def test_the_base_needs_nothing_that_only_linux_has(tmp_path, not_in_base, use):
    done = run_hidden(tmp_path, not_in_base | set(LINUX_ONLY), use)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("use", "package"),
    [
        ('run("train", "--data", "demo", "--method", "snn-rate", "--epochs", "1", "-o", "model")', "torch"),
        ('run("run", NETWORK, "--backend", "sim", "--text", "a lovely day")', "lava"),
        ('run("run", NETWORK, "--backend", "loihi2", "--text", "a lovely day")', "lava"),
        ('run("verify", NETWORK, "--data", "demo", "--limit", "2")', "lava"),
        ('run("train", "--data", "demo", "--method", "ann", "-o", "model")', "torch"),
        ('run("demo")', "torch"),
    ],
)
def test_what_needs_an_extra_says_which(tmp_path, not_in_base, use, package):
    done = run_hidden(tmp_path, not_in_base, use)
    assert done.returncode == 2, done.stderr
    assert install_command(package) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("model*"))


def test_where_scikit_learn_is_missing_the_baseline_is_left_out_and_named(tmp_path, not_in_base):
    train = 'run("train", "--data", "demo", "--limit", "60", "--method", "spike-embedding", "-o", "model")'
    done = run_hidden(tmp_path, not_in_base, train)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if "TF-IDF" in line)
    assert install_command("sklearn") in line
    assert "TF-IDF" not in done.stdout
    assert json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))["baselines"] == {}
