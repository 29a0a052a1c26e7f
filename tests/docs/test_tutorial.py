"""The tutorial, typed as it stands."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


@pytest.mark.slow
def test_every_line_of_the_tutorial_works(tmp_path):
    text = TUTORIAL.read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    commands = re.findall(r"^    snnlp-lava (.*)$", text, re.MULTILINE)
    assert len(commands) >= 10
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "snnlp_lava.cli.main", *shlex.split(command)],
            cwd=tmp_path,
            env=os.environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    files = [tmp_path / "netx_exports" / name for name in ("cafe.net", "again.net")]
    assert files[0].read_bytes() == files[1].read_bytes()
