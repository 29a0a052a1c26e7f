"""What is printed: letters that a terminal does not know, outputs that take nothing, terminals that are narrow."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from rich.table import Table

from cli.commands import PROGRAM, contents
from snnlp_lava.cli.console import print_table

DEMO = Path(__file__).parents[2] / "netx_exports" / "demo.net"
CHECK = ("check", DEMO, "--chip", "loihi1")
PRINTING = (CHECK, (*CHECK, "--json"), ("--help",), ("check", "--help"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--data", b"caf\xe9.csv"),
        ("run", "{files}/se.net", "--text", b"caf\xe9 cold", "-o", "new"),
        ("run", "{files}/se.net", "--text", "cold", "-o", b"caf\xe9"),
        (b"caf\xe9",),
    ],
)
def test_an_argument_that_is_not_utf8_is_refused_before_anything_is_done(files, tmp_path, arguments):
    typed = [word.replace("{files}", str(files)) if isinstance(word, str) else word for word in arguments]
    done = subprocess.run([*PROGRAM, *typed], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: argument 'caf\\udce9.*' is not UTF-8; write it in UTF-8, or .*\n", done.stderr)
    assert contents(tmp_path) == {}


def test_letters_that_a_terminal_does_not_know_are_spelled_out(files, tmp_path):
    done = subprocess.run(
        [*PROGRAM, "run", files / "se.net", "--text", "how lovely 😀 ü"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\thow lovely \\U0001f600 \xfc\n" in done.stdout


@pytest.fixture
def _buffered(monkeypatch):
    """As people run it: what cannot be written stays in a buffer, which Python empties once more at its end."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.mark.usefixtures("_buffered")
@pytest.mark.parametrize("arguments", PRINTING)
def test_an_output_that_is_full_is_one_line_and_exit_code_2(arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
        mute = subprocess.run([*PROGRAM, *arguments], stdout=full, stderr=full)
    assert (done.returncode, done.stderr) == (2, "error: cannot write the output: No space left on device\n")
    assert mute.returncode == 2


@pytest.mark.usefixtures("_buffered")
@pytest.mark.parametrize("arguments", PRINTING)
def test_a_closed_pipe_ends_quietly_and_is_no_failed_check(arguments):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run([*PROGRAM, *arguments], stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("columns", [1, 40, 80, 200])
def test_no_terminal_is_too_narrow_for_a_number(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    table = Table("layer")
    numbers = [f"{10**digits:,}.5" for digits in range(4, 16)]
    for number in numbers:
        table.add_column(f"of {number}", justify="right")
    table.add_row("a layer", *numbers)
    print_table(table)
    printed = capsys.readouterr().out
    assert all(printed.count(f" {number} ") == 2 for number in numbers)
