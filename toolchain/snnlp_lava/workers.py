"""Run tasks on local worker processes or on a Dask cluster; both report the same events.

A worker that dies takes no other task with it; its task is started again. What runs the tasks is named as
``MODULE:FUNCTION``: a worker calls that function once, with what all tasks share, and calls what it returns with each
task. All that goes to a worker and comes back is MessagePack: numbers, texts, bytes, lists and tables of these.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pkgutil
import platform
import signal
import sys
import tempfile
import threading
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import msgpack

from snnlp_lava import __version__
from snnlp_lava.errors import BackendError, InputError, SnnlpLavaError, one_line
from snnlp_lava.extras import require

if TYPE_CHECKING:
    from distributed import Client, Future


logger = logging.getLogger(__name__)

TRIES = 3
"""How often a task is started at most, if its worker dies each time."""
CONNECT_SECONDS = 10
_LENGTH_BYTES = 8  # in front of every message


class Task(NamedTuple):
    """Something to run.

    Attributes
    ----------
    name
        Unique among the tasks that run together.
    content
        What the worker's function is called with.
    """

    name: str
    content: Any


@dataclass(frozen=True)
class Started:
    """A worker process has started a task.

    Attributes
    ----------
    name
        The task's.
    pid
        The worker's process, on its machine.
    again
        Whether the task was running before, on a worker that was lost.
    """

    name: str
    pid: int
    again: bool = False


@dataclass(frozen=True)
class Finished:
    """A task is done.

    Attributes
    ----------
    name
        The task's.
    answer
        What the worker's function returned, unchecked.
    """

    name: str
    answer: Any


@dataclass(frozen=True)
class Failed:
    """A task is given up.

    Attributes
    ----------
    name
        The task's.
    reason
        One line.
    traceback
        Where an unexpected error came from; None for what the user or the machine is to blame for.
    bad_input
        Whether it was an `InputError`.
    """

    name: str
    reason: str
    traceback: str | None = None
    bad_input: bool = False


Event = Started | Finished | Failed
OnEvent = Callable[[Event], None]
Spread = Callable[[str, Any, Iterable[Task], OnEvent], None]
"""`run_local` or `run_on_cluster` with its first argument given."""


def answer_of(run: Callable[[Any], Any], content: Any) -> dict[str, Any]:
    """Run a task; an error becomes an answer, so that the other tasks go on.

    Returns
    -------
    dict
        ``answer``, or ``error``, one line, with ``bad_input`` after an `InputError`, and with a ``traceback`` unless
        the user or the machine is to blame.
    """
    try:
        return {"answer": run(content)}
    except SnnlpLavaError as error:
        return {"error": str(error), **({"bad_input": True} if isinstance(error, InputError) else {})}
    except (MemoryError, OSError) as error:
        return {"error": f"{type(error).__name__}: {one_line(error)}"}
    except Exception as error:  # most likely a bug of ours
        return {"error": f"{type(error).__name__}: {one_line(error)}", "traceback": traceback.format_exc()}


def _event(name: str, answer: dict[str, Any]) -> Finished | Failed:
    """What an answer of `answer_of` says of a task."""
    if "answer" in answer:
        return Finished(name, answer["answer"])
    return Failed(name, str(answer["error"]), answer.get("traceback"), bool(answer.get("bad_input")))


def _opening(work: str, common: Any) -> bytes:
    """What a worker learns before its first task."""
    return msgpack.encode({"version": __version__, "work": work, "common": common})


@lru_cache(maxsize=1)
def _open(opening: bytes) -> Callable[[Any], Any]:
    """What runs the tasks of an opening, made once in a process.

    Raises
    ------
    InputError
        If this is another version than the one that sent it, or what it shares cannot be used.
    """
    told = msgpack.decode(opening)
    if told["version"] != __version__:
        raise InputError(
            f"the worker on {platform.node()} has snnlp-lava {__version__}, not {told['version']}; install the same"
        )
    run: Callable[[Any], Any] = pkgutil.resolve_name(told["work"])(told["common"])
    return run


def _answer(opening: bytes, content: bytes) -> bytes:
    return msgpack.encode(answer_of(lambda task: _open(opening)(task), msgpack.decode(content)))


def run_local(jobs: int, work: str, common: Any, tasks: Iterable[Task], on_event: OnEvent) -> None:
    """Run tasks in worker processes, each of which runs one after another.

    Parameters
    ----------
    jobs
        Number of workers.
    work
        What runs the tasks, as ``MODULE:FUNCTION``.
    common
        What that function is called with, once in each worker.
    tasks
        The tasks, started in this order; each is taken when a worker is free for it.
    on_event
        Called with every event; each task finishes or fails once. What it raises ends the workers.

    Raises
    ------
    InputError
        If no worker can be started.
    """
    try:
        asyncio.run(_run(jobs, _opening(work, common), iter(tasks), on_event))
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error


async def _run(jobs: int, opening: bytes, waiting: Iterator[Task], on_event: OnEvent) -> None:
    _cancel_when_interrupted()
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    environment = {"NUMBA_NUM_THREADS": threads, **os.environ}
    with tempfile.TemporaryDirectory(prefix="snnlp-lava-") as scratch:
        start = _Start(opening, Path(scratch), environment)
        slots = [asyncio.create_task(_slot(waiting, start, on_event)) for _ in range(jobs)]
        try:
            done, _ = await asyncio.wait(slots, return_when=asyncio.FIRST_EXCEPTION)
            for slot in done:
                slot.result()
        finally:  # the first error or interruption ends the others, each of which ends its worker
            for slot in slots:
                slot.cancel()
            await asyncio.gather(*slots, return_exceptions=True)


def _cancel_when_interrupted() -> None:
    """Let Ctrl-C cancel the current task, as Python 3.11 does by itself, and not break into whatever callback runs."""
    task = asyncio.current_task()
    assert task is not None
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)


class _Start(NamedTuple):
    """What every worker is started with."""

    opening: bytes
    scratch: Path
    environment: dict[str, str]


async def _slot(waiting: Iterator[Task], start: _Start, on_event: OnEvent) -> None:
    worker: _Worker | None = None
    try:
        while (task := next(waiting, None)) is not None:
            content = msgpack.encode(task.content)
            for tries_left in reversed(range(TRIES)):
                worker = worker or await _Worker.start(start)
                try:
                    answer = await worker.run(task.name, content, on_event)
                except _WorkerDiedError as error:
                    worker = None
                    if not tries_left:
                        on_event(Failed(task.name, f"tried {TRIES} times; {error}"))
                    continue
                on_event(_event(task.name, answer))
                break
    finally:
        if worker is not None:
            await worker.end()


class _WorkerDiedError(Exception):
    """A worker ended before its task was done."""


class _Worker:
    """A child process that runs tasks."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, opening: bytes) -> None:
        self._process, self._log, self._unsent = process, log, [opening]

    @classmethod
    async def start(cls, start: _Start) -> _Worker:
        """Start a process.

        Raises
        ------
        InputError
            If the system cannot start another one.
        """
        try:
            handle, name = tempfile.mkstemp(suffix=".log", dir=start.scratch)
            with os.fdopen(handle, "wb") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "snnlp_lava.workers"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env=start.environment,
                    cwd=start.scratch,  # python -m looks for modules here first, and the user's folder may hold any
                    start_new_session=True,  # the terminal's Ctrl-C reaches the parent alone, which ends its workers
                )
        except OSError as error:
            raise InputError(f"cannot start a worker: {error.strerror or error}") from error
        return cls(process, Path(name), start.opening)

    async def run(self, name: str, content: bytes, on_event: OnEvent) -> dict[str, Any]:
        """What `answer_of` says.

        Raises
        ------
        _WorkerDiedError
            If the process ends before it answers; there is nothing left of it then.
        """
        assert self._process.stdin is not None
        messages, self._unsent = [*self._unsent, content], []
        with contextlib.suppress(ConnectionError):  # it is gone, as the missing answer tells
            for message in messages:
                self._process.stdin.write(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
                await self._process.stdin.drain()
        on_event(Started(name, self._process.pid))
        assert self._process.stdout is not None
        try:
            length = int.from_bytes(await self._process.stdout.readexactly(_LENGTH_BYTES), "big")
            answer: dict[str, Any] = msgpack.decode(await self._process.stdout.readexactly(length))
        except asyncio.IncompleteReadError as error:  # nothing, or what was written when it was killed
            await self.end()
            raise _WorkerDiedError(self._how_it_ended()) from error
        return answer

    async def end(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        if not self._process.stdin.transport.is_closing():
            self._process.stdin.transport.abort()  # before the kill, which what is not sent yet would report
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Not with the process's own kill(): it takes the exit code of a dead one away from wait().
                os.kill(self._process.pid, signal.SIGKILL)
        assert self._process.stdout is not None
        await self._process.stdout.read()  # to its end, or asyncio keeps the pipe open
        await self._process.wait()

    def _how_it_ended(self) -> str:
        code = self._process.returncode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return f"its worker {how}; last log line: {lines[-1].strip() if lines else 'none'}"


def run_on_cluster(address: str, work: str, common: Any, tasks: Iterable[Task], on_event: OnEvent) -> None:
    """Run tasks on the workers of a Dask scheduler, on whatever machines they are.

    The scheduler gives the task of a lost worker to another one, as often as its configuration
    (``distributed.scheduler.allowed-failures``) says. Two tasks for each thread of a worker are on the way at a time.

    Parameters
    ----------
    address
        The scheduler's, as ``tcp://HOST:8786``.
    work, common, tasks
        As in `run_local`.
    on_event
        Called with every event; each task finishes or fails once. What it raises withdraws the tasks that no worker
        has started.

    Raises
    ------
    InputError
        If no scheduler answers there.
    BackendError
        If the scheduler goes away.
    """
    require("distributed")
    from distributed import Client

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # its errors reach us as exceptions
    _check_scheduler(address)
    with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
        if not client.nthreads():
            logger.warning("scheduler %s has no workers yet", address)
        _run_on_cluster(client, _opening(work, common), iter(tasks), on_event)


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


def _run_on_cluster(client: Client, opening: bytes, waiting: Iterator[Task], on_event: OnEvent) -> None:
    happened: SimpleQueue[Started | tuple[str, Future]] = SimpleQueue()
    topic = f"snnlp-lava-{uuid.uuid4().hex}"  # of this call alone: Dask gives equal keys one result
    client.subscribe_topic(topic, lambda event: happened.put(Started(event[1]["name"], event[1]["pid"])))
    # A result, not scattered data: Dask makes it again where the worker that held it is lost.
    shared = _submit(client, _same, opening, key=f"{topic}-opening")
    futures: dict[str, Future] = {}
    try:
        while True:
            while len(futures) < _most_at_once(client) and (task := next(waiting, None)) is not None:
                content = msgpack.encode(task.content)
                key = f"{topic}-{task.name}"
                future = _submit(client, _run_on_worker, shared, task.name, content, topic, key=key)
                futures[task.name] = future
                future.add_done_callback(lambda done, name=task.name: happened.put((name, done)))
            if not futures:
                return
            item = happened.get()
            if isinstance(item, Started):
                on_event(item)
                continue
            name, future = item
            event = _dask_event(name, future)
            futures.pop(name).release()  # the worker may forget its result
            on_event(event)
    finally:
        client.cancel([*futures.values(), shared])


def _submit(client: Client, *arguments: Any, key: str) -> Future:
    with warnings.catch_warnings():  # of more than 10 MB in one task
        warnings.simplefilter("ignore", UserWarning)
        return client.submit(*arguments, key=key)


def _most_at_once(client: Client) -> int:
    try:
        return 2 * sum(client.nthreads().values()) + 2
    except (OSError, asyncio.TimeoutError) as error:
        raise _scheduler_gone() from error


def _scheduler_gone() -> BackendError:
    return BackendError("the Dask scheduler is gone; what is finished is kept, and --resume goes on")


def _dask_event(name: str, future: Future) -> Event:
    from distributed import CancelledError, KilledWorker

    try:
        return _event(name, msgpack.decode(future.result()))
    except CancelledError as error:
        raise _scheduler_gone() from error
    except KilledWorker as error:
        return Failed(name, f"tried {error.allowed_failures + 1} times; its worker died; see the worker's log")
    except Exception as error:  # the worker cannot import this package, or not the same version of it
        return Failed(name, f"{type(error).__name__}: {one_line(error)}")


def _same(content: bytes) -> bytes:
    return content


def _run_on_worker(opening: bytes, name: str, content: bytes, topic: str) -> bytes:
    """Report that the task has started, and run it."""
    from distributed import get_worker

    get_worker().log_event(topic, {"name": name, "pid": os.getpid()})
    return _answer(opening, content)


def main() -> None:
    """Run the tasks that come on standard input until it closes; the first message says what runs them."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what libraries print goes with the errors, not among the answers
        messages = _messages()
        opening = next(messages)
        for content in messages:
            answer = _answer(opening, content)
            answers.write(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)
            answers.flush()


def _messages() -> Iterator[bytes]:
    messages: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        with open(0, "rb", closefd=False) as standard_input:
            while length := standard_input.read(_LENGTH_BYTES):
                messages.put(standard_input.read(int.from_bytes(length, "big")))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield messages.get()


if __name__ == "__main__":
    main()
