"""Where a sweep stands: which cells are done, running, given up, and left."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.sweep.cell import identify
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import SUFFIX, check_belongs, finished_result, write_result
from snnlp_lava.sweep.workers import Began, Event, Failed, Finished


class Board:
    """The cells of a sweep and their result files, in the one process that writes them.

    Attributes
    ----------
    cells
        All cells, by name, in their order.
    folder
        Where the result files are.
    found
        Number of cells that were done before.
    done
        Result documents of the finished cells, by name.
    running
        Process of the worker of each running cell.
    failed
        Why cells were given up, by name.
    """

    def __init__(self, cells: Sequence[Cell], folder: Path, resume: bool) -> None:
        """Read what is in the folder.

        Parameters
        ----------
        cells
            The cells.
        folder
            The output folder.
        resume
            Whether it may hold results; those of these cells are kept.

        Raises
        ------
        InputError
            If the folder cannot be used, data cannot be read, or a result belongs to another configuration or
            other data.
        """
        _check_folder(folder, resume)
        self.cells = {cell.name: cell for cell in cells}
        self.folder = folder
        self._data: Mapping[Source, Mapping[str, Any]] = {
            source: identify(source) for source in dict.fromkeys(cell.source for cell in cells)
        }
        self.done: dict[str, dict[str, Any]] = {}
        for name, cell in self.cells.items():
            document = finished_result(self.path(name), cell, self._data[cell.source])
            if document is not None:
                self.done[name] = document
        self.found = len(self.done)
        self.running: dict[str, int] = {}
        self.failed: dict[str, str] = {}
        self._started = time.monotonic()

    def path(self, name: str) -> Path:
        """Result file of a cell."""
        return self.folder / (name + SUFFIX)

    @property
    def left(self) -> list[Cell]:
        """Cells that are neither done nor given up, running ones included."""
        return [cell for name, cell in self.cells.items() if name not in self.done and name not in self.failed]

    @property
    def seconds_left(self) -> float | None:
        """Time left, judged by the cells that were finished so far; None before the first."""
        finished = len(self.done) - self.found
        return (time.monotonic() - self._started) / finished * len(self.left) if finished else None

    def record(self, event: Event) -> Event:
        """Take note of an event, and write the result file of a finished cell.

        Returns
        -------
        Event
            The same, or `Failed` for a finished cell whose result is not what was asked for.

        Raises
        ------
        InputError
            If the result file cannot be written.
        """
        if isinstance(event, Began):
            self.running[event.name] = event.pid
            return event
        if isinstance(event, Finished):
            cell = self.cells[event.name]
            try:
                check_belongs(event.document, cell, self._data[cell.source])
            except InputError as error:
                event = Failed(event.name, str(error))
        self.running.pop(event.name, None)
        if isinstance(event, Finished):
            write_result(self.path(event.name), event.document)
            self.done[event.name] = event.document
        else:
            self.failed[event.name] = event.reason
        return event


def _check_folder(folder: Path, resume: bool) -> None:
    if not folder.exists():
        return
    names = list(folder.iterdir())
    results = sum(path.suffix == SUFFIX for path in names)
    if names and not results:
        raise InputError(f"sweep {folder}: holds other files; choose another folder with -o")
    if results and not resume:
        raise InputError(f"sweep {folder}: holds {results} results; add --resume to go on, or choose another with -o")
