"""One local worker process: ``python -m snnlp_lava.sweep.worker``.

Each line of its standard input is a cell, as JSON. It answers with two lines: one when it begins, one with what came
of the cell. It ends when its standard input closes, even amid a cell, so that none outlives its parent.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import BinaryIO

from snnlp_lava.sweep.cell import attempt


def main() -> None:
    """Answer cells until standard input closes."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print goes with the errors, not among the answers
        for line in _lines():
            cell = json.loads(line)
            _answer(answers, {"pid": os.getpid()})
            _answer(answers, attempt(cell))


def _answer(answers: BinaryIO, document: object) -> None:
    answers.write(json.dumps(document).encode() + b"\n")
    answers.flush()


def _lines() -> Iterator[bytes]:
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        with open(0, "rb", closefd=False) as standard_input:
            for line in standard_input:
                lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


if __name__ == "__main__":
    main()
