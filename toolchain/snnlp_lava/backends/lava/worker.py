"""Run one Lava runtime in its own process: ``python -m snnlp_lava.backends.lava.worker JOB_FOLDER``."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import warnings
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

from snnlp_lava.backends.lava.job import LavaJob, remove_shared_memory, shared_memory_prefix
from snnlp_lava.extras import require

MESSAGE_BITS = 16
"""Of a graded input, as NetX takes it."""


def main(folder: Path) -> None:
    """Run the job of a folder."""
    _end_with_parent(folder)
    # Lava creates all its shared memory by SharedMemory() without a name, in this process or its children.
    shared_memory._SHM_NAME_PREFIX = "/" + shared_memory_prefix(os.getpid())  # type: ignore[attr-defined]
    run_job(LavaJob.read(folder), folder)


def run_job(job: LavaJob, folder: Path) -> None:
    """Build the source and the NetX network, and run them for the job's steps."""
    require("lava")
    from lava.lib.dl import netx
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.lif.process import LIFReset

    from snnlp_lava.backends.lava.processes.neurons import biased_input, recording_neuron
    from snnlp_lava.backends.lava.processes.recorders import Recording
    from snnlp_lava.backends.lava.processes.sources import SAF, Player
    from snnlp_lava.backends.lava.processes.synapses import forgetting_synapses

    step_file = job.step_file(folder)
    recordings = [Recording(file, step_file, index) for index, file in enumerate(job.train_files(folder))]
    # A source feeds the network directly, so the first layer's window begins one step behind the source's.
    own_values = job.source == "values"
    offset = 0 if own_values else 1 + (job.board.input_delay if job.board is not None else 0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reset is not supported with Sigma Delta")  # `recording_neuron` resets them
        network = netx.hdf5.Network(
            net_config=job.network,
            reset_interval=job.period,
            reset_offset=offset,
            input_message_bits=MESSAGE_BITS if job.graded[0] else 0,
        )
    network.net_config.f.close()  # NetX does not close its file
    source: SAF | Player | None = None
    values, first = job.input(folder), None if own_values else recordings.pop(0)
    if job.source == "saf":
        source = SAF(values=values, window=job.window, period=job.period, recording=first, **job.schedule(folder))
    elif not own_values:
        source = Player(trains=values, shape=network.inp.shape, period=job.period, recording=first)
    if job.board is not None:
        from snnlp_lava.backends.lava.loihi2 import run_on_board

        assert source is not None  # `Loihi2.check` refuses values
        run_on_board(job, folder, source, network, recordings[-1])
        return
    models: dict[Any, type] = {}
    for layer, recording, delay in zip(network.layers, recordings, job.delays[-len(recordings) :], strict=True):
        window = (delay + 1, job.period)  # Lava counts steps from 1
        read_out = job.read_out and layer is network.layers[-1]
        models[layer.neuron] = recording_neuron(layer.neuron, recording, *window, voltage=read_out)
        models |= forgetting_synapses(layer, *window)
    neuron = network.layers[0].neuron
    if source is not None:
        source.s_out.connect(network.inp)
    elif isinstance(neuron, LIFReset):
        models[neuron] = biased_input(models[neuron], values, 1, job.period)
    else:
        source = Player(trains=values, shape=neuron.a_in.shape, period=job.period, recording=None)
        source.s_out.connect(neuron.a_in)  # to NetX's input block, which passes nothing on, Lava cannot compile it
    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models)
    try:
        (source or network).run(condition=RunSteps(num_steps=job.steps), run_cfg=config)
    finally:
        (source or network).stop()


def _end_with_parent(folder: Path) -> None:
    """Kill this process group when the parent dies, which closes our standard input, and clean up for it."""
    # Not through sys.stdin: its lock, held by a thread here, would hang every child that closes it.
    descriptor = sys.stdin.fileno()

    def watch() -> None:
        while os.read(descriptor, 1):
            pass
        remove_shared_memory(os.getpid())
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # raised while there is another worker's folder
            folder.parent.rmdir()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
