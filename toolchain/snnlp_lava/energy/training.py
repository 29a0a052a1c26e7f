"""What a training took, by formula: an estimate of its own, never part of what a text costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from snnlp_lava.energy.ledger import Entry, Ledger
from snnlp_lava.train.config import ANN, SPIKE_EMBEDDING, TrainConfig


def training_ledger(config: TrainConfig, sizes: Sequence[int], rows: Mapping[str, int], macs_of_text: float) -> Ledger:
    """MACs of a training, all its epochs together.

    Dense products, as SLAYER computes them whether lines spike or not: T steps times the products of neighbouring
    sizes, for each text and epoch, forward; backward once as many for the gradients of the weights, and once as many
    for those of each layer's input, but for the first layer's, which nobody needs. Each epoch also runs the
    validation texts forward. A spike embedding learns from spike counts, so T is 1; the regressions that choose its
    words and codes are not counted. Nor are neurons, losses and the optimizer.

    Parameters
    ----------
    config
        How it was trained.
    sizes
        Input lines, hidden layers, classes.
    rows
        Number of texts by part, ``train``, ``validation`` and ``test``.
    macs_of_text
        MACs of making the vector of one text, each of which is made once; 0 where it is unknown.
    """
    if config.method == SPIKE_EMBEDDING:
        sizes = (config.lines, sizes[-1])
    steps = 1 if config.method in (ANN, SPIKE_EMBEDDING) else config.window
    layers = [before * after for before, after in pairwise(sizes)]
    trained, validated = config.epochs * rows["train"], config.epochs * rows["validation"]
    counts = {
        "forward": trained * steps * sum(layers),
        "backward": trained * steps * (2 * sum(layers) - layers[0]),
        "validation": validated * steps * sum(layers),
        "embedding, once": sum(rows[part] for part in ("train", "validation", "test")) * macs_of_text,
    }
    return Ledger("training", tuple(Entry(place, "mac", count) for place, count in counts.items() if count))
