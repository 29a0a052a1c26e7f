"""Lava's CPU simulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from snnlp_lava.backends.base import RunResult
from snnlp_lava.backends.compare import agreed
from snnlp_lava.backends.lava.process import LavaRun, run_lava
from snnlp_lava.encode.base import Samples
from snnlp_lava.network.network import Network


def run_sim(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    *,
    jobs: int = 1,
    keep_trains: int = 0,
    progress: Callable[[int], None] = lambda done: None,
    inspect: Callable[[Sequence[np.ndarray]], None] = lambda trains: None,
) -> RunResult:
    """Run samples through a network file on Lava's CPU simulator, and hold every spike against the emulator's.

    Each worker compiles one runtime for its share of the samples and presents them one after another.

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
    inspect
        As in `snnlp_lava.backends.emulator.run_emulator`.

    Raises
    ------
    InputError
        If a sample cannot be made into spikes, or the job cannot be written.
    BackendError
        If a spike is not the emulator's.
    BrokenRunError
        If a worker crashes or hangs or the run is interrupted; it holds the result of the finished samples.
    """
    started = time.perf_counter()
    ran = run_simulator(path, network, samples, period, jobs, progress)
    if ran.broken is not None and not len(ran.finished):
        raise ran.broken
    seconds = time.perf_counter() - started
    hint = "snnlp-lava verify shows where"
    result = agreed("sim", network, samples, period, ran, hint=hint, keep_trains=keep_trains, inspect=inspect)
    result = replace(result, seconds=seconds)
    if ran.broken is not None:
        raise ran.broken.with_result(ran.finished, result)
    return result


def run_simulator(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> LavaRun:
    """Run samples on the simulator and read every spike; parameters as in `run_sim`.

    Raises
    ------
    InputError
        As `run_sim`.
    """
    shares = np.array_split(np.arange(len(samples)), min(jobs, len(samples)))
    return run_lava(path, network, samples, period, shares, progress=progress)
