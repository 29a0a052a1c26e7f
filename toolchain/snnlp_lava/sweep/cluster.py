"""Cells on the workers of a Dask scheduler."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from snnlp_lava.errors import BackendError, InputError, first_line
from snnlp_lava.sweep.cell import attempt
from snnlp_lava.sweep.event import Began, Event, Failed, OnEvent, outcome
from snnlp_lava.sweep.grid import Cell

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 30


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
        has begun.

    Raises
    ------
    InputError
        If no scheduler answers there.
    BackendError
        If the scheduler goes away.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(f"scheduler {address}: cannot be reached: {first_line(error)}") from error
    with client:
        _run(client, cells, on_event)


def _run(client: Client, cells: Sequence[Cell], on_event: OnEvent) -> None:
    happened: SimpleQueue[Began | tuple[str, Future]] = SimpleQueue()
    topic = f"snnlp-lava-sweep-{uuid.uuid4().hex}"  # of this run alone: Dask gives equal keys one result
    client.subscribe_topic(topic, lambda event: happened.put(Began(**event[1])))
    futures = []
    for cell in cells:
        future = client.submit(_on_worker, cell.to_dict(), topic, key=f"{topic}-{cell.name}")
        future.add_done_callback(lambda done, name=cell.name: happened.put((name, done)))
        futures.append(future)
    left = len(futures)
    try:
        while left:
            item = happened.get()
            event: Event = item if isinstance(item, Began) else _outcome(*item)
            left -= not isinstance(event, Began)
            on_event(event)
    finally:
        client.cancel(futures)


def _outcome(name: str, future: Future) -> Event:
    from distributed import KilledWorker

    if future.status == "cancelled":
        raise BackendError("the Dask scheduler is gone; finished cells are kept, and --resume goes on")
    try:
        return outcome(name, future.result())
    except KilledWorker as error:
        return Failed(name, f"in {error.allowed_failures + 1} tries, its worker died; the worker's log may say why")
    except Exception as error:  # the worker cannot import this package, or not the same version of it
        return Failed(name, f"{type(error).__name__}: {first_line(error)}")


def _on_worker(cell: dict[str, Any], topic: str) -> dict[str, Any]:
    """Say that the cell begins, and run it."""
    from distributed import get_worker

    get_worker().log_event(topic, {"name": cell["name"], "pid": os.getpid()})
    return attempt(cell)
