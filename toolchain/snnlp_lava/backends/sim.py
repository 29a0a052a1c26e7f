"""Lava's CPU simulator: SAF, NetX network and recorder in child processes under a watchdog."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava_worker import shared_memory_prefix
from snnlp_lava.backends.result import RunResult, tally_layers
from snnlp_lava.chip.network import Network
from snnlp_lava.errors import BackendError, InputError

logger = logging.getLogger(__name__)

START_SECONDS = 180.0
"""Time a worker has to import and compile before its first step."""
STALL_SECONDS = 60.0
"""Time without a step after which a worker counts as hung."""
_POLL_SECONDS = 0.05
_CHUNK = 256  # samples unpacked in one go


def run_sim(
    path: Path,
    network: Network,
    values: np.ndarray,
    window: int,
    period: int,
    *,
    jobs: int = 1,
    keep_trains: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> RunResult:
    """Run SAF values through a network file on Lava's CPU simulator.

    Each worker compiles one runtime for its share of the samples and presents them one after another. Lava
    reports no wraps and clips; they are counted by the emulator on the same samples.

    Parameters
    ----------
    path
        The network file, which NetX reads.
    network
        The same network, read.
    values
        (n, channels) int32 SAF values in [0, saf.ONE].
    window, period
        Steps a sample is presented, and steps from one sample to the next.
    jobs
        Number of workers.
    keep_trains
        Number of samples, the first, whose spike trains are kept.
    progress
        Called with the number of samples done since the last call.

    Raises
    ------
    BackendError
        If a worker crashes or hangs, or its spikes are not the emulator's.
    """
    started = time.perf_counter()
    shares = np.array_split(np.arange(len(values)), min(jobs, len(values)))
    with tempfile.TemporaryDirectory(prefix="snnlp-lava-") as scratch, contextlib.ExitStack() as stack:
        workers = []
        for number, rows in enumerate(shares):
            folder = Path(scratch) / f"worker{number}"
            workers.append(stack.enter_context(_worker(folder, path, network, values[rows], window, period)))
        _watch(workers, progress)
        trains = [worker.trains() for worker in workers]
        steps = sum(worker.steps for worker in workers)
    return _result(network, values, window, period, trains, steps, started, keep_trains)


class _Worker:
    """A child process that runs one share of the samples; entering starts it, leaving ends it."""

    def __init__(
        self, folder: Path, path: Path, network: Network, values: np.ndarray, window: int, period: int
    ) -> None:
        self.folder, self.sizes, self.window, self.period = folder, network.sizes, window, period
        self.samples = len(values)
        self.latency = len(network.layers)
        self.steps = self.samples * period + self.latency
        folder.mkdir()
        try:
            np.save(folder / "values.npy", values)
            for index, size in enumerate(self.sizes):
                shape = (self.steps, (size + 7) // 8)
                np.lib.format.open_memmap(folder / f"spikes{index}.npy", mode="w+", dtype=np.uint8, shape=shape)
            np.save(folder / "step.npy", np.zeros(1, dtype=np.int64))
            job = {
                "network": str(path.resolve()),
                "window": window,
                "period": period,
                "steps": self.steps,
                "sizes": self.sizes,
            }
            (folder / "job.json").write_text(json.dumps(job), "utf-8")
        except OSError as error:
            raise InputError(f"cannot write to {folder.parent}: {error.strerror or error}; set TMPDIR") from error
        self.log = (folder / "log.txt").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snnlp_lava.backends.lava_worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that ending it ends Lava's processes and no others
        )
        self._step = np.load(folder / "step.npy", mmap_mode="r")
        self._seen, self._since = 0, time.monotonic()

    @property
    def step(self) -> int:
        """The last step that is on disk."""
        return int(self._step[0])

    @property
    def finished_samples(self) -> int:
        """Samples whose spikes have left the last layer."""
        return max(0, min(self.samples, (self.step - self.latency) // self.period))

    def poll(self) -> bool:
        """Whether it is done.

        Raises
        ------
        BackendError
            If it crashed or hung.
        """
        code = self.process.poll()
        if code == 0 and self.step == self.steps:
            return True
        if code is not None:
            raise BackendError(f"Lava ended with exit code {code} {self._where()}; its last words: {self._last_words()}")
        if self.step != self._seen:
            self._seen, self._since = self.step, time.monotonic()
        limit = STALL_SECONDS if self._seen else START_SECONDS
        # Between its last step and its end Lava only tidies up; what counts is on disk.
        if time.monotonic() - self._since > limit:
            if self.step == self.steps:
                logger.warning("Lava did not end after its last step and was ended")
                return True
            raise BackendError(f"Lava made no step for {limit:.0f} s {self._where()} and was ended")
        return False

    def trains(self) -> list[np.ndarray]:
        """Packed trains of the input and every layer, (samples, period, bytes): each layer's own window first."""
        trains = []
        for index in range(len(self.sizes)):
            packed = np.load(self.folder / f"spikes{index}.npy")
            own = packed[index : index + self.samples * self.period]  # layer l runs l steps behind the input
            trains.append(own.reshape(self.samples, self.period, -1))
        return trains

    def end(self) -> None:
        """End the worker's process group and remove what it left in shared memory."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.log.close()
        for block in Path("/dev/shm").glob(shared_memory_prefix(self.process.pid) + "*"):  # noqa: S108 (POSIX shared memory)
            block.unlink(missing_ok=True)

    def _where(self) -> str:
        sample = min(self.samples, self.step // self.period + 1)
        return f"at step {self.step} of {self.steps} (sample {sample} of {self.samples})"

    def _last_words(self) -> str:
        self.log.flush()
        lines = (self.folder / "log.txt").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else "none"


@contextlib.contextmanager
def _worker(
    folder: Path, path: Path, network: Network, values: np.ndarray, window: int, period: int
) -> Iterator[_Worker]:
    worker = _Worker(folder, path, network, values, window, period)
    try:
        yield worker
    finally:
        worker.end()
        shutil.rmtree(folder, ignore_errors=True)


def _watch(workers: list[_Worker], progress: Callable[[int], None]) -> None:
    reported = 0
    while True:
        done = [worker.poll() for worker in workers]
        finished = sum(worker.finished_samples for worker in workers)
        progress(finished - reported)
        reported = finished
        if all(done):
            return
        time.sleep(_POLL_SECONDS)


def _result(
    network: Network,
    values: np.ndarray,
    window: int,
    period: int,
    trains: list[list[np.ndarray]],
    steps: int,
    started: float,
    keep_trains: int,
) -> RunResult:
    seconds = time.perf_counter() - started
    layers = [np.concatenate(parts) for parts in zip(*trains, strict=True)]
    counts = [_counts(packed, size, period) for packed, size in zip(layers, network.sizes, strict=True)]
    outputs = _counts(layers[-1], network.outputs, window).astype(np.int64)
    expected = run_emulator(network, values, window, period)
    for index, tally in enumerate(expected.layers):
        differ = tally.spikes != counts[index].sum(axis=1)
        if differ.any():
            raise BackendError(
                f"Lava and the emulator differ in layer {tally.name} of sample {int(np.argmax(differ)) + 1}: "
                f"{int(counts[index][np.argmax(differ)].sum())} against {int(tally.spikes[np.argmax(differ)])} spikes"
            )
    return RunResult(
        backend="sim",
        window=window,
        period=period,
        steps=steps,
        output_counts=outputs,
        layers=tally_layers(
            network,
            counts,
            period,
            [tally.wraps for tally in expected.layers[1:]],
            [tally.clips for tally in expected.layers[1:]],
        ),
        seconds=seconds,
        trains=tuple(packed[:keep_trains] for packed in layers),
    )


def _counts(packed: np.ndarray, neurons: int, steps: int) -> np.ndarray:
    """Spikes of each neuron over the first steps of each sample: (n, neurons) int32."""
    counts = np.empty((len(packed), neurons), dtype=np.int32)
    for start in range(0, len(packed), _CHUNK):
        bits = np.unpackbits(packed[start : start + _CHUNK, :steps], axis=2, count=neurons)
        counts[start : start + _CHUNK] = bits.sum(axis=1, dtype=np.int32)
    return counts
