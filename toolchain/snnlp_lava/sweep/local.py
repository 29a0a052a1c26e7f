"""Cells on local worker processes; a worker that dies takes nothing with it but its cell's try."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.sweep.event import Began, Failed, OnEvent, outcome
from snnlp_lava.sweep.grid import Cell

TRIES = 3
"""How often a cell is begun at most, if its worker dies each time."""
_LONGEST_LINE = 1 << 28  # bytes of an answer


def run_local(jobs: int, cells: Sequence[Cell], on_event: OnEvent) -> None:
    """Run cells in worker processes, each of which runs one after another.

    Parameters
    ----------
    jobs
        Number of workers.
    cells
        The cells, begun in this order.
    on_event
        Called with every event; each cell finishes or fails once. What it raises ends the workers.

    Raises
    ------
    InputError
        If no worker can be started.
    """
    asyncio.run(_run(deque(cells), min(jobs, len(cells)), on_event))


async def _run(waiting: deque[Cell], jobs: int, on_event: OnEvent) -> None:
    with tempfile.TemporaryDirectory(prefix="snnlp-lava-") as scratch:
        slots = [asyncio.create_task(_slot(waiting, Path(scratch), on_event)) for _ in range(jobs)]
        try:
            await asyncio.gather(*slots)
        finally:  # the first error or interruption ends the others, each of which ends its worker
            for slot in slots:
                slot.cancel()
            await asyncio.gather(*slots, return_exceptions=True)


async def _slot(waiting: deque[Cell], scratch: Path, on_event: OnEvent) -> None:
    worker: _Worker | None = None
    try:
        while waiting:
            cell = waiting.popleft()
            for tries_left in reversed(range(TRIES)):
                worker = worker or await _Worker.start(scratch)
                try:
                    answer = await worker.run(cell, on_event)
                except _WorkerDiedError as error:
                    worker = None
                    if not tries_left:
                        on_event(Failed(cell.name, f"in {TRIES} tries, {error}"))
                    continue
                on_event(outcome(cell.name, answer))
                break
    finally:
        if worker is not None:
            await worker.end()


class _WorkerDiedError(Exception):
    """A worker ended amid a cell."""


class _Worker:
    """A child process that runs cells."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process, self._log = process, log

    @classmethod
    async def start(cls, scratch: Path) -> _Worker:
        """Start a process.

        Raises
        ------
        InputError
            If the system has no room for it.
        """
        try:
            handle, name = tempfile.mkstemp(suffix=".log", dir=scratch)
            with os.fdopen(handle, "wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "snnlp_lava.sweep.worker"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    limit=_LONGEST_LINE,
                    cwd=scratch,  # python -m looks for modules here first, and the user's folder may hold any
                    start_new_session=True,  # the terminal's Ctrl-C reaches the parent alone, which ends its workers
                )
        except OSError as error:
            raise InputError(f"cannot start a worker: {error.strerror or error}") from error
        return cls(process, Path(name))

    async def run(self, cell: Cell, on_event: OnEvent) -> dict[str, Any]:
        """What `snnlp_lava.sweep.cell.attempt` answers.

        Raises
        ------
        _WorkerDiedError
            If the process ends before it answers; there is nothing left of it then.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it is gone, as the missing answer tells
            self._process.stdin.write(json.dumps(cell.to_dict()).encode() + b"\n")
            await self._process.stdin.drain()
        began = await self._answer()
        on_event(Began(cell.name, began["pid"]))
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):  # nothing, or what was written when it was killed
            await self.end()
            raise _WorkerDiedError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not with the process's own kill(): it takes the exit code of a dead one away from wait().
                os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self._process.stdin.close()

    def _last_words(self) -> str:
        code = self._process.returncode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return f"its worker {how}; its last words: {lines[-1].strip() if lines else 'none'}"
