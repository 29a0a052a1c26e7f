"""snnlp-lava check: what it prints, and with which exit code it ends."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import read_network
from strategies import dense

DEMO = Path(__file__).parents[2] / "netx_exports" / "demo.net"
KEYS = {"network", "chip", "estimate", "fits", "period", "totals", "layers", "violations", "notes"}
CHIPS_AND_ESTIMATES = [("loihi1", False), ("loihi2", True)]


@pytest.fixture
def without_card(tmp_path):
    """The demo network as another program would have written it."""
    with h5py.File(DEMO) as whole, h5py.File(tmp_path / "layers.net", "w") as layers:
        whole.copy("layer", layers)
    return tmp_path / "layers.net"


@pytest.fixture
def network_of(tmp_path, save_network, random_network):
    """A network file with a card: network_of(sizes, period)."""
    return lambda sizes, period=64: save_network(tmp_path / "a.net", random_network(sizes, 0), window=25, period=period)


@pytest.mark.parametrize(("chip", "estimate"), CHIPS_AND_ESTIMATES)
def test_json_is_one_document_with_everything(snnlp_lava, chip, estimate):
    result = snnlp_lava("check", DEMO, "--chip", chip, "--json")
    assert (result.exit_code, result.stderr, result.stdout.count("\n")) == (0, "", 1)
    document = json.loads(result.stdout)
    assert set(document) == KEYS
    assert (document["network"], document["period"]) == (str(DEMO), 32)
    assert (document["estimate"], document["fits"], document["violations"]) == (estimate, True, [])
    file = read_network(DEMO)
    found = map_network(file.network, CHIPS[chip], 32)
    assert document["totals"] == found.totals
    for layer, fitted in zip(document["layers"], found.layers, strict=True):
        assert layer["name"] == fitted.name
        assert [core["words"] for core in layer["cores"]] == [core.words for core in fitted.cores]
        assert layer["words"] == sum(core["words"] for core in layer["cores"])


@pytest.mark.parametrize(("chip", "estimate"), CHIPS_AND_ESTIMATES)
def test_people_see_shares_and_a_drawing(snnlp_lava, chip, estimate):
    result = snnlp_lava("check", DEMO, "--chip", chip)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert ("estimate" in lines[0], "fits, " in lines[0]) == (estimate, True)
    assert ("not published" in result.stdout) == estimate
    row = "10,752  66%" if chip == "loihi1" else "21,504  88%"
    assert [row in line for line in lines if "1 hidden1" in line] == [True, False]
    start = next(index for index, line in enumerate(lines) if line.startswith("cores: "))
    cells = " ".join(lines[start + 1 : start + 9]).split()
    drawn = ["1▆", "1▆", "2▂", "3▁"] if chip == "loihi1" else ["1█", "2▂", "3▁"]
    assert cells == drawn + ["·"] * (CHIPS[chip].cores - len(drawn))
    assert max(map(len, lines[: start + 9])) <= 80
    assert "\x1b" not in result.stdout


def test_a_terminal_without_unicode_gets_a_drawing_too():
    from click.testing import CliRunner

    from snnlp_lava.cli.main import main

    result = CliRunner(charset="ascii").invoke(main, ["check", str(DEMO), "--chip", "loihi1"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "  1+  1+  2.  3_   .   ." in result.stdout


@pytest.mark.parametrize("chip", CHIPS)
def test_a_network_of_another_maker_is_checked(snnlp_lava, without_card, chip):
    document = json.loads(snnlp_lava("check", without_card, "--chip", chip, "--json").stdout)
    assert (document["fits"], document["period"]) == (True, None)
    assert ("states no period" in " ".join(document["notes"])) == (chip == "loihi2")
    with_card = json.loads(snnlp_lava("check", DEMO, "--chip", chip, "--json").stdout)
    assert document["layers"] == with_card["layers"]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_network_that_does_not_fit_ends_with_exit_code_1(snnlp_lava, network_of, options):
    result = snnlp_lava("check", network_of([4200, 10, 2]), "--chip", "loihi1", *options)
    sentence = "hidden1: 4,200 input axons on a core, Loihi 1 has 4,096; use fewer input lines"
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"error: network {Path('a.net').resolve()} does not fit on Loihi 1: {sentence}"
    ]
    if options:
        document = json.loads(result.stdout)
        (violation,) = document["violations"]
        assert (document["fits"], violation["text"]) == (False, sentence)
        assert (violation["subject"], violation["quantity"]) == ("hidden1", "input_axons")
        assert (violation["value"], violation["limit"]) == (4200, 4096)
    else:
        assert "Loihi 1: does not fit, " in result.stdout
        assert f"violation: {sentence}" in result.stdout.splitlines()


def test_a_period_that_loihi_2_does_not_take(snnlp_lava, network_of):
    path = network_of([8, 4, 2], period=50)
    assert snnlp_lava("check", path, "--chip", "loihi1").exit_code == 0
    result = snnlp_lava("check", path, "--chip", "loihi2")
    assert result.exit_code == 1
    assert re.search("period .*power of two.* got 50", result.stderr)
    assert result.stderr.endswith("export again with snnlp-lava export --period 64\n")


def test_every_violation_is_printed_and_the_error_says_how_many(snnlp_lava, tmp_path, save_network):
    weight = np.full((128 * 1024 + 1, 1), 2)
    many = dense(weight, np.zeros(len(weight), int), 1024, 4096, 80)
    few = dense(np.full((2, len(weight)), 2), np.zeros(2, int), 1024, 128, 80)
    path = save_network(tmp_path / "a.net", Network([many, few]), period=50)
    result = snnlp_lava("check", path, "--chip", "loihi2")
    assert result.exit_code == 1
    printed = [line for line in result.stdout.splitlines() if line.startswith("violation: ")]
    assert [line.split()[1:3] for line in printed] == [
        ["hidden1:", "voltage"],
        ["output:", "131,073"],
        ["network:", "period"],
    ]
    assert result.stderr.endswith("(and 2 more)\n")


def test_cores_that_the_chip_does_not_have_are_not_drawn(snnlp_lava, tmp_path, save_network):
    weight = np.full((129 * 1024, 1), 2)
    many = dense(weight, np.zeros(len(weight), int), 1024, 128, 80)
    few = dense(np.full((2, len(weight)), 2), np.zeros(2, int), 1024, 128, 80)
    result = snnlp_lava("check", save_network(tmp_path / "a.net", Network([many, few])), "--chip", "loihi1")
    assert result.exit_code == 1
    assert "Loihi 1: does not fit, 130 of 128 cores (101.6%)" in result.stdout
    assert "and 2 more cores than the chip has" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.net", "--chip", "loihi1"), "error: network none.net: no such file\n"),
        (("text.net", "--chip", "loihi2"), "error: network text.net: is not a readable HDF5 file: "),
        (("text.net",), "Missing option '--chip'"),
        (("text.net", "--chip", "loihi3"), "'loihi3' is not one of 'loihi1', 'loihi2'"),
    ],
)
def test_bad_input_is_refused_with_exit_code_2(snnlp_lava, tmp_path, arguments, message):
    (tmp_path / "text.net").write_text("no network")
    result = snnlp_lava("check", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr
