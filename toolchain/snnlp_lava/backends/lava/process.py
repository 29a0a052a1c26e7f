"""Run Lava runtimes (source and NetX network) in child processes under a watchdog, for the simulator and Loihi 2."""

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
from pathlib import Path

import numpy as np

from snnlp_lava.backends.base import Metered, Recording
from snnlp_lava.backends.lava.job import LOG, LavaJob, Loihi2Board, remove_shared_memory
from snnlp_lava.encode.base import Samples
from snnlp_lava.errors import BackendError, InputError
from snnlp_lava.extras import require
from snnlp_lava.network.network import Network
from snnlp_lava.records import load

logger = logging.getLogger(__name__)


START_TIMEOUT = 180.0
"""Seconds a worker may take to import and compile before its first step."""


STALL_TIMEOUT = 60.0
"""Seconds without a step after which a worker counts as hung."""


_KILL_TIMEOUT = 10.0


_TERMINATE_TIMEOUT = 5.0


_POLL_INTERVAL = 0.05


def run_lava(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    shares: list[np.ndarray],
    *,
    board: Loihi2Board | None = None,
    start_timeout: float = START_TIMEOUT,
    progress: Callable[[int], None] = lambda done: None,
) -> Recording:
    """Run each share of the samples in its own Lava runtime.

    Parameters
    ----------
    path
        Path of the network file, which NetX reads.
    network
        The network that was read from it.
    samples
        What is presented.
    period
        Steps from one sample to the next, at least the samples' window.
    shares
        Indices of the samples of each runtime.
    board
        The Loihi 2, None for the simulator.
    start_timeout
        Seconds without a first step after which a worker counts as hung.
    progress
        Called with the number of samples done since the last call.

    Raises
    ------
    InputError
        If Lava is not installed, a sample cannot be encoded, or the job cannot be written.
    """
    require("lava")
    with tempfile.TemporaryDirectory(prefix="snnlp-lava-") as scratch, contextlib.ExitStack() as stack:
        workers = []
        for number, rows in enumerate(shares):
            job = LavaJob.of(path, network, samples, len(rows), period, board)
            workers.append(stack.enter_context(_worker(Path(scratch) / f"worker{number}", job, samples, rows)))
        broken, interrupted = None, False
        try:
            _watch(workers, start_timeout, progress)
        except BackendError as error:
            broken = str(error)
            logger.info("log of the Lava workers:\n%s", "".join(worker.log_text() for worker in workers))
        except KeyboardInterrupt:
            broken, interrupted = "interrupted", True
        finished = [worker.finished for worker in workers]
        trains = [worker.trains(count) for worker, count in zip(workers, finished, strict=True)]
        steps = sum(worker.step for worker in workers)
        metered = workers[0].metered
    done = np.concatenate([rows[:count] for rows, count in zip(shares, finished, strict=True)])
    layers = [np.concatenate(parts) for parts in zip(*trains, strict=True)]
    trains_of = dict(zip(workers[0].job.recorded, layers, strict=True))
    return Recording(done, trains_of, steps, metered, broken, interrupted)


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
            [sys.executable, "-u", "-m", "snnlp_lava.backends.lava.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,  # python -m searches here first, and the user's folder may contain modules
            start_new_session=True,  # its own process group, so that killing it kills only Lava's processes
        )
        self._step = np.load(job.step_file(folder), mmap_mode="r")
        self._last_step, self._last_progress = 0, time.monotonic()

    @property
    def step(self) -> int:
        """The last step that is on disk for every layer."""
        return int(self._step.min())

    @property
    def finished(self) -> int:
        """Number of samples whose spikes have left the last layer."""
        return self.job.finished(self.step)

    @property
    def metered(self) -> Metered | None:
        """Measurements of Lava's profiler."""
        path = self.job.metered_file(self.folder)
        return load(Metered, path, "Lava's profiler") if path.is_file() else None

    def poll(self, start_timeout: float) -> bool:
        """Return whether the worker is done.

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
                f"Lava exited with code {code} {self._progress_text()}; last log line: {self._last_log_line()}"
            )
        if step != self._last_step:
            self._last_step, self._last_progress = step, time.monotonic()
        limit = STALL_TIMEOUT if step else start_timeout
        if time.monotonic() - self._last_progress <= limit:
            return False
        if step == self.job.steps:  # all results are on disk; only Lava's own shutdown hangs
            logger.warning("Lava did not end after its last step and was killed")
            return True
        raise BackendError(f"Lava made no step for {limit:.0f} s {self._progress_text()} and was killed")

    def trains(self, samples: int) -> list[np.ndarray]:
        """Read packed trains of its first samples (see `LavaJob.trains`)."""
        return self.job.trains(self.folder, samples)

    def kill(self) -> None:
        """Kill the worker's process group and remove its shared memory."""
        if self.job.board is not None:
            self._terminate()
        deadline = time.monotonic() + _KILL_TIMEOUT
        with contextlib.suppress(ProcessLookupError):  # raised when the group has no process left
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.poll()
                time.sleep(_POLL_INTERVAL / 10)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._log.close()
        remove_shared_memory(self.process.pid)

    def _terminate(self) -> None:
        """Ask the group to exit, so that it releases the board: SLURM's srun frees its allocation on SIGTERM only."""
        deadline = time.monotonic() + _TERMINATE_TIMEOUT
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                os.killpg(self.process.pid, 0)
                self.process.poll()
                time.sleep(_POLL_INTERVAL)

    def _progress_text(self) -> str:
        sample = min(self.job.samples, self.step // self.job.period + 1)
        return f"at step {self.step} of {self.job.steps} (sample {sample} of {self.job.samples})"

    def log_text(self) -> str:
        """What the worker has written to its log."""
        return (self.folder / LOG).read_text("utf-8", "replace")

    def _last_log_line(self) -> str:
        lines = self.log_text().strip().splitlines()
        return lines[-1].strip() if lines else "none"


@contextlib.contextmanager
def _worker(folder: Path, job: LavaJob, samples: Samples, rows: np.ndarray) -> Iterator[_Worker]:
    worker = _Worker(folder, job, samples, rows)
    try:
        yield worker
    finally:
        worker.kill()


def _watch(workers: list[_Worker], start_timeout: float, progress: Callable[[int], None]) -> None:
    reported = 0
    while True:
        done = [worker.poll(start_timeout) for worker in workers]
        finished = sum(worker.finished for worker in workers)
        progress(finished - reported)
        reported = finished
        if all(done):
            return
        time.sleep(_POLL_INTERVAL)
