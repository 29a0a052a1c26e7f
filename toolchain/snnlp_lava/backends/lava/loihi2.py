"""Run networks on a Loihi 2 through Lava: host configuration, adapters, profiler.

The source runs on the host; Lava's adapters send its spikes to the chip and return those of the last layer, which are
recorded. Nothing else is read from the chip: the counts of hidden layers are the emulator's on the same samples, which
is justified only if the chip's output equals the emulator's spike for spike.

Intel's extension that runs Lava on the chip (lava-loihi) is closed source. This module uses it as published programs
do; docs/loihi2.md lists its assumptions.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import numpy as np

from snnlp_lava.backends.base import Backend, Metered, Recording
from snnlp_lava.backends.lava.job import LavaJob, Loihi2Board
from snnlp_lava.backends.lava.process import run_lava
from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.errors import BackendError, InputError, one_line
from snnlp_lava.extras import require
from snnlp_lava.files import write_json
from snnlp_lava.progress import AdvanceCallback, no_advance
from snnlp_lava.records import Record, opt

if TYPE_CHECKING:
    from snnlp_lava.backends.lava.processes import recorders
    from snnlp_lava.backends.lava.processes.sources import SAF, Player
    from snnlp_lava.encode.base import Samples
    from snnlp_lava.netx.network_file import NetworkFile

logger = logging.getLogger(__name__)

Generation = Literal["N3B2", "N3B3", "N3C1", "N3D1"]
GENERATIONS: tuple[str, ...] = get_args(Generation)
"""The Loihi 2 members of `lava.utils.loihi.ChipGeneration`."""

START_TIMEOUT = 1800.0
"""Seconds until the first step; SLURM may let a job wait for a board."""


class Loihi2Options(Record, frozen=True):
    """How to reach a Loihi 2; for None, Lava's environment variables apply."""

    host: Annotated[Literal["slurm", "ethernet"] | None, opt("How the board is reached.")] = None
    partition: Annotated[str | None, opt("SLURM's partition.  [default: $PARTITION]")] = None
    board: Annotated[str | None, opt("SLURM's board, or the address of an Ethernet host.")] = None
    chip_generation: Annotated[Generation | None, opt("The chip's generation.  [default: $LOIHI_GEN, or N3B3]")] = None


class Loihi2(Backend):
    """A Loihi 2: the input is recorded on the host, the output is read from the chip."""

    name: ClassVar[str] = "loihi2"
    help: ClassVar[str] = "the chip, with Intel's extension"
    options: ClassVar[type[Record]] = Loihi2Options
    batch: ClassVar[int] = 1 << 16
    hint: ClassVar[str] = "docs/loihi2.md says how to find out why"

    def __init__(self, options: Loihi2Options) -> None:
        self._board = Loihi2Board(options.host, options.partition, options.board, options.chip_generation)

    def check(self, file: NetworkFile, period: int) -> None:
        """Raise an InputError for what cannot run; as `Backend.check`.

        A network that may not fit only causes a warning, since the chip's limits are an estimate.
        """
        check_installed()
        check_period(file.path, period)
        for number, layer in enumerate(file.network.layers, start=1):
            if layer.takes_values or layer.neuron.graded:
                raise InputError(
                    f"network {file.path}: layer {number} ({layer.kind}, {layer.neuron.model}) takes values or sends "
                    "messages; the adapters to and from a chip carry spikes only: use --backend sim or emulator"
                )
            if layer.keeps_spikes:
                raise InputError(
                    f"network {file.path}: layer {number} ({layer.kind}) has feedback or delays; a chip resets "
                    "neurons, not spikes under way, so samples would not be independent: use --backend sim or emulator"
                )
        for found in map_network(file.network, CHIPS["loihi2"]).violations:
            logger.warning("network %s may not fit: %s", file.path, found.text)

    def record(self, file: NetworkFile, samples: Samples, period: int, progress: AdvanceCallback) -> Recording:
        """Run samples with Lava's profiler, and again without it if no sample was finished; as `Backend.record`."""
        found = run_board(file, samples, period, replace(self._board, metered=True), progress)
        if found.broken is not None and not len(found.finished) and not found.interrupted:
            # Published programs turn off probes that fail on their board.
            logger.warning("%s; trying again without Lava's profiler", found.broken)
            found = run_board(file, samples, period, self._board, progress)
        return found


def run_board(
    file: NetworkFile, samples: Samples, period: int, board: Loihi2Board, progress: AdvanceCallback = no_advance
) -> Recording:
    """Run samples on a board; parameters and errors as in `Backend.record`."""
    check_period(file.path, period)
    configure_host(board)
    return run_lava(
        file.path,
        file.network,
        samples,
        period,
        [np.arange(len(samples))],
        board=board,
        start_timeout=START_TIMEOUT,
        progress=progress,
    )


def check_installed() -> None:
    """Raise an InputError unless Lava and Intel's extension are installed.

    Raises
    ------
    InputError
        If one is not.
    """
    require("lava")
    from lava.utils import loihi

    if not loihi.is_installed():
        raise InputError(
            "a Loihi 2 needs Intel's closed extension lava-loihi, for members of its research community (INRC), which "
            "is not installed; --backend sim gives the same spikes, check --chip loihi2 says whether a network fits"
        )


def configure_host(board: Loihi2Board) -> None:
    """Set Lava's environment variables for a board; variables of unset fields stay unchanged.

    Raises
    ------
    InputError
        If Intel's extension is not installed, or the host cannot be used.
    """
    check_installed()
    if board.host is None and not (board.partition or board.name or board.chip_generation):
        return
    host = board.host or ("ethernet" if {"NOSLURM", "NXSDKHOST"} & os.environ.keys() else "slurm")
    try:
        if host == "slurm":
            _use_slurm(board)
        else:
            _use_ethernet(board)
    except (ImportError, OSError, ValueError) as error:
        raise InputError(f"--host {host}: {one_line(error)}") from error


def _use_slurm(board: Loihi2Board) -> None:
    from lava.utils import loihi

    partition = board.partition or os.environ.get("PARTITION")
    name = board.name or os.environ.get("BOARD")
    loihi.use_slurm_host(loihi_gen=_generation(board))
    # Lava 0.10.0 deletes both if they are not passed, and fails on the last line of sinfo if they are.
    for variable, value in (("PARTITION", partition), ("BOARD", name)):
        if value:
            os.environ[variable] = value


def _use_ethernet(board: Loihi2Board) -> None:
    from lava.utils import loihi

    if board.partition:
        raise InputError(f"--partition {board.partition} only applies to --host slurm, not ethernet")
    address = board.name or os.environ.get("NXSDKHOST")
    if not address:
        raise InputError("--host ethernet needs the host's address: --board ADDRESS, or NXSDKHOST")
    binary = os.environ.get("HOST_BINARY")
    path = {"host_binary_path": binary} if binary else {}
    loihi.use_ethernet_host(address, loihi_gen=_generation(board), **path)


def _generation(board: Loihi2Board) -> Any:
    from lava.utils.loihi import ChipGeneration

    name = board.chip_generation or os.environ.get("LOIHI_GEN") or "N3B3"
    if name not in GENERATIONS:
        raise InputError(f"LOIHI_GEN {name!r} is not a Loihi 2 (known: {', '.join(GENERATIONS)})")
    return ChipGeneration[name]


def check_period(path: Path, period: int) -> None:
    """Raise an InputError for a period with which a Loihi 2 cannot reset its neurons.

    Raises
    ------
    InputError
        If it is not a power of two.
    """
    if period & (period - 1):
        longer = 1 << period.bit_length()
        raise InputError(
            f"network {path}: a Loihi 2 resets its neurons after 2, 4, 8, ... steps, not after a period of {period}; "
            f"export it with snnlp-lava export --period {longer}, or use spike trains of {longer} steps"
        )


def run_on_board(job: LavaJob, folder: Path, source: SAF | Player, network: Any, output: recorders.Recording) -> None:
    """Run a job on a Loihi 2.

    Parameters
    ----------
    job, folder
        The job and its folder.
    source
        The Process on the host that sends the input's spikes.
    network
        The NetX network, not yet connected.
    output
        The file that receives the last layer's spikes.

    Raises
    ------
    BackendError
        If Lava found no chip model for a layer and would run it on the host.
    """
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2HwCfg
    from lava.proc.embedded_io.spike import NxToPyAdapter, PyToNxAdapter

    from snnlp_lava.backends.lava.processes.recorders import SpikeRecorder
    from snnlp_lava.backends.lava.processes.sources import SAF, PySAFFixed

    assert job.board is not None
    configure_host(job.board)  # the environment is inherited, but Lava also keeps the host type in a module variable
    to_chip, from_chip = PyToNxAdapter(shape=network.inp.shape), NxToPyAdapter(shape=network.out.shape)
    recorder = SpikeRecorder(neurons=job.sizes[-1], recording=output)
    source.s_out.connect(to_chip.inp)
    to_chip.out.connect(network.inp)
    network.out.connect(from_chip.inp)
    from_chip.out.connect(recorder.a_in)
    # No tag is requested: with one, Lava selects a CPU model if the chip's model lacks the tag.
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
    """Check that every synapse and neuron runs on the chip: otherwise Lava silently falls back to a CPU model."""
    from lava.magma.core.resources import Loihi2NeuroCore, NeuroCore

    for number, layer in enumerate(network.layers, start=1):
        for process in (layer.synapse, layer.neuron):
            model = process.model_class
            if not {NeuroCore, Loihi2NeuroCore} & {need for need in model.required_resources if isinstance(need, type)}:
                raise BackendError(
                    f"layer {number}: Lava has no model of {type(process).__name__} for Loihi 2 here and would run "
                    f"it on the host ({model.__name__}); is lava-loihi of the same version as lava-nc?"
                )


def _profiler(config: Any, steps: int) -> Any:
    """Return Lava's profiler with its available probes; None if there are none."""
    try:
        from lava.utils.profiler import Profiler

        profiler = Profiler.init(config)
    except Exception as error:  # closed source; a run should not fail because of it
        logger.warning("Lava's profiler cannot start: %s", one_line(error))
        return None
    for probe in ("execution_time_probe", "energy_probe"):
        try:
            getattr(profiler, probe)(num_steps=steps)
        except Exception as error:
            logger.warning("Lava's profiler cannot provide %s: %s", probe, one_line(error))
    return profiler


_METERED = {
    "seconds": "execution_time",
    "watts": "power",
    "static_watts": "static_power",
    "joules": "energy",
    "static_joules": "static_energy",
}
"""Our names of the measurements, with units, mapped to the profiler's; published programs print these units."""


def _write_metered(profiler: Any, job: LavaJob, folder: Path) -> None:
    found: dict[str, float] = {}
    for name, attribute in _METERED.items():
        try:
            value = float(np.sum(getattr(profiler, attribute)))
        except Exception as error:
            logger.warning("Lava's profiler cannot report %s: %s", attribute, one_line(error))
            continue
        if math.isfinite(value) and value > 0:
            found[name] = value
    if found:
        metered = Metered.of(by="lava.utils.profiler", samples=job.samples, steps=job.steps, **found)
        write_json(job.metered_file(folder), metered.to_dict())
