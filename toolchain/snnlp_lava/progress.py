"""Define the callbacks through which long tasks report progress."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of a stage, the amount done, and the total."""

AdvanceCallback = Callable[[int], None]
"""Called with the number of items done since the last call."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Ignore progress."""


def no_advance(count: int) -> None:
    """Ignore an advance."""


def cumulative(report: ProgressCallback, stage: str, total: int | None = None) -> AdvanceCallback:
    """Return an `AdvanceCallback` that reports the running sum; without a total, the sum is reported as the total."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(stage, done, done if total is None else total)

    return advance
