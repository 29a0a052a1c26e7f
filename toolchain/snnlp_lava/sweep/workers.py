"""Run cells on local worker processes or on a Dask cluster; both report the same events.

A worker that dies takes no other cell with it; its cell is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from snnlp_lava.errors import BackendError, InputError, one_line
from snnlp_lava.sweep.cell import run_cell_safely
from snnlp_lava.sweep.grid import Cell

if TYPE_CHECKING:
    from distributed import Client, Future


logger = logging.getLogger(__name__)

TRIES = 3
"""How often a cell is started at most, if its worker dies each time."""
CONNECT_SECONDS = 10
_LONGEST_LINE = 1 << 28  # bytes of an answer


@dataclass(frozen=True)
class Started:
    """A worker process has started a cell.

    Attributes
    ----------
    name
        The cell's.
    pid
        The worker's process, on its machine.
    again
        Whether the cell was running before, on a worker that was lost.
    """

    name: str
    pid: int
    again: bool = False


@dataclass(frozen=True)
class Finished:
    """A cell is done.

    Attributes
    ----------
    name
        The cell's.
    document
        Its result file's content, unchecked.
    """

    name: str
    document: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """A cell is given up.

    Attributes
    ----------
    name
        The cell's.
    reason
        One line.
    traceback
        Where an unexpected error came from; None for what the user or the machine is to blame for.
    """

    name: str
    reason: str
    traceback: str | None = None


Event = Started | Finished | Failed
OnEvent = Callable[[Event], None]


def _event(name: str, answer: dict[str, Any]) -> Finished | Failed:
    """What an answer of `snnlp_lava.sweep.cell.run_cell_safely` says of a cell."""
    if "document" in answer:
        return Finished(name, answer["document"])
    return Failed(name, str(answer["error"]), answer.get("traceback"))


def run_local(jobs: int, cells: Sequence[Cell], on_event: OnEvent) -> None:
    """Run cells in worker processes, each of which runs one after another.

    Parameters
    ----------
    jobs
        Number of workers.
    cells
        The cells, started in this order.
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
                        on_event(Failed(cell.name, f"tried {TRIES} times; {error}"))
                    continue
                on_event(_event(cell.name, answer))
                break
    finally:
        if worker is not None:
            await worker.end()


class _WorkerDiedError(Exception):
    """A worker ended before its cell was done."""


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
            If the system cannot start another one.
        """
        try:
            handle, name = tempfile.mkstemp(suffix=".log", dir=scratch)
            with os.fdopen(handle, "wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "snnlp_lava.sweep.workers"),
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
        """What `snnlp_lava.sweep.cell.run_cell_safely` answers.

        Raises
        ------
        _WorkerDiedError
            If the process ends before it answers; there is nothing left of it then.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):  # it is gone, as the missing answer tells
            self._process.stdin.write(json.dumps(cell.pack()).encode() + b"\n")
            await self._process.stdin.drain()
        on_event(Started(cell.name, self._process.pid))
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):  # nothing, or what was written when it was killed
            await self.end()
            raise _WorkerDiedError(self._how_it_ended())
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

    def _how_it_ended(self) -> str:
        code = self._process.returncode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return f"its worker {how}; last log line: {lines[-1].strip() if lines else 'none'}"


def run_on_cluster(address: str, cells: Sequence[Cell], on_event: OnEvent) -> None:
    """Run cells on the workers of a Dask scheduler, on whatever machines they are.

    The scheduler gives the cell of a lost worker to another one, as often as its configuration
    (``distributed.scheduler.allowed-failures``) says.

    Parameters
    ----------
    address
        The scheduler's, as ``tcp://HOST:8786``.
    cells
        The cells.
    on_event
        Called with every event; each cell finishes or fails once. What it raises withdraws the cells that no worker
        has started.

    Raises
    ------
    InputError
        If no scheduler answers there.
    BackendError
        If the scheduler goes away.
    """
    from distributed import Client

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # its errors reach us as exceptions
    _check_scheduler(address)
    with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
        if not client.nthreads():
            logger.warning("scheduler %s has no workers yet", address)
        _run_on_cluster(client, cells, on_event)


def _check_scheduler(address: str) -> None:
    """Make sure that a scheduler answers; a client that meets none cannot be closed in good order."""
    from distributed import Security
    from distributed.comm.core import connect

    async def greet() -> None:
        comm = await connect(address, **Security().get_connection_args("client"))
        await comm.close()

    try:
        asyncio.run(asyncio.wait_for(greet(), CONNECT_SECONDS))
    except asyncio.TimeoutError as error:
        raise InputError(f"scheduler {address}: no Dask scheduler answers there within {CONNECT_SECONDS} s") from error
    except Exception as error:  # of the address, the network, or whatever another kind of server makes Dask believe
        raise InputError(f"scheduler {address}: no Dask scheduler answers there ({one_line(error)})") from error


def _run_on_cluster(client: Client, cells: Sequence[Cell], on_event: OnEvent) -> None:
    happened: SimpleQueue[Started | tuple[str, Future]] = SimpleQueue()
    topic = f"snnlp-lava-sweep-{uuid.uuid4().hex}"  # of this run alone: Dask gives equal keys one result
    client.subscribe_topic(topic, lambda event: happened.put(Started(event[1]["name"], event[1]["pid"])))
    futures = []
    for cell in cells:
        future = client.submit(_run_on_worker, cell.name, cell.pack(), topic, key=f"{topic}-{cell.name}")
        future.add_done_callback(lambda done, name=cell.name: happened.put((name, done)))
        futures.append(future)
    left = len(futures)
    try:
        while left:
            item = happened.get()
            event: Event = item if isinstance(item, Started) else _dask_event(*item)
            left -= not isinstance(event, Started)
            on_event(event)
    finally:
        client.cancel(futures)


def _dask_event(name: str, future: Future) -> Event:
    from distributed import CancelledError, KilledWorker

    try:
        return _event(name, future.result())
    except CancelledError as error:
        raise BackendError("the Dask scheduler is gone; finished cells are kept, and --resume goes on") from error
    except KilledWorker as error:
        return Failed(name, f"tried {error.allowed_failures + 1} times; its worker died; see the worker's log")
    except Exception as error:  # the worker cannot import this package, or not the same version of it
        return Failed(name, f"{type(error).__name__}: {one_line(error)}")


def _run_on_worker(name: str, job: dict[str, Any], topic: str) -> dict[str, Any]:
    """Report that the cell has started, and run it."""
    from distributed import get_worker

    get_worker().log_event(topic, {"name": name, "pid": os.getpid()})
    return run_cell_safely(job)


def main() -> None:
    """Run the cells that come on standard input, a line each, until it closes."""
    from snnlp_lava.train.trainer import keep_freed_memory

    keep_freed_memory()  # a process of our own
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print goes with the errors, not among the answers
        for line in _lines():
            answers.write(json.dumps(run_cell_safely(json.loads(line))).encode() + b"\n")
            answers.flush()


def _lines() -> Iterator[bytes]:
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        with open(0, "rb", closefd=False) as standard_input:
            for line in standard_input:
                lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


if __name__ == "__main__":
    main()
