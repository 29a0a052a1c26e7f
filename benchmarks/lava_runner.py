"""Our Lava runner against a bare hand-written Lava script of the same network, start-up included.

    .venv/bin/python benchmarks/lava_runner.py [NETWORK] [SAMPLES]

The bare script plays ready spikes from a ring buffer into NetX and keeps the output spikes; ours makes spikes with a
SAF Process, writes down those of every layer and compares each with the emulator's. Each runs in a process of its own.

Last printed (2 cores, netx_exports/demo.net, 200 samples, 32 steps each, medians of 3 rounds):

    200 samples, 6403 steps

    | program | median ms | times bare Lava script |
    |---|---|---|
    | bare Lava script | 25378.9 | 1.00 |
    | snnlp-lava | 25880.2 | 1.02 |
    bare Lava script: 3.96 ms a step
    snnlp-lava: 4.04 ms a step
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from inputs import drawn_samples, run_on_lava
from timing import medians, print_table

from snnlp_lava.netx.network_file import read_network

ROUNDS = 3

BARE = """
import sys
import numpy as np
from lava.lib.dl import netx
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

network, spikes, period = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
net = netx.hdf5.Network(net_config=network, reset_interval=period, reset_offset=1)
source, sink = Source(data=spikes), Sink(shape=net.out.shape, buffer=spikes.shape[1])
source.s_out.connect(net.inp)
net.out.connect(sink.a_in)
net.run(condition=RunSteps(num_steps=spikes.shape[1]), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
print(int(sink.data.get().sum()))
net.stop()
"""


def main(path: Path, samples: int) -> None:
    """Measure and print."""
    file = read_network(path)
    network, card = file.network, file.require_card()
    presented = drawn_samples(card, samples)
    steps = samples * card.period + len(network.layers)
    with tempfile.TemporaryDirectory() as folder:
        spikes = np.zeros((network.inputs, steps), dtype=np.int8)
        spikes[:, : samples * card.window] = presented.spikes(np.arange(samples)).reshape(-1, network.inputs).T
        np.save(Path(folder) / "spikes.npy", spikes)
        bare = [sys.executable, "-c", BARE, str(path), str(Path(folder) / "spikes.npy"), str(card.period)]
        seconds = medians(
            {
                "bare Lava script": lambda: subprocess.run(bare, check=True, capture_output=True),
                "snnlp-lava": lambda: run_on_lava(file, presented, card.period),
            },
            ROUNDS,
        )
    print_table(f"{samples} samples, {steps} steps", seconds, "bare Lava script")
    for name, value in seconds.items():
        print(f"{name}: {value / steps * 1e3:.2f} ms a step")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path("netx_exports/demo.net"),
        int(sys.argv[2]) if len(sys.argv) > 2 else 200,
    )
