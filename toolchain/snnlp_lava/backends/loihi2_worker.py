"""A Lava runtime on a Loihi 2, in the worker's process: adapters, where each Process was put, Lava's profiler."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.backends.lava_job import LavaJob
from snnlp_lava.backends.loihi2_host import use_host
from snnlp_lava.errors import BackendError, first_line
from snnlp_lava.files import write_json

if TYPE_CHECKING:
    from snnlp_lava.processes.player import SpikePlayer
    from snnlp_lava.processes.recording import Recording
    from snnlp_lava.processes.saf import SAF

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

    from snnlp_lava.processes.output import SpikeRecorder
    from snnlp_lava.processes.saf import SAF, PySAFFixed

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
        logger.warning("Lava's profiler does not start: %s", first_line(error))
        return None
    for probe in ("execution_time_probe", "energy_probe"):
        try:
            getattr(profiler, probe)(num_steps=steps)
        except Exception as error:
            logger.warning("Lava's profiler has no %s here: %s", probe, first_line(error))
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
            logger.warning("Lava's profiler tells no %s: %s", attribute, first_line(error))
            continue
        if math.isfinite(value) and value > 0:
            found[name] = value
    if found:
        write_json(job.metered_file(folder), {"by": "lava.utils.profiler", "steps": job.steps, **found})
