"""Network files written by version 0.1.0, one of each encoder: that format stays readable, with the same counts."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from snnlp_lava.cli.main import main

FILES = Path(__file__).parents[1] / "data" / "network_files"
EXPECTED = json.loads((FILES / "expected.json").read_text("utf-8"))
TEXTS = EXPECTED.pop("texts")


def test_there_is_one_of_each():
    assert {path.stem for path in FILES.glob("*.net")} == set(EXPECTED)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if "word-level" in name else ()) for name in EXPECTED],
)
def test_a_file_of_0_1_0_gives_the_counts_of_0_1_0(name):
    texts = [argument for text in TEXTS for argument in ("--text", text)]
    result = CliRunner().invoke(main, ["run", str(FILES / f"{name}.net"), "--json", *texts], catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert {layer["name"]: [layer["spikes"], layer["synops"]] for layer in found["layers"]} == EXPECTED[name]["layers"]
    assert found["predictions"] == EXPECTED[name]["predictions"]
