"""One training epoch of ours, from SAF values, against a bare SLAYER loop on spike tensors that are ready.

    .venv/bin/python benchmarks/training_epoch.py

Last printed (2 cores, medians of 5 rounds, 768-256-128-6):

    an epoch of 1024 texts, batch 64, 32 steps

    | program | median ms | times bare SLAYER loop |
    |---|---|---|
    | bare SLAYER loop | 1883.1 | 1.00 |
    | snnlp-lava | 557.4 | 0.30 |
"""

from __future__ import annotations

import numpy as np
import torch
from inputs import plain_encoder
from timing import medians, print_table
from torch.nn import functional

from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.encode.saf import saf_spikes
from snnlp_lava.train.loop import Examples, fit
from snnlp_lava.train.methods.make import make_method
from snnlp_lava.train.trainer import keep_freed_memory

SIZES, TEXTS, ROUNDS = (768, 256, 128, 6), 1024, 5


def main() -> None:
    """Measure and print."""
    keep_freed_memory()
    rng = np.random.default_rng(0)
    values = (np.abs(rng.normal(size=(TEXTS, SIZES[0]))) / 3 * FIXED_ONE).clip(max=FIXED_ONE).astype(np.int32)
    values *= rng.random(values.shape) < 0.5  # an on/off code: one of each pair is silent
    labels = rng.integers(0, SIZES[-1], TEXTS)
    config = make_method("snn-rate", epochs=1)
    spikes = torch.from_numpy(saf_spikes(values, config.window)).transpose(1, 2).float().contiguous()
    targets = torch.from_numpy(labels)

    def ours() -> None:
        model = config.untrained(SIZES, plain_encoder(SIZES[0]))
        fit(model, Examples(values, labels), Examples(values[:1], labels[:1]), config)

    def bare() -> None:
        model = config.untrained(SIZES, plain_encoder(SIZES[0])).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
        order = torch.randperm(TEXTS)
        for start in range(0, TEXTS, config.batch_size):
            rows = order[start : start + config.batch_size]
            current = spikes[rows]
            for block in model.blocks:
                current = block(current)
            optimizer.zero_grad()
            functional.cross_entropy(current.sum(dim=2) / model.temperature, targets[rows]).backward()
            optimizer.step()

    seconds = medians({"bare SLAYER loop": bare, "snnlp-lava": ours}, ROUNDS)
    print_table(
        f"an epoch of {TEXTS} texts, batch {config.batch_size}, {config.window} steps", seconds, "bare SLAYER loop"
    )


if __name__ == "__main__":
    main()
