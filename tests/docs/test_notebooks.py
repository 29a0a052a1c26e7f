"""The notebooks, cell by cell in plain Python; what they store is small and free of errors."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))
MOST_BYTES = 200_000
FAST = {"4-snnlp-paper"}  # the others train, or start a library, and take longer


def code_of(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def printed(cells):
    outputs = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "stream"]
    return "".join("".join(output["text"]) for output in outputs)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem not in FAST), id=path.stem) for path in NOTEBOOKS],
)
def test_a_notebook_runs(path, tmp_path):
    if "lava.lib.dl" in path.read_text("utf-8"):
        pytest.importorskip("torch")
    program = "\n".join("".join(cell["source"]) for cell in code_of(path))
    environment = {**os.environ, "MPLBACKEND": "agg"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    if path.stem == "4-snnlp-paper":  # NumPy alone: the numbers that it shows are those of every machine
        assert done.stdout.split() == printed(code_of(path)).split()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_stores_is_of_one_run_and_small(path):
    text = path.read_text("utf-8")
    assert len(text) < MOST_BYTES
    cells = code_of(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 1
    shown = "".join("".join(cell["source"]) for cell in cells) + printed(cells)
    assert re.findall(r"(?<![\w./:])/\w+/\S*", shown) == []  # absolute paths are of one machine


def test_there_are_four_and_the_list_of_the_docs_has_them():
    assert len(NOTEBOOKS) == 4
    listed = (NOTEBOOKS[0].parents[1] / "README.md").read_text("utf-8")
    assert all(f"notebooks/{path.name}" in listed for path in NOTEBOOKS)
