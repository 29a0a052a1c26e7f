"""What happens to the cells of a sweep while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Began:
    """A worker process began a cell; a second time, if the worker before it was lost.

    Attributes
    ----------
    name
        The cell's.
    pid
        The worker's process, on its machine.
    """

    name: str
    pid: int


@dataclass(frozen=True)
class Finished:
    """A cell is done.

    Attributes
    ----------
    name
        The cell's.
    document
        Its result file's content.
    """

    name: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """A cell is given up.

    Attributes
    ----------
    name
        The cell's.
    reason
        One line.
    """

    name: str
    reason: str


Event = Began | Finished | Failed
OnEvent = Callable[[Event], None]


def outcome(name: str, answer: dict[str, Any]) -> Finished | Failed:
    """What an answer of `snnlp_lava.sweep.cell.attempt` says of a cell."""
    return Finished(name, answer["document"]) if "document" in answer else Failed(name, str(answer["error"]))
