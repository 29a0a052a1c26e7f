"""Our bill at Loihi 1's board prices beside SANA-FE's simulation of the same spikes on the same cores.

pip install --no-deps --target peers sanafe==2.2.9
PYTHONPATH=peers .venv/bin/python benchmarks/sanafe_bill.py NETWORK TEXTS.parquet [SAMPLES]

NETWORK is a spike embedding: one layer that forgets nothing, which SANA-FE's neuron computes exactly. Its input lines
stand on one core, its output neurons on another.

20 tweets through the emotion network of budget 1000, window 32, per tweet; all spikes are the same on both sides:

| term | count | ours, pJ |
|---|---:|---:|
| input spike | 29.3 | 2,030.5 to 5,282.8 |
| output synop | 175.8 | 6,240.9 to 6,240.9 |
| output active_update | 190.2 | 13,850.2 to 13,850.2 |
| output idle_update | 1.8 | 89.6 to 89.6 |
| output spike | 1.1 | 76.2 to 198.3 |

| SANA-FE | pJ |
|---|---:|
| total | 23,845.6 |
| synapse | 6,240.9 |
| dendrite | 0.0 |
| soma | 14,352.4 |
| network | 3,252.3 |

Synapses agree to the digit. Its soma is 198 reads at 51.2, one step of 6 neurons more than ours (what is sent last
arrives one step later), the 1.1 output spikes at 69.3, and 191.6 writes at 21.6: 1.4 updates a tweet that it takes for
active are idle here. Its network is one message of 111 pJ for each of the 29.3 input spikes; it takes input lines as
free apart from that, and sends nothing where nobody listens.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import sanafe

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.energy.bill import make_bill, spiking_ledger
from snnlp_lava.energy.prices import price_books
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.text.sources import load_texts


def main(path: Path, data: str, samples: int) -> None:
    """Simulate, bill, and print both term by term."""
    file = read_network(path)
    network, card = file.network, file.require_card()
    texts = load_texts(data, "text", "label").select(np.arange(samples))
    given = EncodedSamples(np.array(texts, dtype=object), card.encoder, card.window)
    run = run_emulator(network, given, card.window, keep_trains=samples)
    sums: dict[str, float] = {}
    spikes = given.spikes(np.arange(samples))
    for index, train in enumerate(spikes):
        energy, sent = simulated(network, train)
        assert sent == train.sum() + run.layers[1].spikes[index]
        for term, joules in energy.items():
            sums[term] = sums.get(term, 0.0) + joules * 1e12 / samples
    layers = [
        {
            "name": tally.name,
            **{
                name: int(getattr(tally, name).sum())
                for name in ("spikes", "synops", "neuron_updates", "active_updates")
            },
        }
        for tally in run.layers
    ]
    bill = make_bill(spiking_ledger("net", layers, samples), price_books()["loihi1-board"])
    print("| term | count | ours, pJ |\n|---|---:|---:|")
    for charge in bill.charges:
        print(f"| {charge.place} {charge.term} | {charge.count:.1f} | {charge.low:,.1f} to {charge.high:,.1f} |")
    print("\n| SANA-FE | pJ |\n|---|---:|")
    for term, value in sums.items():
        print(f"| {term} | {value:,.1f} |")


def simulated(network: Network, train: np.ndarray) -> tuple[dict[str, float], int]:
    """SANA-FE's energy in joules by term, and all spikes, for one sample (steps, lines)."""
    arch = sanafe.load_loihi()
    (layer,) = network.layers
    steps, lines = train.shape
    net = sanafe.Network()
    given = net.create_neuron_group("input", lines, soma_hw_name="loihi_inputs[0]")
    neurons = net.create_neuron_group(
        "output",
        layer.neurons,
        model_attributes={
            "threshold": float(layer.neuron.threshold),
            "leak_decay": 1.0,
            "reset": 0.0,
            "reset_mode": "hard",
        },
        soma_hw_name="loihi_lif",
        default_synapse_hw_name="loihi_dense_synapse",
        default_dendrite_hw_name="loihi_dendrites",
    )
    for line in range(lines):
        given[line].set_attributes(
            model_attributes={"spikes": train[:, line].tolist()}, soma_hw_name=f"loihi_inputs[{line}]"
        )
    given.connect_neurons_dense(neurons, {"weight": layer.weight.T.astype(float).ravel().tolist()})
    for line in range(lines):
        given[line].map_to_core(arch.tiles[0].cores[0])
    for index in range(layer.neurons):
        neurons[index].map_to_core(arch.tiles[0].cores[1])
    chip = sanafe.SpikingChip(arch)
    chip.load(net)
    results = chip.sim(steps + 1)  # what is sent in the last step arrives one later
    return dict(results["energy"]), int(results["neurons_fired"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 20)
