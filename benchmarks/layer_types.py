"""The emulator against NetX on Lava's simulator, for each layer type by itself and for PilotNet.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 .venv/bin/python benchmarks/layer_types.py [PILOTNET.net]

A row is one layer of 256 neurons (a convolution of 4,096) behind its input, a tenth of whose lines spike; the emulator
runs 32 samples of 64 steps, Lava 200 steps (PilotNet 12) after its first one, which starts the processes.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from snnlp_lava.lava_compat import make_lava_importable
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.netx.network_file import read_network, write_network

SAMPLES, STEPS = 32, 64
RNG = np.random.default_rng(0)


def even(*shape: int) -> np.ndarray:
    """Weights of both signs."""
    return 2 * RNG.integers(-20, 21, shape)


def cuba(count: int) -> Neuron:
    """Neurons that keep some of u and v."""
    return Neuron(np.zeros(count), 1024, 128, 80)


def networks() -> dict[str, Network]:
    """One of each layer type."""
    space = Geometry((8, 32, 32), (3, 3), 16, stride=(2, 2), padding=(1, 1))
    places = 16 * 16 * 16
    return {
        "dense": Network((Dense(even(256, 256), cuba(256)),)),
        "dense with delays": Network((Dense(even(256, 256), cuba(256), RNG.integers(0, 63, (256, 256))),)),
        "dense_rec": Network((RecurrentDense(even(256, 256), even(256, 256), cuba(256)),)),
        "conv": Network((Conv(even(16, 8, 3, 3), cuba(places), space),)),
        "input": Network((Input((256,), cuba(256)),)),
        "sigma-delta dense": Network((Dense(even(256, 256), SigmaDelta(np.zeros(256), 9)),)),
        "sigma-delta conv": Network((Conv(even(16, 8, 3, 3), SigmaDelta(np.zeros(places), 9), space),)),
    }


def emulated(network: Network, samples: int) -> float:
    """Steps of samples a second; the second of two runs, after compilation."""
    arriving = (RNG.random((samples, STEPS, network.inputs)) < 0.1).astype(np.uint8)
    if network.layers[0].takes_values:
        arriving = 40 * arriving.astype(np.int32)
    network.run(arriving[:1])
    started = time.perf_counter()
    network.run(arriving)
    return samples * STEPS / (time.perf_counter() - started)


def simulated(path: Path, network: Network, steps: int) -> float:
    """Steps a second on Lava."""
    from lava.lib.dl import netx
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc import io

    loaded = netx.hdf5.Network(net_config=str(path))
    loaded.net_config.f.close()
    first = loaded.layers[0]
    if hasattr(first, "synapse"):
        spikes = (RNG.random((*loaded.inp.shape, STEPS)) < 0.1).astype(int)
        io.source.RingBuffer(data=spikes).s_out.connect(loaded.inp)
    else:
        first.neuron.bias_mant.init = RNG.integers(0, 60, first.shape)
    config = Loihi2SimCfg(select_tag="fixed_pt")
    try:
        loaded.run(condition=RunSteps(num_steps=1), run_cfg=config)
        started = time.perf_counter()
        loaded.run(condition=RunSteps(num_steps=steps), run_cfg=config)
        return steps / (time.perf_counter() - started)
    finally:
        loaded.stop()


def main(pilotnet: Path) -> None:
    """Measure and print."""
    make_lava_importable()
    import lava.magma.runtime.message_infrastructure.multiprocessing  # noqa: F401, sets a start method, as numba does

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    rows = [(name, network, SAMPLES, 200) for name, network in networks().items()]
    if pilotnet.is_file():
        rows.append(("PilotNet", read_network(pilotnet).network, 8, 12))
    print("| layer | emulator, steps/s | Lava, steps/s | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, network, samples, steps in rows:
            path = Path(folder) / "a.net"
            write_network(path, network, None)
            fast, slow = emulated(network, samples), simulated(path, network, steps)
            print(f"| {name} | {fast:,.0f} | {slow:,.1f} | {fast / slow:,.0f} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("../shared/data/netx/pilotnet-lif.net"))
