"""The emulator against the bare float32 products of the same sizes, and against Lava's simulator.

    .venv/bin/python benchmarks/emulator.py [NETWORK] [SAMPLES]

Last printed (2 cores, netx_exports/demo.net; medians of 15 rounds for the products, one run of 500 samples on
Lava, its start included):

    256 samples, 768-256-128-6, window 32

    | program | median ms | times products |
    |---|---|---|
    | products | 35.6 | 1.00 |
    | emulator, 12.4% of input lines spiking | 39.4 | 1.11 |
    | emulator, 4.5% of input lines spiking | 30.9 | 0.87 |
    | emulator, 1.3% of input lines spiking | 27.6 | 0.78 |

    500 samples: emulator 2,028/s, Lava 10.0/s, ratio 203
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from inputs import drawn_samples, run_on_lava
from timing import medians, print_table

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.network.network import format_sizes
from snnlp_lava.netx.network_file import read_network

BATCH, ROUNDS = 256, 15
SPREADS = (1.0, 0.4, 0.15)


def main(path: Path, samples: int) -> None:
    """Measure and print."""
    file = read_network(path)
    network, card = file.network, file.require_card()
    weights = [layer.weight.T.astype(np.float32) for layer in network.layers]
    rows = BATCH * card.window
    inputs = [np.random.default_rng(0).random((rows, size), dtype=np.float32) for size in network.sizes[:-1]]
    inputs = [(values < 0.1).astype(np.float32) for values in inputs]
    programs = {"products": lambda: [spikes @ weight for spikes, weight in zip(inputs, weights, strict=True)]}
    for spread in SPREADS:
        presented = drawn_samples(card, BATCH, spread)
        density = presented.spikes(np.arange(BATCH)).mean()
        programs[f"emulator, {density:.1%} of input lines spiking"] = lambda presented=presented: run_emulator(
            network, presented, card.period
        )
    seconds = medians(programs, ROUNDS)
    print_table(f"{BATCH} samples, {format_sizes(network.sizes)}, window {card.window}", seconds, "products")

    presented = drawn_samples(card, samples)
    started = time.perf_counter()
    run_emulator(network, presented, card.period)
    emulated = time.perf_counter() - started
    started = time.perf_counter()
    run_on_lava(file, presented, card.period)
    simulated = time.perf_counter() - started
    print(f"\n{samples} samples: emulator {samples / emulated:,.0f}/s, Lava {samples / simulated:,.1f}/s, ", end="")
    print(f"ratio {simulated / emulated:,.0f}")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path("netx_exports/demo.net"),
        int(sys.argv[2]) if len(sys.argv) > 2 else 500,
    )
