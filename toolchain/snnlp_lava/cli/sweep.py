"""snnlp-lava sweep."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnlp_lava.cli.options import sweep_options

if TYPE_CHECKING:
    from rich.console import Console, Group

    from snnlp_lava.sweep.grid import Cell
    from snnlp_lava.sweep.runner import Board
    from snnlp_lava.sweep.workers import Event, OnEvent

_LAST = 5  # results that the progress table shows
_FILE_WIDTH = 200  # columns of the table of results where it goes to no terminal


@click.command("sweep")
@click.argument("grid", type=click.Path(path_type=Path))
@sweep_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output folder.  [default: sweeps/NAME]")
def command(grid: Path, jobs: int | None, scheduler: str | None, resume: bool, output: Path | None) -> None:
    """Train and test every combination of the grid file GRID.

    The result is a folder with one JSON file for each cell, and results.csv. docs/sweep.md describes the grid file.
    """
    from snnlp_lava.sweep.grid import read_grid

    folder = output or Path("sweeps") / grid.stem
    board = run_cells(read_grid(grid), folder, resume, jobs, scheduler)
    if board.done:
        _print_results(board)
    finish(board)


def run_cells(cells: list[Cell], folder: Path, resume: bool, jobs: int | None, scheduler: str | None) -> Board:
    """Run cells and write their results and results.csv.

    Raises
    ------
    InputError
        If the folder or the cells' data cannot be used.
    StoppedError
        If it is interrupted.
    """
    from snnlp_lava.cli.console import stderr
    from snnlp_lava.errors import InputError, StoppedError
    from snnlp_lava.files import folder_lock
    from snnlp_lava.sweep.results import write_csv
    from snnlp_lava.sweep.runner import Board
    from snnlp_lava.sweep.workers import run_local, run_on_cluster

    if jobs and scheduler:
        raise InputError("give either --jobs or --scheduler")
    with folder_lock(folder, "sweep"):
        board = Board(cells, folder, resume)
        console = stderr()
        before = f", {board.found} of them done before" if resume else ""
        console.print(f"{len(cells)} cells{before}", highlight=False)
        try:
            if board.left and scheduler is not None:
                _run(board, console, partial(run_on_cluster, scheduler))
            elif board.left:
                _embed(board.left)
                _run(board, console, partial(run_local, jobs or 1))
        except KeyboardInterrupt as error:
            raise StoppedError(
                f"interrupted; {len(board.done)} of {len(cells)} cells are done; "
                f"the same command with --resume goes on in {folder}"
            ) from error
        if board.done:
            write_csv(folder, cells, board.done)
        return board


def finish(board: Board) -> None:
    """Say where the results are; raise a CheckError if cells failed."""
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.errors import CheckError

    print_status(f"results: {board.folder}")
    if board.failed:
        raise CheckError(
            f"{len(board.failed)} of {len(board.cells)} cells failed: {', '.join(board.failed)}; "
            "the same command with --resume tries them again"
        )


def _embed(cells: list[Cell]) -> None:
    """Embed every text once, for all workers, which find the vectors in the cache."""
    from snnlp_lava.cli.console import Stages, progress_bars
    from snnlp_lava.sweep.cell import prepare_corpus

    with progress_bars() as progress:
        wanted = {(cell.source, cell.train.level, cell.train.method == "snn-bin"): cell for cell in cells}
        for cell in wanted.values():
            prepare_corpus(cell.source, cell.train, Stages(progress))


def _run(board: Board, console: Console, execute: Callable[[list[Cell], OnEvent], None]) -> None:
    """Run the cells that are left: with a table on a terminal, with a line for each finished cell elsewhere."""
    from rich.live import Live

    from snnlp_lava.sweep.workers import Finished

    def on_event(event: Event) -> None:
        lost = event.name in board.running
        event = board.record(event)
        line = event_line(board, event, lost)
        if line is not None and not (console.is_terminal and isinstance(event, Finished)):  # the table shows those
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    if not console.is_terminal:
        execute(board.left, on_event)
        return
    with Live(get_renderable=lambda: progress_table(board), console=console, refresh_per_second=2, transient=True):
        execute(board.left, on_event)


def event_line(board: Board, event: Event, lost: bool) -> str | None:
    """An event in one line; None for the first begin of a cell.

    Parameters
    ----------
    board
        The board that has recorded it.
    event
        What happened.
    lost
        Whether the cell was running before.
    """
    from snnlp_lava.sweep.workers import Began, Failed

    if isinstance(event, Began):
        return f"again {event.name}: its worker was lost" if lost else None
    count = f"{len(board.done) + len(board.failed)} of {len(board.cells)}"
    if isinstance(event, Failed):
        return f"failed {count}  {event.name}: {event.reason}"
    return f"done {count}  {event.name}  {_scores_text(board, event.name)}"


def _scores_text(board: Board, name: str) -> str:
    from snnlp_lava.sweep.results import test_scores

    document = board.done[name]
    scores = test_scores(document["results"])
    return f"accuracy {scores['accuracy']:.2%}  MRR {scores['mrr']:.3f}  {document['seconds']:.0f} s"


def progress_table(board: Board) -> Group:
    """What a terminal shows while a sweep runs; called from another thread than the one that changes the board."""
    from rich.console import Group
    from rich.table import Table

    done, running, failed, left = len(board.done), list(board.running), len(board.failed), len(board.left)
    seconds = board.seconds_left
    headline = (
        f"{done} of {len(board.cells)} cells done, {len(running)} running, {left - len(running)} waiting"
        + (f", {failed} failed" if failed else "")
        + (f"; about {_duration(seconds)} left" if seconds is not None else "")
    )
    table = Table(box=None, show_header=False)
    for name in list(board.done)[board.found :][-_LAST:]:
        table.add_row(name, _scores_text(board, name))
    for name in running:
        table.add_row(name, "running")
    return Group(headline, table)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _print_results(board: Board) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from snnlp_lava.cli.console import print_table
    from snnlp_lava.sweep.results import groups, shown, varying_fields
    from snnlp_lava.train.methods.base import used_fields

    cells = list(board.cells.values())
    varying = varying_fields(cells)
    table = Table(
        title="on the test texts; spikes and synops for one text",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("method", "level", "data"):
        table.add_column(column, overflow="fold")
    fields = ("window", *(name.replace("_", " ") for name in varying))
    for column in (*fields, "seeds", "accuracy", "MRR", "spikes", "synops"):
        table.add_column(column, justify="right", no_wrap=True)
    for group in groups(cells, board.done):
        train = group.cell.train
        used = used_fields(train.method)
        spread = f" ± {100 * group.spread:.1f}" if group.spread is not None else ""
        table.add_row(
            *(train.method, train.level, escape(group.cell.source.name)),
            *(shown(getattr(train, name)) if name in used else "" for name in ("window", *varying)),
            *(str(group.seeds), f"{group.accuracy:.1%}{spread}", f"{group.mrr:.3f}"),
            *("" if count is None else f"{count:,.0f}" for count in (group.spikes, group.synops)),
        )
    print_table(table, None if sys.stdout.isatty() else _FILE_WIDTH)
