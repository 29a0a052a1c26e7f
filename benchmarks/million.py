"""A million samples through the emulator: the rate, and the most memory that was needed.

.venv/bin/python benchmarks/million.py [NETWORK] [SAMPLES]
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.samples import EncodedSamples
from snnlp_lava.netx.file import read_complete_network


class DrawnVectors:
    """Vectors that are drawn when they are asked for, so that only what the emulator keeps takes memory."""

    def __init__(self, samples: int, dimension: int) -> None:
        self.samples, self.dimension = samples, dimension

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return np.random.default_rng(int(rows[0])).normal(size=(len(rows), self.dimension)).astype(np.float32) * 0.05


def main(path: Path, samples: int) -> None:
    """Run and print."""
    network, card = read_complete_network(path)
    vectors = DrawnVectors(samples, card.encoder.dimension)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    result = run_emulator(network, EncodedSamples(vectors, card.encoder, card.window), card.period)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{result.samples:,} samples in {seconds:,.0f} s, {result.samples / seconds:,.0f}/s")
    print(f"most resident memory: {before:,.0f} MB before, {peak:,.0f} MB after")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path("netx_exports/demo.net"),
        int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000,
    )
