"""What people see on stderr: tables, progress, messages. Quiet where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def stderr() -> Console:
    """The console for messages and progress."""
    return Console(stderr=True)


def say(text: str) -> None:
    """Print a line on stderr as it is: what is in square brackets, as in a path, is no markup."""
    stderr().print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Progress bars with time left on stderr, shown on a terminal only and gone when done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


class Stages:
    """Progress bars by name of stage, made when a stage first reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Say how much of a stage is done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)
