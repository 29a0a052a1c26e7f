"""README.md's first screen, typed as it stands: the lines of Python, and those of the shell."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found


def test_it_is_short_and_its_pictures_are_small():
    assert len(README.splitlines()) < 150
    pictures = re.findall(r"!\[[^]]+\]\((\S+?)\)", README)
    assert [(ROOT / picture).stat().st_size < 500_000 for picture in pictures] == [True]
    assert all(path.stat().st_size < 300_000 for path in (ROOT / "docs" / "gallery").iterdir())


def test_the_lines_of_python_print_what_stands_beside_them(tmp_path):
    program = block("python")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    said = re.findall(r"# (\[.+\])$", program, re.MULTILINE)
    assert len(said) == 2
    assert printed[:2] == said
    assert int(printed[2]) > 0
    assert (tmp_path / "cafe.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_lines_of_the_shell_work_and_answer_what_stands_beside_them(tmp_path):
    lines = [line.split("  #") for line in block("sh").splitlines()]
    assert len(lines) == 10
    for command, comment in lines:
        program, *arguments = shlex.split(command)
        assert program == "snnlp-lava"
        done = subprocess.run(
            [sys.executable, "-m", "snnlp_lava.cli.main", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        if arguments[0] == "predict":
            assert done.stdout.startswith(f"{comment.strip()}\t")
