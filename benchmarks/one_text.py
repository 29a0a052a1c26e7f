"""Draw what one text does in a spike embedding: its words' spikes, the voltages of the classes, the spike that decides.

    python benchmarks/one_text.py [NETWORK] [TEXT] [FILE.svg]

NETWORK is a network file, a model folder or demo; by default one of words and pairs is trained on the demo texts, which
is what docs/figures/one-text.svg shows.
"""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np

TEXT = "this makes me so happy, i could dance"
ENTRIES, CLASSES = 7, 3


def main(network: str = "", text: str = TEXT, path: str = "docs/figures/one-text.svg") -> None:
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "one text"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    from snnlp_lava import SpikingTextClassifier, load_texts

    if network:
        classifier = SpikingTextClassifier.load(network)
    else:
        data = load_texts("demo")
        labels = [data.label_names[label] for label in data.labels]
        classifier = SpikingTextClassifier(tokens="pairs").fit(data.texts, labels)
    found = classifier.explain(text)
    layer = classifier.network.layers[0]
    spikes = classifier.predictor.trains([text])[0][0]
    steps = len(spikes)
    sums = spikes.astype(np.int64) @ layer.synapses()[0].weight.T
    names = classifier.classes_.tolist()
    voltage = np.cumsum(sums + layer.neuron.bias, axis=0)  # without the reset of a spike
    order = np.argsort(-voltage[-1])[:CLASSES]
    entries = sorted(found["entries"], key=lambda row: -max(map(abs, row["weights"].values()), default=0))[:ENTRIES]

    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(8, 4.2), sharex=True, height_ratios=(len(entries) + 1, 9), layout="constrained"
    )
    for row, entry in enumerate(entries):
        weights = entry["weights"]
        name = max(weights, key=lambda label: abs(weights[label]))
        says = f"for {name} (+{weights[name]})" if weights[name] > 0 else f"against {name} (-{-weights[name]})"
        top.plot(entry["step"] + 1, row, "o", color="black", markersize=6)
        top.text(1.25, row, f"speaks {says}", va="center", fontsize=8.5, color="#555")
    top.set_yticks(range(len(entries)), [row["entry"].strip("\t") for row in entries])
    top.set_ylim(len(entries) - 0.4, -0.6)
    top.set_title(f"“{text}”", loc="left", fontsize=10)
    colours = ("#0a66c2", "#d1495b", "#2a9d5c")
    for colour, index in zip(colours, order, strict=False):
        line = voltage[:, index]
        crossed = np.flatnonzero(line > layer.neuron.threshold)
        bottom.plot(range(1, steps + 1), line, color=colour, linewidth=2)
        bottom.annotate(
            f" {names[index]}", (steps, line[-1]), color=colour, va="center", fontsize=9, annotation_clip=False
        )
        if len(crossed):
            bottom.plot(crossed[0] + 1, line[crossed[0]], "o", color=colour, markersize=9)
    bottom.axhline(layer.neuron.threshold, color="#777", linestyle="--", linewidth=1)
    bottom.text(0.72, layer.neuron.threshold, "threshold", va="bottom", fontsize=8.5, color="#555")
    bottom.set_xlabel("time step")
    bottom.set_ylabel("voltage, units of weight")
    bottom.set_xlim(0.6, steps + 0.9)
    bottom.set_xticks(range(1, steps + 1))
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    top.tick_params(length=0)
    figure.savefig(path, metadata={"Date": None})
    decided = "never" if found["decided_at"] is None else f"at step {found['decided_at'] + 1}"
    print(f"{found['label']} ({found['probability']:.0%}), {found['synops']} synops, decided {decided}")


if __name__ == "__main__":
    main(*sys.argv[1:])
