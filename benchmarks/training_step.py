"""One training step: SLAYER's own CUBA blocks, ours (the same blocks through one kernel), and the products alone.

    .venv/bin/python benchmarks/training_step.py

Last printed (2 cores, medians of 15 rounds, 384-256-128-6, batch 64, 32 steps, forward and backward):

    forward and backward, 384-256-128-6, batch 64, 32 steps

    | program | median ms | times products |
    |---|---|---|
    | SLAYER | 102.8 | 7.25 |
    | snnlp-lava | 29.2 | 2.06 |
    | products | 14.2 | 1.00 |
"""

from __future__ import annotations

import torch
from timing import medians, print_table
from torch.nn import functional

from snnlp_lava.train.config import TrainConfig
from snnlp_lava.train.spiking import SpikingClassifier

SIZES, BATCH, STEPS, ROUNDS = (384, 256, 128, 6), 64, 32, 15


def main() -> None:
    """Measure and print."""
    torch.manual_seed(0)
    model = SpikingClassifier(SIZES, TrainConfig(window=STEPS, dropout=0.05))
    spikes = (torch.rand(BATCH, STEPS, SIZES[0]) < 0.12).float()
    labels = torch.randint(0, SIZES[-1], (BATCH,))

    def step(trains: list[torch.Tensor]) -> None:
        model.zero_grad()
        functional.cross_entropy(trains[-1].sum(dim=1), labels).backward()

    def products() -> None:
        model.zero_grad()
        current = spikes
        for block in model.blocks:
            current = functional.linear(current, block.synapse.weight.flatten(1))
        functional.cross_entropy(current.sum(dim=1), labels).backward()

    seconds = medians(
        {
            "SLAYER": lambda: step(model.slayer_trains(spikes)),
            "snnlp-lava": lambda: step(model(spikes)),
            "products": products,
        },
        ROUNDS,
    )
    print_table(f"forward and backward, {'-'.join(map(str, SIZES))}, batch {BATCH}, {STEPS} steps", seconds, "products")


if __name__ == "__main__":
    main()
