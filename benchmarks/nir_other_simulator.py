"""The NIR file of a network in snnTorch, beside our emulator: accuracy, and where the spikes part.

pip install --no-deps --target peers snntorch==1.0.0 nirtorch==2.6
snnlp-lava export MODEL --format nir -o FILE.nir
PYTHONPATH=peers .venv/bin/python benchmarks/nir_other_simulator.py FILE.nir DATA.parquet [VECTORS.npy] [SAMPLES]

snnTorch reads the file with its own `import_from_nir` and knows nothing of what is in the metadata. The last columns
are of each layer alone, given our spikes of the layer before: where a float64 neuron that cuts nothing to integers
parts from the emulator (cut), where snnTorch does (alone), and where those two part (float).

Sentence vectors (`train --vectors VECTORS.npy --split-scheme paper`, 20 epochs):

200 texts, 32 steps, 768-256-128-6

accuracy, emulator: 78.50%
accuracy, snnTorch: 78.50%
answers that differ: 0 of 200
wraps 0, clips 0

| layer | decays | spikes, emulator | snnTorch | differ | cut | alone | float |
|---|---|---:|---:|---:|---:|---:|---:|
| hidden1 | 1024, 123 | 68,039 | 68,042 | 19 | 19 | 19 | 0 |
| hidden2 | 1024, 123 | 150,378 | 150,383 | 115 | 54 | 54 | 0 |
| output | 1024, 123 | 5,935 | 5,935 | 4 | 0 | 0 | 0 |

A spike embedding (`train --method spike-embedding --synop-budget 1000`):

200 texts, 32 steps, 45-6

accuracy, emulator: 94.00%
accuracy, snnTorch: 94.00%
answers that differ: 0 of 200
wraps 0, clips 0

| layer | decays | spikes, emulator | snnTorch | differ | cut | alone | float |
|---|---|---:|---:|---:|---:|---:|---:|
| output | 4096, 0 | 234 | 234 | 0 | 0 | 0 | 0 |

Every difference begins with what the chip cuts off when u and v decay: the neuron that does not cut, in float64, spikes
as snnTorch in float32, so neither the precision of floats adds any, nor the time step or the reset.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nir
import numpy as np
import torch
from snntorch.import_nir import import_from_nir

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.metrics import tie_broken_counts
from snnlp_lava.network.dense import Dense
from snnlp_lava.netx.network_file import read_network, write_network
from snnlp_lava.netx.nir.own import read_nir
from snnlp_lava.run.inputs import RunInput


def main(path: Path, inputs: RunInput) -> None:
    """Run both, and print how they agree."""
    imported = read_nir(path)
    with TemporaryDirectory() as folder:
        write_network(Path(folder) / "a.net", imported.network, imported.card)
        file = read_network(Path(folder) / "a.net")
        batches = inputs.open(file)
    network, count = file.network, batches.total
    batch = batches.read(0, count)
    run = run_emulator(network, batch.samples, batches.window, keep_trains=count)
    ours = [
        np.unpackbits(train, axis=2, count=size).astype(bool)
        for train, size in zip(run.trains, network.sizes, strict=True)
    ]
    theirs = [ours[0], *simulated(modules(path), ours[0])]
    scores = {
        "emulator": run.output_scores,
        "snnTorch": tie_broken_counts(theirs[-1].astype(np.uint8)),
    }
    answers = {name: score.argmax(axis=1) for name, score in scores.items()}
    print(f"{count} texts, {batches.window} steps, {'-'.join(map(str, network.sizes))}\n")
    for name, answer in answers.items():
        print(f"accuracy, {name}: {np.mean(answer == batch.labels):.2%}")
    print(f"answers that differ: {np.sum(answers['emulator'] != answers['snnTorch'])} of {count}")
    wraps, clips = (sum(int(getattr(layer, name).sum()) for layer in run.layers) for name in ("wraps", "clips"))
    print(f"wraps {wraps}, clips {clips}\n")
    print("| layer | decays | spikes, emulator | snnTorch | differ | cut | alone | float |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for number, layer in enumerate(network.layers, start=1):
        (own,) = simulated([modules(path)[number - 1]], ours[number - 1])
        uncut = uncut_layer(layer, ours[number - 1])
        assert (layer.run(ours[number - 1].astype(np.uint8)).spikes == ours[number]).all()
        cells = (
            int(ours[number].sum()),
            int(theirs[number].sum()),
            int((ours[number] != theirs[number]).sum()),
            int((ours[number] != uncut).sum()),
            int((ours[number] != own).sum()),
            int((uncut != own).sum()),
        )
        decays = f"{layer.neuron.current_decay}, {layer.neuron.voltage_decay}"
        print(f"| {network.layer_names[number]} | {decays} | " + " | ".join(f"{cell:,}" for cell in cells) + " |")


def modules(path: Path) -> list[torch.nn.Sequential]:
    """snnTorch's modules of each layer, in order and with no state."""
    with contextlib.redirect_stdout(sys.stderr):  # it prints what it does
        module = import_from_nir(nir.read(path))
    parts = [part for _, part in module.named_children()]
    return [torch.nn.Sequential(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def simulated(layers: Sequence[torch.nn.Module], spikes: np.ndarray) -> list[np.ndarray]:
    """The spikes of every layer, (n, steps, neurons) bool each, for spikes (n, steps, lines)."""
    trains: list[list[torch.Tensor]] = [[] for _ in layers]
    with torch.no_grad():
        for step in range(spikes.shape[1]):
            arriving = torch.from_numpy(spikes[:, step]).float()
            for layer, train in zip(layers, trains, strict=True):
                arriving = layer(arriving)
                train.append(arriving > 0)
    return [torch.stack(train, dim=1).numpy() for train in trains]


def uncut_layer(layer: Dense, spikes: np.ndarray) -> np.ndarray:
    """The chip's neuron in float64 with nothing cut to integers, wrapped or clipped."""
    sums = spikes.astype(np.float64) @ layer.weight.T.astype(np.float64)
    u = np.zeros((len(spikes), layer.neurons))
    v, out = u.copy(), np.zeros(sums.shape, dtype=bool)
    for step in range(spikes.shape[1]):
        u = u * (1 - layer.neuron.current_decay / 4096) + sums[:, step]
        v = v * (1 - layer.neuron.voltage_decay / 4096) + u + layer.neuron.bias
        out[:, step] = v > layer.neuron.threshold
        v[out[:, step]] = 0
    return out


if __name__ == "__main__":
    file, data, *more = sys.argv[1:]
    vectors = Path(more.pop(0)) if more and more[0].endswith(".npy") else None
    main(Path(file), RunInput(data=data, vectors=vectors, limit=int(more[0]) if more else 200))
