"""Cells on the workers of a Dask scheduler."""

from __future__ import annotations

import asyncio
import logging
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

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10


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

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # its errors reach us as exceptions
    _check_scheduler(address)
    with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
        if not client.nthreads():
            logger.warning("scheduler %s has no workers yet", address)
        _run(client, cells, on_event)


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
        raise InputError(f"scheduler {address}: no Dask scheduler answers there ({first_line(error)})") from error


def _run(client: Client, cells: Sequence[Cell], on_event: OnEvent) -> None:
    happened: SimpleQueue[Began | tuple[str, Future]] = SimpleQueue()
    topic = f"snnlp-lava-sweep-{uuid.uuid4().hex}"  # of this run alone: Dask gives equal keys one result
    client.subscribe_topic(topic, lambda event: happened.put(Began(event[1]["name"], event[1]["pid"])))
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
    from distributed import CancelledError, KilledWorker

    try:
        return outcome(name, future.result())
    except CancelledError as error:
        raise BackendError("the Dask scheduler is gone; finished cells are kept, and --resume goes on") from error
    except KilledWorker as error:
        return Failed(name, f"in {error.allowed_failures + 1} tries, its worker died; the worker's log may say why")
    except Exception as error:  # the worker cannot import this package, or not the same version of it
        return Failed(name, f"{type(error).__name__}: {first_line(error)}")


def _on_worker(cell: dict[str, Any], topic: str) -> dict[str, Any]:
    """Say that the cell begins, and run it."""
    from distributed import get_worker

    get_worker().log_event(topic, {"name": cell["name"], "pid": os.getpid()})
    return attempt(cell)
