"""What several tests of the command line type, run and look at."""

import os
import subprocess
import sys

PROGRAM = (sys.executable, "-m", "snnlp_lava.cli.main")
LAYERS = {"input": 770, "hidden1": 520, "hidden2": 15, "output": 6}
OWN = ("train", "--data", "{files}/own.csv", "--vectors", "{files}/own.npy", "--epochs", 1, "--window", 8)


def python(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=os.environ, capture_output=True, text=True, timeout=120
    )


def contents(*folders):
    """Every file below the folders, hidden ones included, with what it holds."""
    return {
        path: path.read_bytes() if path.is_file() else None for folder in folders for path in sorted(folder.rglob("*"))
    }


def filled(arguments, files):
    return [str(argument).replace("{files}", str(files)) for argument in arguments]
