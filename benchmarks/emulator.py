"""The emulator against the bare float32 products of the same sizes, and against Lava's simulator.

    .venv/bin/python benchmarks/emulator.py [NETWORK] [SAMPLES]

Last printed (2 cores, netx_exports/demo.net, 768-256-128-6, window 32; medians of 9 rounds for the products, one run of
500 samples on Lava, its start included):

    256 samples, 768-256-128-6, window 32

    | program | median ms | times products |
    |---|---|---|
    | emulator | 64.1 | 2.19 |
    | products | 29.3 | 1.00 |

    500 samples: emulator 1,620/s, Lava 10.9/s, ratio 149
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from timing import medians, print_table

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.sim import run_sim
from snnlp_lava.netx.file import read_network

BATCH, ROUNDS = 256, 9


def main(path: Path, samples: int) -> None:
    """Measure and print."""
    file = read_network(path)
    assert file.card is not None
    network, card = file.network, file.card
    # Vectors as the calibration expects them: each dimension normal about its mean.
    rng = np.random.default_rng(0)
    spread = (
        np.where(card.calibration.gain > 0, 1 / np.where(card.calibration.gain > 0, card.calibration.gain, 1), 0) / 3
    )
    mean = -card.calibration.offset * spread * 3
    values = card.calibration(mean + rng.normal(size=(samples, len(mean))) * spread)
    batch = values[:BATCH]

    weights = [layer.weight.T.astype(np.float32) for layer in network.layers]
    inputs = [(rng.random((BATCH * card.window, size)) < 0.1).astype(np.float32) for size in network.sizes[:-1]]
    seconds = medians(
        {
            "emulator": lambda: run_emulator(network, batch, card.window, card.period),
            "products": lambda: [spikes @ weight for spikes, weight in zip(inputs, weights, strict=True)],
        },
        ROUNDS,
    )
    print_table(f"{BATCH} samples, {'-'.join(map(str, network.sizes))}, window {card.window}", seconds, "products")

    started = time.perf_counter()
    run_emulator(network, values, card.window, card.period)
    emulated = time.perf_counter() - started
    started = time.perf_counter()
    run_sim(path, network, values, card.window, card.period)
    simulated = time.perf_counter() - started
    print(f"\n{samples} samples: emulator {samples / emulated:,.0f}/s, Lava {samples / simulated:,.1f}/s, ", end="")
    print(f"ratio {simulated / emulated:,.0f}")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path("netx_exports/demo.net"),
        int(sys.argv[2]) if len(sys.argv) > 2 else 500,
    )
