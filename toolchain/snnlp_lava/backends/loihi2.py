"""A Loihi 2 in the simulator's place: the same source and network, host, adapters, profiler and what can be read.

The source runs on the host; Lava's adapters carry its spikes to the chip and those of the last layer back, where they
are written down. Nothing else is read from the chip: the hidden layers' counts are the emulator's on the same samples,
and stand for the chip's only because its output is the emulator's, spike for spike.

Intel's extension that runs Lava on the chip (lava-loihi) is closed. What is known of it is how published programs use
it; what `loihi2_host` and `loihi2_worker` take for granted is listed in docs/loihi2.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from snnlp_lava.backends.agreement import agreed
from snnlp_lava.backends.lava_job import Board
from snnlp_lava.backends.lava_run import LavaRun, run_lava
from snnlp_lava.backends.loihi2_host import use_host
from snnlp_lava.backends.result import CHIP, EMULATOR, HOST, RunResult
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.fit import fit_network
from snnlp_lava.chip.network import Network
from snnlp_lava.encode.samples import Samples
from snnlp_lava.errors import InputError
from snnlp_lava.netx.file import read_network

logger = logging.getLogger(__name__)

START_SECONDS = 1800.0
"""Time until the first step; SLURM may let a job wait for a board."""


def run_loihi2(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    board: Board,
    *,
    keep_trains: int = 0,
    progress: Callable[[int], None] = lambda done: None,
    inspect: Callable[[Sequence[np.ndarray]], None] = lambda trains: None,
) -> RunResult:
    """Run samples through a network file on a Loihi 2, and hold its output against the emulator's.

    Parameters
    ----------
    path, network, samples, period, keep_trains, progress, inspect
        As in `snnlp_lava.backends.sim.run_sim`. Of the trains the hidden layers' are the emulator's.
    board
        Where the chip is.

    Returns
    -------
    RunResult
        `counted_by` says which layer's spikes were counted where; `metered` holds power and time if they were
        measured.

    Raises
    ------
    InputError
        If the period is no power of two, the extension is missing, the host cannot be used, or a sample cannot be made
        into spikes.
    BackendError
        If the chip's spikes are not the emulator's.
    BrokenRunError
        If the run ends early; it holds the result of the finished samples.
    """
    started = time.perf_counter()
    ran = run_board(path, network, samples, period, replace(board, metered=True), progress)
    if ran.broken is not None and not len(ran.finished) and not ran.broken.interrupted:
        # Published programs switch probes off that fail on their board.
        logger.warning("%s; trying again without Lava's profiler", ran.broken)
        ran = run_board(path, network, samples, period, board, progress)
    if ran.broken is not None and not len(ran.finished):
        raise ran.broken
    seconds = time.perf_counter() - started
    hint = "docs/loihi2.md says how to find out why"
    result = agreed("loihi2", network, samples, period, ran, hint=hint, keep_trains=keep_trains, inspect=inspect)
    counted_by = (HOST, *[EMULATOR] * (len(network.layers) - 1), CHIP)
    result = replace(result, seconds=seconds, counted_by=counted_by, metered=ran.metered)
    if ran.broken is not None:
        raise ran.broken.with_result(ran.finished, result)
    return result


def run_board(
    path: Path,
    network: Network,
    samples: Samples,
    period: int,
    board: Board,
    progress: Callable[[int], None] = lambda done: None,
) -> LavaRun:
    """Run samples on a Loihi 2: trains of the input, as the host sent it, and of the last layer.

    Raises
    ------
    InputError
        As `run_loihi2`.
    """
    check_period(path, period)
    use_host(board)
    return run_lava(
        path,
        network,
        samples,
        period,
        [np.arange(len(samples))],
        board=board,
        start_seconds=START_SECONDS,
        progress=progress,
    )


def check_board(path: Path, board: Board, *, own_period: bool = True) -> None:
    """Refuse what could not run, before texts are embedded; sets Lava's environment variables (see `use_host`).

    That a network may not fit is a warning alone, since the chip's limits are an estimate.

    Parameters
    ----------
    path
        The network file.
    board
        Where the chip is.
    own_period
        Whether samples come at the network's own period; spike trains may be longer.

    Raises
    ------
    InputError
        As `run_loihi2`.
    """
    use_host(board)
    file = read_network(path)
    if own_period and file.card is not None:
        check_period(path, file.card.period)
    for found in fit_network(file.network, CHIPS["loihi2"]).violations:
        logger.warning("network %s may not fit: %s", path, found.text)


def check_period(path: Path, period: int) -> None:
    """Refuse a period with which a Loihi 2 cannot reset its neurons.

    Raises
    ------
    InputError
        If it is no power of two.
    """
    if period & (period - 1):
        longer = 1 << period.bit_length()
        raise InputError(
            f"network {path}: a Loihi 2 resets its neurons after 2, 4, 8, ... steps, not after a period of {period}; "
            f"write it with snnlp-lava export --period {longer}, or give spike trains of {longer} steps"
        )
