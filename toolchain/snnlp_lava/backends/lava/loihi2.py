"""A Loihi 2 in the simulator's place: the same source and network, host, adapters, profiler and what can be read.

The source runs on the host; Lava's adapters carry its spikes to the chip and those of the last layer back, where they
are written down. Nothing else is read from the chip: the hidden layers' counts are the emulator's on the same samples,
and stand for the chip's only because its output is the emulator's, spike for spike.

Intel's extension that runs Lava on the chip (lava-loihi) is closed. What is known of it is how published programs use
it; what it takes for granted is listed in docs/loihi2.md.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.backends.base import CHIP, EMULATOR, HOST, RunResult
from snnlp_lava.backends.compare import agreed
from snnlp_lava.backends.lava.job import Board, LavaJob
from snnlp_lava.backends.lava.process import LavaRun, run_lava
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.encode.base import Samples
from snnlp_lava.errors import BackendError, InputError, one_line
from snnlp_lava.files import write_json
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import read_network

if TYPE_CHECKING:
    from snnlp_lava.backends.lava.processes.recorders import Recording
    from snnlp_lava.backends.lava.processes.sources import SAF, SpikePlayer

GENERATIONS = ("N3B2", "N3B3", "N3C1", "N3D1")
"""Loihi 2 among `lava.utils.loihi.ChipGeneration`."""


def use_host(board: Board) -> None:
    """Set Lava's environment variables as a board says; what it does not say stays as it is.

    Raises
    ------
    InputError
        If Intel's extension is not installed, or the host cannot be used.
    """
    from lava.utils import loihi

    if not loihi.is_installed():
        raise InputError(
            "a Loihi 2 needs Intel's closed extension lava-loihi, for members of its research community (INRC), which "
            "is not installed; --backend sim gives the same spikes, check --chip loihi2 says whether a network fits"
        )
    if board.host is None and not (board.partition or board.name or board.generation):
        return
    host = board.host or ("ethernet" if {"NOSLURM", "NXSDKHOST"} & os.environ.keys() else "slurm")
    try:
        if host == "slurm":
            _use_slurm(board)
        else:
            _use_ethernet(board)
    except (ImportError, OSError, ValueError) as error:
        raise InputError(f"--host {host}: {one_line(error)}") from error


def _use_slurm(board: Board) -> None:
    from lava.utils import loihi

    partition = board.partition or os.environ.get("PARTITION")
    name = board.name or os.environ.get("BOARD")
    loihi.use_slurm_host(loihi_gen=_generation(board))
    # Lava takes both away when they are not given, and fails on the last line of sinfo when they are (0.10.0).
    for variable, value in (("PARTITION", partition), ("BOARD", name)):
        if value:
            os.environ[variable] = value


def _use_ethernet(board: Board) -> None:
    from lava.utils import loihi

    if board.partition:
        raise InputError(f"--partition {board.partition} belongs to --host slurm")
    address = board.name or os.environ.get("NXSDKHOST")
    if not address:
        raise InputError("--host ethernet needs the host's address: --board ADDRESS, or NXSDKHOST")
    binary = os.environ.get("HOST_BINARY")
    path = {"host_binary_path": binary} if binary else {}
    loihi.use_ethernet_host(address, loihi_gen=_generation(board), **path)


def _generation(board: Board) -> Any:
    from lava.utils.loihi import ChipGeneration

    name = board.generation or os.environ.get("LOIHI_GEN") or "N3B3"
    if name not in GENERATIONS:
        raise InputError(f"LOIHI_GEN {name!r} is no Loihi 2 (known: {', '.join(GENERATIONS)})")
    return ChipGeneration[name]


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
        As in `snnlp_lava.backends.lava.sim.run_sim`. Of the trains the hidden layers' are the emulator's.
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
    for found in map_network(file.network, CHIPS["loihi2"]).violations:
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


logger = logging.getLogger(__name__)


def run_on_board(job: LavaJob, folder: Path, source: SAF | SpikePlayer, network: Any, output: Recording) -> None:
    """Run a job on a Loihi 2.

    Parameters
    ----------
    job, folder
        The job and its folder.
    source
        What sends the input's spikes, on the host.
    network
        NetX's network, not yet connected.
    output
        Where the last layer's spikes go.

    Raises
    ------
    BackendError
        If Lava found no model for the chip and would compute a layer on the host.
    """
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2HwCfg
    from lava.proc.embedded_io.spike import NxToPyAdapter, PyToNxAdapter

    from snnlp_lava.backends.lava.processes.recorders import SpikeRecorder
    from snnlp_lava.backends.lava.processes.sources import SAF, PySAFFixed

    assert job.board is not None
    use_host(job.board)  # the variables are here already; Lava remembers in the module, too, which host it was
    to_chip, from_chip = PyToNxAdapter(shape=network.inp.shape), NxToPyAdapter(shape=network.out.shape)
    recorder = SpikeRecorder(neurons=job.sizes[-1], recording=output)
    source.s_out.connect(to_chip.inp)
    to_chip.out.connect(network.inp)
    network.out.connect(from_chip.inp)
    from_chip.out.connect(recorder.a_in)
    # No tag is asked for: with one Lava takes a model for the CPU where the chip's does not carry it.
    config = Loihi2HwCfg(exception_proc_model_map={SAF: PySAFFixed})
    profiler = _profiler(config, job.steps) if job.board.metered else None
    try:
        executable = source.compile(run_cfg=config)
        _check_placement(network)
        source.create_runtime(executable=executable)
        source.run(condition=RunSteps(num_steps=job.steps))
        if profiler is not None:
            _write_metered(profiler, job, folder)
    finally:
        source.stop()


def _check_placement(network: Any) -> None:
    """Make sure that every synapse and neuron is on the chip: Lava silently takes a model for the CPU else."""
    from lava.magma.core.resources import Loihi2NeuroCore, NeuroCore

    for number, layer in enumerate(network.layers, start=1):
        for process in (layer.synapse, layer.neuron):
            model = process.model_class
            if not {NeuroCore, Loihi2NeuroCore} & {need for need in model.required_resources if isinstance(need, type)}:
                raise BackendError(
                    f"layer {number}: Lava has no model of {type(process).__name__} for Loihi 2 here and would compute "
                    f"it on the host ({model.__name__}); is lava-loihi of the same version as lava-nc?"
                )


def _profiler(config: Any, steps: int) -> Any:
    """Lava's profiler with the probes that it has; None if it has none."""
    try:
        from lava.utils.profiler import Profiler

        profiler = Profiler.init(config)
    except Exception as error:  # it is closed, and no run should fail for it
        logger.warning("Lava's profiler does not start: %s", one_line(error))
        return None
    for probe in ("execution_time_probe", "energy_probe"):
        try:
            getattr(profiler, probe)(num_steps=steps)
        except Exception as error:
            logger.warning("Lava's profiler has no %s here: %s", probe, one_line(error))
    return profiler


_METERED = {
    "seconds": "execution_time",
    "watts": "power",
    "static_watts": "static_power",
    "joules": "energy",
    "static_joules": "static_energy",
}
"""Our names of what is metered, with their units, to the profiler's; published programs print them in these units."""


def _write_metered(profiler: Any, job: LavaJob, folder: Path) -> None:
    found: dict[str, float] = {}
    for name, attribute in _METERED.items():
        try:
            value = float(np.sum(getattr(profiler, attribute)))
        except Exception as error:
            logger.warning("Lava's profiler tells no %s: %s", attribute, one_line(error))
            continue
        if math.isfinite(value) and value > 0:
            found[name] = value
    if found:
        write_json(job.metered_file(folder), {"by": "lava.utils.profiler", "steps": job.steps, **found})
