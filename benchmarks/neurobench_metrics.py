"""NeuroBench's metrics of a network, by its own package and by ours: they must be equal.

pip install --no-deps --target peers neurobench==2.3.0 snntorch==1.0.0
PYTHONPATH=peers .venv/bin/python benchmarks/neurobench_metrics.py [SAMPLES]

50 samples through the demo network, per sample:

| metric | neurobench | snnlp-lava |
|---|---:|---:|
| ConnectionSparsity | 0.088400 | 0.088400 |
| ActivationSparsity | 0.864335 | 0.864335 |
| Effective_MACs | 0.000000 | 0.000000 |
| Effective_ACs | 820,792.360000 | 820,792.360000 |
| Dense | 7,364,608.000000 | 7,364,608.000000 |
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from inputs import drawn_samples
from neurobench.metrics.static import ConnectionSparsity
from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
from neurobench.models import TorchModel
from torch import nn

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import Samples
from snnlp_lava.energy.estimates import neurobench_metrics
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.run.samples import Totals, sample_table

COUNTED = ("spikes", "synops_nonzero", "neuron_updates")


class Neurons(nn.Module):
    """The integer neurons of a layer behind an nn.Linear, spiking as the chip's do."""

    def __init__(self, layer: Dense) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, sums: torch.Tensor, arriving: torch.Tensor) -> torch.Tensor:
        spikes = self.layer.run(arriving.numpy().astype(np.uint8)).spikes
        weight = torch.from_numpy(self.layer.weight.astype(np.float64))
        assert torch.equal(sums, (arriving.double() @ weight.T).float())
        return torch.from_numpy(spikes).float()


class Net(nn.Module):
    """A network as NeuroBench knows networks: linear layers and neurons."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.linear = nn.ModuleList(nn.Linear(layer.inputs, layer.neurons, bias=False) for layer in network.layers)
        self.neurons = nn.ModuleList(Neurons(layer) for layer in network.layers)
        for linear, layer in zip(self.linear, network.layers, strict=True):
            linear.weight.data = torch.from_numpy(layer.weight.astype(np.float32))

    def forward(self, spikes: torch.Tensor) -> torch.Tensor:
        for linear, neurons in zip(self.linear, self.neurons, strict=True):
            spikes = neurons(linear(spikes), spikes)
        return spikes


def main(path: Path, samples: int) -> None:
    """Print both sides' numbers, and end with an error if they differ."""
    file = read_network(path)
    network, card = file.network, file.require_card()
    theirs, ours = both_sides(network, drawn_samples(card, samples), card.period)
    print("| metric | neurobench | snnlp-lava |\n|---|---:|---:|")
    for name, value in ours.items():
        print(f"| {name} | {theirs[name]:,.6f} | {value:,.6f} |")
        assert abs(theirs[name] - value) <= 1e-6 * max(1, abs(value)), name


def both_sides(network: Network, given: Samples, period: int) -> tuple[dict[str, float], dict[str, float]]:
    """NeuroBench's metrics by its package and by ours, per sample; the footprint, which is another's, left out."""
    samples = len(given)
    model = TorchModel(Net(network))
    model.add_activation_module(Neurons)
    model.register_hooks()
    operations, activations = SynapticOperations(), ActivationSparsity()
    with torch.no_grad():
        data = (torch.from_numpy(given.spikes(np.arange(samples))).float(), torch.zeros(samples))
        preds = model(data[0])
        found = {**operations(model, preds, data), "activation_sparsity": activations(model, preds, data)}
    found = {name: float(value) for name, value in found.items()}
    found |= {
        "ConnectionSparsity": float(ConnectionSparsity()(model)),
        "ActivationSparsity": found["activation_sparsity"],
    }
    run = run_emulator(network, given, period)
    weights = [layer.weight for layer in network.layers]
    nonzero = [int(np.count_nonzero(weight)) for weight in weights]
    totals = Totals.of(network, [sample_table(run, run.output_scores, np.arange(samples), None)])
    layers = [{**layer, **{name: layer[name] / samples for name in COUNTED}} for layer in totals.layers]
    ours = neurobench_metrics(layers, [weight.size for weight in weights], nonzero, 0, period)
    del ours["Footprint"]
    ours["ConnectionSparsity"] = round(ours["ConnectionSparsity"], 4)  # as the package does
    return found, ours


if __name__ == "__main__":
    main(Path("netx_exports/demo.net"), int(sys.argv[1]) if len(sys.argv) > 1 else 50)
