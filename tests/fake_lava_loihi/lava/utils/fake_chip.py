"""How the stand-in is told to err, and where it writes down what it was asked."""

import json
import os
from pathlib import Path

BEHAVIOUR = json.loads(os.environ.get("FAKE_CHIP", "{}"))


def log(call, **arguments):
    """One line; lines this short are appended whole by any number of processes."""
    if name := os.environ.get("FAKE_CHIP_LOG"):
        with Path(name).open("a") as file:
            file.write(json.dumps({"call": call, **arguments}, default=int) + "\n")
