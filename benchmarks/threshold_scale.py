"""What a finer grid of weights does to accuracy, at equal spikes.

    .venv/bin/python benchmarks/threshold_scale.py DATA [VECTORS.npy]

The threshold scale multiplies threshold, initial weights and learning rate alike, so that only the size of the weights'
grid against the threshold changes. Paper's split, default options otherwise; measured on the emulator.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.samples import EncodedSamples
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.text.sources import load_texts
from snnlp_lava.text.split import TEST
from snnlp_lava.train.config import TrainConfig
from snnlp_lava.train.session import Origin, prepare, train_classifier
from snnlp_lava.train.spiking import SpikingClassifier

SCALES, SEEDS = (1.0, 2.0, 4.0, 8.0, 16.0), (1, 2)


def main(data: str, vectors: Path | None) -> None:
    """Train, run and print."""
    corpus = prepare(load_texts(data, "text", "label"), TrainConfig(), "paper", None, Origin(vectors=vectors))
    print("| scale | seed | threshold | weight values used, by layer | validation | test | spikes a text, by layer |")
    print("|---|---|---|---|---|---|---|")
    for scale in SCALES:
        for seed in SEEDS:
            rate = TrainConfig.learning_rate * scale / TrainConfig.threshold_scale
            config = TrainConfig(threshold_scale=scale, learning_rate=rate, seed=seed)
            trained = train_classifier(corpus, config, "cpu", None)
            assert trained.encoder is not None
            module = SpikingClassifier(trained.sizes, config, trained.encoder)
            module.load_state_dict({name: torch.from_numpy(value) for name, value in trained.state.items()})
            network = module.to_network()
            samples = EncodedSamples(corpus.features[TEST], trained.encoder, config.window)
            result = run_emulator(network, samples, config.window)
            accuracy = accuracy_and_mrr(result.output_scores, corpus.labels(TEST))["accuracy"]
            levels = "/".join(str(len(np.unique(layer.weight))) for layer in network.layers)
            spikes = "/".join(f"{tally.spikes.mean():.0f}" for tally in result.layers)
            print(
                f"| {scale:g} | {seed} | {network.layers[0].threshold} | {levels} | "
                f"{trained.scores['validation']['accuracy']:.1%} | {accuracy:.1%} | {spikes} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None)
