"""Run one Lava runtime in its own process: ``python -m snnlp_lava.backends.lava.worker JOB_FOLDER``."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
from multiprocessing import shared_memory
from pathlib import Path

from snnlp_lava.backends.lava.job import LavaJob, remove_shared_memory, shared_memory_prefix
from snnlp_lava.extras import require


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

    from snnlp_lava.backends.lava.processes.recorders import Recording, recording_lif
    from snnlp_lava.backends.lava.processes.sources import SAF, SpikePlayer
    from snnlp_lava.backends.lava.processes.synapses import forgetting_synapses

    step_file = job.step_file(folder)
    first, *others = [Recording(file, step_file, layer) for layer, file in enumerate(job.train_files(folder))]
    source: SAF | SpikePlayer
    if job.saf:
        source = SAF(
            values=job.input(folder), window=job.window, period=job.period, recording=first, **job.schedule(folder)
        )
    else:
        source = SpikePlayer(trains=job.input(folder), channels=job.sizes[0], period=job.period, recording=first)
    # The source feeds the network directly, so the first layer's window begins one step behind the source's.
    offset = 1 + (job.board.input_delay if job.board is not None else 0)
    network = netx.hdf5.Network(net_config=job.network, reset_interval=job.period, reset_offset=offset)
    network.net_config.f.close()  # NetX does not close its file
    if job.board is not None:
        from snnlp_lava.backends.lava.loihi2 import run_on_board

        run_on_board(job, folder, source, network, others[-1])
        return
    source.s_out.connect(network.inp)
    models = {layer.neuron: recording_lif(recording) for layer, recording in zip(network.layers, others, strict=True)}
    models |= forgetting_synapses(network.layers, job.period)
    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=models)
    try:
        source.run(condition=RunSteps(num_steps=job.steps), run_cfg=config)
    finally:
        source.stop()


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
