"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""Called with the name of a stage, how much of it is done, and its total."""


def silent(stage: str, done: int, total: int) -> None:
    """Report to nobody."""


def counting(report: Report, stage: str, total: int) -> Callable[[int], None]:
    """A function to be called with each further number done, which reports the sum."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(stage, done, total)

    return advance
