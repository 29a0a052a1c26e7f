"""Report how much of a long task is done."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of a stage, how much of it is done, and its total."""

AdvanceCallback = Callable[[int], None]
"""Called with the number of things done since the last call."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def no_advance(count: int) -> None:
    """Report nothing."""


def cumulative(report: ProgressCallback, stage: str, total: int | None = None) -> AdvanceCallback:
    """An `AdvanceCallback` that reports the sum; without a total, what is done is the total so far."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(stage, done, done if total is None else total)

    return advance
