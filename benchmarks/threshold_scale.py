"""What a finer grid of weights does to accuracy, at equal spikes.

    .venv/bin/python benchmarks/threshold_scale.py DATA [VECTORS.npy]

The threshold scale multiplies threshold, initial weights and learning rate alike, so that only the size of the weights'
grid against the threshold changes. Paper's split, default options otherwise; measured on the emulator.

Last printed (emotion, all-MiniLM-L6-v2, 6,000 test texts, ties to the lower class): a finer grid makes no difference.

    | scale | seed | threshold | weight values used, by layer | validation | test | spikes a text, by layer |
    |---|---|---|---|---|---|---|
    | 1 | 1 | 80 | 18/16/13 | 71.3% | 71.7% | 3056/308/620/29 |
    | 1 | 2 | 80 | 17/14/13 | 71.5% | 71.2% | 3056/325/518/31 |
    | 2 | 1 | 160 | 34/30/24 | 71.7% | 70.9% | 3056/323/664/30 |
    | 2 | 2 | 160 | 34/31/23 | 71.5% | 71.7% | 3056/333/692/30 |
    | 4 | 1 | 320 | 62/56/39 | 71.9% | 71.0% | 3056/324/591/30 |
    | 4 | 2 | 320 | 66/59/45 | 71.5% | 71.1% | 3056/330/713/30 |
    | 8 | 1 | 640 | 116/107/66 | 71.9% | 71.6% | 3056/361/652/31 |
    | 8 | 2 | 640 | 122/114/82 | 71.1% | 71.1% | 3056/332/737/30 |
    | 16 | 1 | 1280 | 234/216/136 | 72.0% | 71.5% | 3056/368/756/30 |
    | 16 | 2 | 1280 | 237/221/137 | 71.7% | 71.2% | 3056/336/750/30 |
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.text.dataset import TEST
from snnlp_lava.text.sources import load_texts
from snnlp_lava.train.data import prepare_data
from snnlp_lava.train.methods.base import TrainingRun
from snnlp_lava.train.methods.make import make_method

SCALES, SEEDS = (1.0, 2.0, 4.0, 8.0, 16.0), (1, 2)


def main(data: str, vectors: Path | None) -> None:
    """Train, run and print."""
    corpus = prepare_data(load_texts(data, "text", "label"), split_scheme="paper", vectors=vectors)
    print("| scale | seed | threshold | weight values used, by layer | validation | test | spikes a text, by layer |")
    print("|---|---|---|---|---|---|---|")
    for scale in SCALES:
        for seed in SEEDS:
            usual = make_method("snn-rate").options()
            rate = usual["learning_rate"] * scale / usual["threshold_scale"]
            config = make_method("snn-rate", threshold_scale=scale, learning_rate=rate, seed=seed)
            trained = config.fit(corpus, TrainingRun("cpu"))
            assert trained.encoder is not None
            network = trained.network
            assert network is not None
            samples = EncodedSamples(corpus.features[TEST], trained.encoder, config.options()["window"])
            result = run_emulator(network, samples, config.options()["window"])
            accuracy = accuracy_and_mrr(result.output_scores, corpus.labels(TEST))["accuracy"]
            levels = "/".join(str(len(np.unique(layer.weight))) for layer in network.layers)
            spikes = "/".join(f"{tally.spikes.mean():.0f}" for tally in result.layers)
            print(
                f"| {scale:g} | {seed} | {network.layers[0].neuron.threshold} | {levels} | "
                f"{trained.scores['validation']['accuracy']:.1%} | {accuracy:.1%} | {spikes} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
