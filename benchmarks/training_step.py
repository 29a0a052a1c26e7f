"""One training step: SLAYER's own CUBA blocks, ours (the same through one kernel), two peers, and the products alone.

    .venv/bin/pip install --no-deps --target PEERS snntorch spikingjelly
    PYTHONPATH=PEERS .venv/bin/python benchmarks/training_step.py

All programs have the same sizes, batch, steps and input, float32, and cross-entropy of the spike counts. snnTorch's
neuron is its Synaptic (two decays, as CUBA has), SpikingJelly's its LIFNode in multi-step mode (one decay).

Last printed (2 cores, medians of 25 rounds, snnTorch 1.0.0, SpikingJelly 0.0.0.0.14):

    forward and backward, 384-256-128-6, batch 64, 32 steps

    | program | median ms | times products |
    |---|---|---|
    | SLAYER | 73.9 | 6.46 |
    | snnlp-lava | 17.1 | 1.49 |
    | products | 11.4 | 1.00 |
    | snnTorch | 111.8 | 9.78 |
    | SpikingJelly | 75.6 | 6.62 |

    SLAYER's step takes 4.3 times ours
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from itertools import pairwise

import torch
from inputs import plain_encoder
from timing import medians, print_table
from torch import nn
from torch.nn import functional

from snnlp_lava.train.methods.make import make_method
from snnlp_lava.train.trainer import keep_freed_memory

SIZES, BATCH, STEPS, ROUNDS = (384, 256, 128, 6), 64, 32, 25


def main() -> None:
    """Measure and print."""
    keep_freed_memory()
    torch.manual_seed(0)
    model = make_method("snn-rate", window=STEPS, dropout=0.05).untrained(SIZES, plain_encoder(SIZES[0]))
    spikes = (torch.rand(BATCH, STEPS, SIZES[0]) < 0.12).float()
    labels = torch.randint(0, SIZES[-1], (BATCH,))

    def step(module: nn.Module, counts: Callable[[], torch.Tensor]) -> Callable[[], None]:
        def run() -> None:
            module.zero_grad()
            functional.cross_entropy(counts(), labels).backward()

        return run

    def products() -> torch.Tensor:
        current = spikes
        for block in model.blocks:
            current = functional.linear(current, block.synapse.weight.flatten(1))
        return current.sum(dim=1)

    programs = {
        "SLAYER": step(model, lambda: model.slayer_trains(spikes)[-1].sum(dim=1)),
        "snnlp-lava": step(model, lambda: model(spikes)[-1].sum(dim=1)),
        "products": step(model, products),
    }
    for name, peer in (("snnTorch", snntorch_counts), ("SpikingJelly", spikingjelly_counts)):
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                module, counts = peer(spikes)
        except ImportError as error:
            print(f"{name} is left out: {error}")
        else:
            programs[name] = step(module, counts)
    seconds = medians(programs, ROUNDS)
    print_table(f"forward and backward, {'-'.join(map(str, SIZES))}, batch {BATCH}, {STEPS} steps", seconds, "products")
    print(f"\nSLAYER's step takes {seconds['SLAYER'] / seconds['snnlp-lava']:.1f} times ours")


def snntorch_counts(spikes: torch.Tensor) -> tuple[nn.Module, Callable[[], torch.Tensor]]:
    """SnnTorch, stepping through time as its tutorials do."""
    import snntorch
    from snntorch import surrogate

    fire = surrogate.fast_sigmoid(slope=25)
    maps = nn.ModuleList(nn.Linear(before, after, bias=False) for before, after in pairwise(SIZES))
    neurons = [
        snntorch.Synaptic(alpha=0.75, beta=0.97, threshold=1.25, spike_grad=fire, reset_mechanism="zero") for _ in maps
    ]

    def counts() -> torch.Tensor:
        states = [neuron.init_synaptic() for neuron in neurons]
        total = torch.zeros(BATCH, SIZES[-1])
        for step in range(STEPS):
            current = spikes[:, step]
            for index, (linear, neuron) in enumerate(zip(maps, neurons, strict=True)):
                current, *states[index] = neuron(linear(current), *states[index])
            total = total + current
        return total

    return maps, counts


def spikingjelly_counts(spikes: torch.Tensor) -> tuple[nn.Module, Callable[[], torch.Tensor]]:
    """SpikingJelly, all steps of a layer at once."""
    from spikingjelly.activation_based import functional as steps
    from spikingjelly.activation_based import neuron

    layers: list[nn.Module] = []
    for before, after in pairwise(SIZES):
        layers += [nn.Linear(before, after, bias=False), neuron.LIFNode(v_threshold=1.25, v_reset=0.0, step_mode="m")]
    net = nn.Sequential(*layers)
    first = spikes.transpose(0, 1).contiguous()

    def counts() -> torch.Tensor:
        steps.reset_net(net)
        return net(first).sum(dim=0)

    return net, counts


if __name__ == "__main__":
    main()
