"""snnlp-lava setup-lava: what it would do is shown, asked, and done by pip alone."""

import importlib.machinery
import subprocess
import sys

import pytest
from click.testing import CliRunner

from snnlp_lava import __version__, lava_compat
from snnlp_lava.cli.main import main
from snnlp_lava.lava_compat import LAVA_VERSIONS, LAVA_WHEELS


@pytest.fixture
def ran(monkeypatch):
    """The commands that were run, none of which is."""
    commands = []

    def run(arguments, **options):
        commands.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def pip_calls(commands):
    return [arguments[4:] for arguments in commands if arguments[1:3] == ["-m", "pip"]]


def test_from_python_3_11_the_two_wheels_are_installed_by_their_hashes(monkeypatch, ran):
    monkeypatch.setattr(lava_compat, "PIP_REFUSES_LAVA", True)
    result = CliRunner().invoke(main, ["setup-lava", "--yes"])
    assert result.exit_code == 0, result.stderr
    needs, wheels = pip_calls(ran)
    assert needs == ["install", f"snnlp-lava[lava]=={__version__}"]
    assert {"--no-deps", "--ignore-requires-python", "--require-hashes", "--only-binary=:all:"} <= set(wheels)
    for package, version in LAVA_VERSIONS.items():
        assert f"{package}=={version} --hash=sha256:{LAVA_WHEELS[package]}" in result.stderr
    assert "setup-lava" not in result.stdout


def test_on_python_3_10_the_extra_is_enough(monkeypatch, ran):
    monkeypatch.setattr(lava_compat, "PIP_REFUSES_LAVA", False)
    assert CliRunner().invoke(main, ["setup-lava", "-y"]).exit_code == 0
    assert pip_calls(ran) == [["install", f"snnlp-lava[lava]=={__version__}"]]


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_it_asks(ran, answer, code):
    result = CliRunner().invoke(main, ["setup-lava"], input=answer)
    assert result.exit_code == code
    assert (pip_calls(ran) == []) is (code == 2)
    assert sys.executable in result.stderr


def test_an_environment_without_pip_is_told_how_to_get_it(monkeypatch, ran):
    find_spec = importlib.machinery.PathFinder.find_spec
    monkeypatch.setattr(
        importlib.machinery.PathFinder,
        "find_spec",
        lambda name, *arguments: None if name == "pip" else find_spec(name, *arguments),
    )
    result = CliRunner().invoke(main, ["setup-lava", "--yes"])
    assert result.exit_code == 2
    assert "ensurepip" in result.stderr
    assert ran == []


def test_what_fails_is_pips_to_explain(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **options: failed)
    result = CliRunner().invoke(main, ["setup-lava", "--yes"])
    assert result.exit_code == 1
    assert "pip" in result.stderr.splitlines()[-1]


def test_the_hashes_are_those_of_the_pins(request):
    lines = (request.config.rootpath / "requirements/all.txt").read_text("utf-8").splitlines()
    for package, version in LAVA_VERSIONS.items():
        start = next(number for number, line in enumerate(lines) if line.startswith(f"{package}=={version} "))
        assert any(LAVA_WHEELS[package] in line for line in lines[start + 1 : start + 3])
