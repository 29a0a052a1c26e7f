"""The commands' help, versions and completion."""

import os
import subprocess
import sys

import pytest

from cli.commands import python

HEAVY = (
    "distributed",
    "torch",
    "lava",
    "sentence_transformers",
    "transformers",
    "matplotlib",
    "datasets",
    "sklearn",
    "numba",
    "h5py",
)


def test_help_is_shown_without_importing_what_computes():
    program = f"""if True:
        import sys
        from snnlp_lava.cli.main import COMMANDS, main
        for arguments in (["--help"], *([command, "--help"] for command in COMMANDS)):
            main(arguments, standalone_mode=False)
        print(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
    """
    done = python("-c", program)
    assert done.returncode == 0
    assert done.stderr.split() == []
    for command in ("demo", "train", "export", "run", "report"):
        assert f"Usage: {command} " in done.stdout or f" {command} [OPTIONS]" in done.stdout


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("run", "--help")])
def test_every_command_is_listed_with_its_help(snnlp_lava, arguments):
    result = snnlp_lava(*arguments)
    assert result.exit_code == 0
    assert result.stderr == ""
    for word in ("--backend", "--json") if "run" in arguments else ("demo", "train", "export", "run", "report"):
        assert word in result.stdout


def test_version(snnlp_lava):
    from snnlp_lava import __version__

    lines = snnlp_lava("--version").stdout.splitlines()
    assert lines[0] == f"snnlp-lava {__version__}"
    assert {line.split()[0] for line in lines} >= {"python", "lava-nc", "lava-dl", "torch"}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ru", {"run"}),
        ("run --back", {"--backend"}),
        ("run --backend e", {"emulator"}),
        ("check a --chip l", {"loihi1", "loihi2"}),
    ],
)
def test_the_shell_completes_commands_options_and_choices(typed, offered):
    words = f"snnlp-lava {typed}"
    environment = {"_SNNLP_LAVA_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(typed.split()))}
    program = "from snnlp_lava.cli.main import main; main(prog_name='snnlp-lava')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert {line.removeprefix("plain,") for line in done.stdout.splitlines()} == offered
