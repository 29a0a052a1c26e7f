"""Lava's CPU simulator: source and NetX network in child processes under a watchdog.

`run_lava` and what is under it serve the Loihi 2, too; a job says which of the two it is for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.lava_job import LOG, Board, LavaJob
from snnlp_lava.backends.lava_worker import remove_shared_memory
from snnlp_lava.backends.result import BrokenRunError, RunResult, tally_layers
from snnlp_lava.chip.network import Network
from snnlp_lava.encode.samples import Samples
from snnlp_lava.errors import BackendError, InputError
from snnlp_lava.files import read_json
from snnlp_lava.metrics import first_to_count

logger = logging.getLogger(__name__)

START_SECONDS = 180.0
"""Time a worker has to import and compile before its first step."""
STALL_SECONDS = 60.0
"""Time without a step after which a worker counts as hung."""
_END_SECONDS = 10.0
_LEAVE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_CHUNK = 256  # samples unpacked in one go


def run_sim(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    *,
    jobs: int = 1,
    keep_trains: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> RunResult:
    """Run samples through a network file on Lava's CPU simulator.

    Each worker compiles one runtime for its share of the samples and presents them one after another. Lava
    reports no wraps, clips and active updates, so they are 0 here; `agreed` takes them from the emulator.

    Parameters
    ----------
    path
        The network file, which NetX reads.
    network
        The same network, read.
    samples
        What is presented.
    period
        Steps from one sample to the next, at least the samples' window.
    jobs
        Number of workers.
    keep_trains
        Number of samples, the first, whose spike trains are kept.
    progress
        Called with the number of samples done since the last call.

    Raises
    ------
    InputError
        If a sample cannot be made into spikes, or the job cannot be written.
    BrokenRunError
        If a worker crashes or hangs or the run is interrupted; it holds the result of the finished samples.
    """
    started = time.perf_counter()
    shares = np.array_split(np.arange(len(samples)), min(jobs, len(samples)))
    ran = run_lava(path, network, samples, period, shares, progress=progress)
    if ran.broken is not None and not len(ran.finished):
        raise ran.broken
    result = _result(network, samples.window, period, ran, started, keep_trains)
    if ran.broken is not None:
        raise ran.broken.with_result(ran.finished, result)
    return result


@dataclass(frozen=True)
class LavaRun:
    """What came of the runs of one or more Lava runtimes.

    Attributes
    ----------
    finished
        (n,) indices of the samples that were done.
    trains
        Their packed trains, (n, period, bytes) uint8 of every recorded layer.
    steps
        Steps that were run in all.
    metered
        What Lava's profiler saw, where it looked on.
    broken
        Why the run ended early, if it did.
    """

    finished: np.ndarray
    trains: list[np.ndarray]
    steps: int
    metered: dict[str, Any] | None
    broken: BrokenRunError | None


def run_lava(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    shares: list[np.ndarray],
    *,
    board: Board | None = None,
    start_seconds: float = START_SECONDS,
    progress: Callable[[int], None] = lambda done: None,
) -> LavaRun:
    """Present each share of the samples to a Lava runtime of its own.

    Parameters
    ----------
    path, network, samples, period, progress
        As in `run_sim`.
    shares
        Indices of samples.
    board
        The Loihi 2, None for the simulator.
    start_seconds
        Time without a first step after which a worker counts as hung.

    Raises
    ------
    InputError
        If a sample cannot be made into spikes, or the job cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="snnlp-lava-") as scratch, contextlib.ExitStack() as stack:
        workers = []
        for number, rows in enumerate(shares):
            job = LavaJob.of(path, network.sizes, samples, len(rows), period, board)
            workers.append(stack.enter_context(_worker(Path(scratch) / f"worker{number}", job, samples, rows)))
        broken: BrokenRunError | None = None
        try:
            _watch(workers, start_seconds, progress)
        except BackendError as error:
            broken = BrokenRunError(str(error))
            logger.info("all that Lava said:\n%s", "".join(worker.said() for worker in workers))
        except KeyboardInterrupt:
            broken = BrokenRunError("interrupted", interrupted=True)
        finished = [worker.finished for worker in workers]
        trains = [worker.trains(count) for worker, count in zip(workers, finished, strict=True)]
        steps = sum(worker.step for worker in workers)
        metered = workers[0].metered
    done = np.concatenate([rows[:count] for rows, count in zip(shares, finished, strict=True)])
    layers = [np.concatenate(parts) for parts in zip(*trains, strict=True)]
    return LavaRun(done, layers, steps, metered, broken)


class _Worker:
    """A child process that runs one share of the samples."""

    def __init__(self, folder: Path, job: LavaJob, samples: Samples, rows: np.ndarray) -> None:
        self.folder, self.job = folder, job
        try:
            folder.mkdir()
            job.write(folder, samples, rows)
            self._log = (folder / LOG).open("wb")
        except OSError as error:
            raise InputError(f"cannot write to {folder.parent}: {error.strerror or error}; set TMPDIR") from error
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "snnlp_lava.backends.lava_worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,  # python -m looks for modules here first, and the user's folder may hold any
            start_new_session=True,  # a group of its own, so that ending it ends Lava's processes and no others
        )
        self._step = np.load(job.step_file(folder), mmap_mode="r")
        self._seen, self._since = 0, time.monotonic()

    @property
    def step(self) -> int:
        """The last step that is on disk for all layers."""
        return int(self._step.min())

    @property
    def finished(self) -> int:
        """Samples whose spikes have left the last layer."""
        return self.job.finished(self.step)

    @property
    def metered(self) -> dict[str, Any] | None:
        """What Lava's profiler saw."""
        path = self.job.metered_file(self.folder)
        return read_json(path) if path.is_file() else None

    def poll(self, start_seconds: float) -> bool:
        """Whether it is done.

        Raises
        ------
        BackendError
            If it crashed or hung.
        """
        code, step = self.process.poll(), self.step
        if step == self.job.steps and code is not None:
            return True
        if code is not None:
            raise BackendError(
                f"Lava ended with exit code {code} {self._where()}; its last words: {self._last_words()}"
            )
        if step != self._seen:
            self._seen, self._since = step, time.monotonic()
        limit = STALL_SECONDS if step else start_seconds
        if time.monotonic() - self._since <= limit:
            return False
        if step == self.job.steps:  # all there is to know is on disk; only Lava's own tidying hangs
            logger.warning("Lava did not end after its last step and was ended")
            return True
        raise BackendError(f"Lava made no step for {limit:.0f} s {self._where()} and was ended")

    def trains(self, samples: int) -> list[np.ndarray]:
        """Packed trains of its first samples (see `LavaJob.trains`)."""
        return self.job.trains(self.folder, samples)

    def end(self) -> None:
        """End the worker's process group and remove what it left in shared memory."""
        if self.job.board is not None:
            self._ask_to_leave()
        deadline = time.monotonic() + _END_SECONDS
        with contextlib.suppress(ProcessLookupError):  # raised when the group has no process left
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.poll()
                time.sleep(_POLL_SECONDS / 10)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._log.close()
        remove_shared_memory(self.process.pid)

    def _ask_to_leave(self) -> None:
        """Let what holds a board give it back: SLURM's srun ends its allocation at SIGTERM, not at SIGKILL."""
        deadline = time.monotonic() + _LEAVE_SECONDS
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, 0)
                self.process.poll()
                time.sleep(_POLL_SECONDS)

    def _where(self) -> str:
        sample = min(self.job.samples, self.step // self.job.period + 1)
        return f"at step {self.step} of {self.job.steps} (sample {sample} of {self.job.samples})"

    def said(self) -> str:
        """All that Lava wrote."""
        return (self.folder / LOG).read_text("utf-8", "replace")

    def _last_words(self) -> str:
        lines = self.said().strip().splitlines()
        return lines[-1].strip() if lines else "none"


@contextlib.contextmanager
def _worker(folder: Path, job: LavaJob, samples: Samples, rows: np.ndarray) -> Iterator[_Worker]:
    worker = _Worker(folder, job, samples, rows)
    try:
        yield worker
    finally:
        worker.end()


def _watch(workers: list[_Worker], start_seconds: float, progress: Callable[[int], None]) -> None:
    reported = 0
    while True:
        done = [worker.poll(start_seconds) for worker in workers]
        finished = sum(worker.finished for worker in workers)
        progress(finished - reported)
        reported = finished
        if all(done):
            return
        time.sleep(_POLL_SECONDS)


def _result(network: Network, window: int, period: int, ran: LavaRun, started: float, keep_trains: int) -> RunResult:
    seconds = time.perf_counter() - started
    layers = ran.trains
    counts = [_counts(packed, size) for packed, size in zip(layers, network.sizes, strict=True)]
    output_scores = first_to_count(np.unpackbits(layers[-1][:, :window], axis=2, count=network.outputs))
    unseen = [np.zeros(len(counts[0]), dtype=np.int64)] * len(network.layers)
    return RunResult(
        backend="sim",
        window=window,
        period=period,
        steps=ran.steps,
        output_counts=output_scores.astype(np.int64),
        output_scores=output_scores,
        first_spikes=np.unpackbits(layers[0][:, 0], axis=1).sum(axis=1, dtype=np.int64),
        layers=tally_layers(network, counts, period, active=unseen, wraps=unseen, clips=unseen),
        neuron_spikes=tuple(layer_counts.sum(axis=0, dtype=np.int64) for layer_counts in counts),
        seconds=seconds,
        trains=tuple(packed[:keep_trains] for packed in layers),
    )


def _counts(packed: np.ndarray, neurons: int) -> np.ndarray:
    """Spikes of each neuron over the steps of each sample: (n, neurons) int32."""
    counts = np.empty((len(packed), neurons), dtype=np.int32)
    for start in range(0, len(packed), _CHUNK):
        bits = np.unpackbits(packed[start : start + _CHUNK], axis=2, count=neurons)
        counts[start : start + _CHUNK] = bits.sum(axis=1, dtype=np.int32)
    return counts
