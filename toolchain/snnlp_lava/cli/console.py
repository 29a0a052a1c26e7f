"""Print tables on stdout, and progress and messages on stderr (progress only on a terminal)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

_LEAST_WIDTH = 80  # columns of a table, even on a narrower terminal


class _Console(Console):
    """Console that lets a broken pipe reach the command line; rich would exit with code 1, a failed check."""

    def on_broken_pipe(self) -> None:
        raise  # rich calls this inside its exception handler


def stdout() -> Console:
    """Return the console for a command's results."""
    return _Console(highlight=False)


def stderr() -> Console:
    """Return the console for messages and progress."""
    return _Console(stderr=True)


def print_table(table: Table, width: int | None = None) -> None:
    """Print a table on stdout, as wide as the terminal or `width`, or wider if its numbers would be cut."""
    for column in table.columns:
        if column.justify == "right":
            words = " ".join(map(str, (column.header, *column.cells))).split()
            column.min_width = max(map(len, words), default=0)
    console = stdout()
    console.width = max(width or console.width, _LEAST_WIDTH)
    console.print(table, crop=False)


def print_status(text: str) -> None:
    """Print a line on stderr literally: square brackets, as in a path, are not markup."""
    stderr().print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Create progress bars with remaining time on stderr; shown only on a terminal and removed when done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


class Stages:
    """Progress bars by stage name, created when a stage first reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Update the bar of a stage."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)
