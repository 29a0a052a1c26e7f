"""Print tables on stdout, and messages and progress on stderr; no progress where that is not a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

_LEAST_WIDTH = 80  # columns of a table, on a narrower terminal, too


class _Console(Console):
    """Lets a closed pipe end the command with its own exit code; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise  # rich calls this where it handles the error


def stdout() -> Console:
    """The console for what a command was asked for."""
    return _Console(highlight=False)


def stderr() -> Console:
    """The console for messages and progress."""
    return _Console(stderr=True)


def print_table(table: Table, width: int | None = None) -> None:
    """Print a table on stdout, as wide as the terminal or `width`, and wider where its numbers would be cut."""
    for column in table.columns:
        if column.justify == "right":
            words = " ".join(map(str, (column.header, *column.cells))).split()
            column.min_width = max(map(len, words), default=0)
    console = stdout()
    console.width = max(width or console.width, _LEAST_WIDTH)
    console.print(table, crop=False)


def print_status(text: str) -> None:
    """Print a line on stderr as it is; square brackets, as in a path, are not markup."""
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
