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
def test_a_file_of_0_1_0_gives_the_counts_of_0_1_0(name, tmp_path):
    given = [argument for text in TEXTS for argument in ("--text", text)]
    if name == "bernoulli":
        # Each text's random numbers are seeded with its values, one of which is another wherever torch computes the
        # embedding's last bit otherwise. So these are the vectors of 0.1.0, with torch 2.3.1.
        data = tmp_path / "texts.csv"
        data.write_text("text\n" + "".join(f'"{text}"\n' for text in TEXTS), "utf-8")
        given = [
            "--data",
            str(data),
            "--split",
            "all",
            "--vectors",
            str(FILES / "vectors.npy"),
            "-o",
            str(tmp_path / "run"),
        ]
    result = CliRunner().invoke(main, ["run", str(FILES / f"{name}.net"), "--json", *given], catch_exceptions=False)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert {layer["name"]: [layer["spikes"], layer["synops"]] for layer in found["layers"]} == EXPECTED[name]["layers"]
    assert found["predictions"] == EXPECTED[name]["predictions"]
