"""snnlp-lava sweep."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnlp_lava.cli.options import sweep_options

if TYPE_CHECKING:
    from rich.console import Group

    from snnlp_lava.sweep.grid import Cell
    from snnlp_lava.sweep.runner import SweepState
    from snnlp_lava.workers import Event

_LAST = 5  # results shown in the progress table
_FILE_WIDTH = 200  # columns of the table of results when it is not printed to a terminal


@click.command("sweep")
@click.argument("grid", type=click.Path(path_type=Path))
@sweep_options
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output folder.  [default: sweeps/NAME]")
def command(grid: Path, jobs: int | None, scheduler: str | None, resume: bool, output: Path | None) -> None:
    """Train and test every combination of the grid file GRID.

    Writes a folder with one JSON file per cell and results.csv. docs/sweep.md describes the grid file.
    """
    from snnlp_lava.sweep.grid import read_grid

    folder = output or Path("sweeps") / grid.stem
    state = run_with_progress(read_grid(grid), folder, resume, jobs, scheduler)
    if state.done:
        _print_results(state)
    finish(state)


def run_with_progress(
    cells: list[Cell], folder: Path, resume: bool, jobs: int | None, scheduler: str | None
) -> SweepState:
    """Run a sweep and show its progress; arguments and errors as for `snnlp_lava.sweep.runner.run_sweep`."""
    from snnlp_lava.sweep.runner import run_sweep

    with _Display() as display:
        return run_sweep(
            cells,
            folder,
            jobs=jobs,
            scheduler=scheduler,
            resume=resume,
            progress=display.progress,
            on_start=display.start,
            on_event=display.show,
        )


class _Display(ExitStack):
    """Show a sweep on stderr: bars and a table of cells on a terminal, otherwise one line per finished cell."""

    def start(self, state: SweepState) -> None:
        """Print the number of cells, and create progress bars for preparing their features."""
        from snnlp_lava.cli.console import Stages, progress_bars, stderr

        self._state, self._console, self._has_table = state, stderr(), False
        self._print(f"{len(state.cells)} cells" + (f", {state.found} of them already done" if state.found else ""))
        self._bars = Stages(self.enter_context(progress_bars()))

    def progress(self, stage: str, done: int, total: int) -> None:
        """Show the progress of a preparation stage."""
        self._bars(stage, done, total)

    def show(self, event: Event) -> None:
        """Show an event, and open the table at the first one."""
        from rich.live import Live

        from snnlp_lava.workers import Finished

        if self._console.is_terminal and not self._has_table:
            self._has_table = True
            self.close()  # close the bars: rich allows one live display at a time
            self.enter_context(
                Live(
                    get_renderable=lambda: progress_table(self._state),
                    console=self._console,
                    refresh_per_second=2,
                    transient=True,
                )
            )
        line = event_line(self._state, event)
        if line is not None and not (self._has_table and isinstance(event, Finished)):  # shown in the table
            self._print(line)

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def finish(state: SweepState) -> None:
    """Print where the results are; raise a CheckError if cells failed."""
    from snnlp_lava.cli.console import print_status
    from snnlp_lava.errors import CheckError

    print_status(f"results: {state.folder}")
    if state.failed:
        raise CheckError(
            f"{len(state.failed)} of {len(state.cells)} cells failed: {', '.join(state.failed)}; "
            "the same command with --resume tries them again"
        )


def event_line(state: SweepState, event: Event) -> str | None:
    """Describe an event in one line; None for the first start of a cell.

    Parameters
    ----------
    state
        The state that has recorded it.
    event
        What happened.
    """
    from snnlp_lava.workers import Failed, Started

    if isinstance(event, Started):
        return f"restarted {event.name}: its worker was lost" if event.again else None
    count = f"{len(state.done) + len(state.failed)} of {len(state.cells)}"
    if isinstance(event, Failed):
        return f"failed {count}  {event.name}: {event.reason}"
    return f"done {count}  {event.name}  {_scores_text(state, event.name)}"


def _scores_text(state: SweepState, name: str) -> str:
    record = state.done[name]
    scores = record.results.scores
    return f"accuracy {scores.accuracy:.2%}  MRR {scores.mrr:.3f}  {record.seconds:.0f} s"


def progress_table(state: SweepState) -> Group:
    """Build the progress table; called from another thread than the one that changes the state."""
    from rich.console import Group
    from rich.table import Table

    done, running, failed, left = len(state.done), list(state.running), len(state.failed), len(state.left)
    seconds = state.seconds_left
    headline = (
        f"{done} of {len(state.cells)} cells done, {len(running)} running, {left - len(running)} waiting"
        + (f", {failed} failed" if failed else "")
        + (f"; about {_duration(seconds)} left" if seconds is not None else "")
    )
    table = Table(box=None, show_header=False)
    for name in list(state.done)[state.found :][-_LAST:]:
        table.add_row(name, _scores_text(state, name))
    for name in running:
        table.add_row(name, "running")
    return Group(headline, table)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _print_results(state: SweepState) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from snnlp_lava.cli.console import print_table
    from snnlp_lava.sweep.results import format_value, groups, varying_fields

    cells = list(state.cells.values())
    varying = varying_fields(cells)
    table = Table(
        title="on the test split; spikes and synops per text",
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
    for group in groups(cells, state.done):
        train = group.cell.train
        options = train.options()
        spread = f" ± {100 * group.spread:.1f}" if group.spread is not None else ""
        table.add_row(
            *(train.name, train.unit, escape(group.cell.source.name)),
            *(format_value(options[name]) if name in options else "" for name in ("window", *varying)),
            *(str(group.seeds), f"{group.accuracy:.1%}{spread}", f"{group.mrr:.3f}"),
            *("" if count is None else f"{count:,.0f}" for count in (group.spikes, group.synops)),
        )
    print_table(table, None if sys.stdout.isatty() else _FILE_WIDTH)
