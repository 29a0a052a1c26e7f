"""Run a sweep: keep finished cells, prepare features once, run the other cells, write their results."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from snnlp_lava.errors import InputError, StoppedError
from snnlp_lava.files import StrPath, as_path, check_int, folder_lock
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.sweep.cell import data_identity, prepare_features
from snnlp_lava.sweep.grid import Cell
from snnlp_lava.sweep.results import SUFFIX, CellRecord, check_returned, finished_result, write_csv, write_result
from snnlp_lava.workers import Event, Failed, Finished, Started, Task, run_local, run_on_cluster

logger = logging.getLogger(__name__)


class SweepState:
    """The cells of a sweep and their results, in the process that writes them.

    Attributes
    ----------
    cells
        All cells, by name, in their order.
    folder
        Folder of the result files.
    found
        Number of cells already finished at the start.
    done
        Records of the finished cells, by name.
    running
        Process id of the worker of each running cell.
    failed
        Reason of each failed cell, by name.
    """

    def __init__(self, cells: Sequence[Cell], folder: Path, resume: bool) -> None:
        """Read the folder; arguments and errors as for `run_sweep`."""
        _check_folder(folder, resume)
        self.cells = {cell.name: cell for cell in cells}
        self.folder = folder
        self._data = {source: data_identity(source) for source in dict.fromkeys(cell.source for cell in cells)}
        self.done: dict[str, CellRecord] = {}
        for name, cell in self.cells.items():
            record = finished_result(self.path(name), cell, self._data[cell.source])
            if record is not None:
                self.done[name] = record
        self.found = len(self.done)
        self.running: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        self._start = time.monotonic()

    def path(self, name: str) -> Path:
        """Return the result file of a cell."""
        return self.folder / (name + SUFFIX)

    @property
    def left(self) -> list[Cell]:
        """Cells that have neither finished nor failed, including running ones."""
        return [cell for name, cell in self.cells.items() if name not in self.done and name not in self.failed]

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining seconds, from the cells finished so far; None before the first."""
        finished = len(self.done) - self.found
        return (time.monotonic() - self._start) / finished * len(self.left) if finished else None

    def record(self, event: Event) -> Event:
        """Record an event, and write the result file of a finished cell.

        Returns
        -------
        Event
            The event; `Started` with ``again`` set if the cell's worker was lost; `Failed` for a finished cell with an
            invalid result.

        Raises
        ------
        InputError
            If the result file cannot be written.
        """
        if isinstance(event, Started):
            event = replace(event, again=event.name in self.running)
            self.running[event.name] = event.pid
            return event
        self.running.pop(event.name, None)
        if isinstance(event, Finished):
            cell = self.cells[event.name]
            try:
                record = check_returned(event.answer, cell, self._data[cell.source])
            except InputError as error:
                event = Failed(event.name, str(error))
            else:
                write_result(self.path(event.name), record)
                self.done[event.name] = record
                return event
        if event.traceback is not None:
            logger.error("cell %s: %s", event.name, event.traceback.rstrip())
        self.failed[event.name] = event.reason
        return event


def run_sweep(
    cells: Sequence[Cell],
    folder: StrPath,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    resume: bool = False,
    progress: ProgressCallback = no_progress,
    on_start: Callable[[SweepState], None] = lambda state: None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> SweepState:
    """Train and test cells, and write a result file for each and results.csv.

    Parameters
    ----------
    cells
        From `snnlp_lava.sweep.grid.read_grid`, or created in Python.
    folder
        Output folder; only one process may write it at a time.
    jobs
        Number of cells to run in parallel, each in its own process; 1 by default.
    scheduler
        Address of a Dask scheduler, ``tcp://HOST:8786``, whose workers run the cells instead.
    resume
        Whether the folder may contain results; those of these cells are kept.
    progress
        Progress of preparing the cells' features, before workers start.
    on_start
        Called once, with the state that is updated during the sweep and returned at its end.
    on_event
        Called with each event, after the state has recorded it. An exception ends the sweep; finished cells are kept.

    Returns
    -------
    SweepState
        ``done`` has the record of each finished cell by name, ``failed`` the reason of each failed one.

    Raises
    ------
    InputError
        If the folder or the cells' data cannot be used, or a result in the folder belongs to another configuration
        or other data.
    StoppedError
        If it is interrupted.
    """
    folder = as_path(folder)
    check_int("jobs", jobs)
    if jobs and scheduler:
        raise InputError("use either --jobs or --scheduler, not both")
    if scheduler is not None:
        run = partial(run_on_cluster, scheduler, "snnlp_lava.sweep.cell:cell_runner", None)
    else:
        run = partial(run_local, jobs or 1, "snnlp_lava.sweep.cell:cell_runner_of_a_process", None)
    with folder_lock(folder, "sweep"):
        state = SweepState(cells, folder, resume)
        on_start(state)
        try:
            if state.left:
                prepare_features(state.left, progress)
                run(cell_tasks(state.left), lambda event: on_event(state.record(event)))
        except KeyboardInterrupt as error:
            raise StoppedError(
                f"interrupted; {len(state.done)} of {len(state.cells)} cells are done; "
                f"the same command with --resume continues in {folder}"
            ) from error
        if state.done:
            write_csv(folder, cells, state.done)
        return state


def cell_tasks(cells: Sequence[Cell]) -> list[Task]:
    """The cells as workers take them."""
    return [Task(cell.name, cell.pack()) for cell in cells]


def _check_folder(folder: Path, resume: bool) -> None:
    if not folder.exists():
        return
    names = list(folder.iterdir())
    results = sum(path.suffix == SUFFIX for path in names)
    if names and not results:
        raise InputError(f"sweep {folder}: contains other files; choose another folder with -o")
    if results and not resume:
        raise InputError(
            f"sweep {folder}: contains {results} results; add --resume to continue, or choose another folder with -o"
        )
