"""Train two small networks on fixed data and print a hash of each one's integers: equal where the arithmetic is equal.

    python scripts/fixed_training.py [METHOD ...]

Measured on one machine: Python 3.11 with torch 2.13.0, 3.12 and 3.13 with 2.14.1 give equal networks of both methods.
3.10 with torch 2.3.1 gives the same spike embedding; of the SNN-rate network 120 of 656 weights are one level (2 units)
off. Its sums differ in their last bit, and Adam's first steps are as long for a gradient near 0 as for any other.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import snnlp_lava

CLASSES, PARTS = ("dull", "fine"), ["train"] * 20 + ["validation"] * 8 + ["test"] * 8

with tempfile.TemporaryDirectory() as folder:
    work = Path(folder)
    os.environ["SNNLP_LAVA_CACHE"] = folder
    rows = [f"this film is {CLASSES[row % 2]} no {row},{CLASSES[row % 2]},{part}" for row, part in enumerate(PARTS)]
    (work / "own.csv").write_text("text,label,split\n" + "\n".join(rows) + "\n", "utf-8")
    vectors = np.random.default_rng(7).standard_normal((len(PARTS), 16)).astype(np.float32)
    np.save(work / "own.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    texts = snnlp_lava.load_texts(work / "own.csv")
    methods: dict[str, dict] = {
        "spike-embedding": {},
        "snn-rate": {"epochs": 3, "window": 8, "hidden": (16, 8), "vectors": work / "own.npy"},
    }
    for method in sys.argv[1:] or methods:
        options = methods[method]
        snnlp_lava.train_model(snnlp_lava.prepare_data(texts, method, **options), work / method)
        network, _ = snnlp_lava.export_model(work / method)
        digest = hashlib.sha256()
        for layer in network.layers:
            digest.update(np.ascontiguousarray(layer.synapses()[0].weight, dtype="<i4").tobytes())
            parameters = (layer.neuron.current_decay, layer.neuron.voltage_decay, layer.neuron.threshold)
            digest.update(repr(parameters).encode())
        sys.stdout.write(f"{method} {digest.hexdigest()}\n")
