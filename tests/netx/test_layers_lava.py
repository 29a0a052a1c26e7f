"""Layers of all types and chains of them, of our files and of those that lava-dl exports, against NetX on Lava."""

import contextlib
import io
import warnings

import h5py
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from snnlp_lava.errors import InputError
from snnlp_lava.netx.network_file import read_network, write_network
from snnlp_lava.train.slayer import import_slayer
from strategies import SEEDS, chains

pytestmark = pytest.mark.slow  # torch, lava-dl and Lava's runtime

STEPS = 12
THRESHOLD = {"threshold": 0.8}
CUBA = {**THRESHOLD, "current_decay": 0.3, "voltage_decay": 0.1}


@pytest.fixture(scope="module")
def slayer():
    return import_slayer()


def on_lava(path, arriving):
    """What each layer of a file sends on Lava in its first STEPS steps, and its v after them, lines in our order.

    v is None where there is none.

    Parameters
    ----------
    path
        The file.
    arriving
        (STEPS, lines), of an input layer with CUBA neurons the same in each step; uint8 spikes or int32 values.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore")
        from lava.lib.dl import netx
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.core.run_configs import Loihi2SimCfg
        from lava.proc import io as lava_io

        bits = 0 if arriving.dtype == np.uint8 else 16
        network = netx.hdf5.Network(net_config=str(path), input_message_bits=bits)
        network.net_config.f.close()
        sinks = []
        for layer in network.layers:
            sinks.append(lava_io.sink.RingBuffer(shape=layer.out.shape, buffer=STEPS))
            layer.out.connect(sinks[-1].a_in)
        first = network.layers[0]
        port = network.inp if hasattr(first, "synapse") else first.neuron.a_in
        # (width, height, channels, steps) of (steps, channels, height, width)
        values = arriving.reshape(STEPS, *port.shape[::-1]).transpose(*range(len(port.shape), -1, -1)).astype(int)
        if hasattr(first.neuron, "bias_mant") and not hasattr(first, "synapse"):
            first.neuron.bias_mant.init = values[..., 0]
        else:
            lava_io.source.RingBuffer(data=values).s_out.connect(port)
        try:
            network.run(condition=RunSteps(num_steps=STEPS), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            sent = [sink.data.get() for sink in sinks]
            after = [layer.neuron.v.get() if hasattr(layer.neuron, "v") else None for layer in network.layers]
        finally:
            network.stop()
    sent = [one.transpose(*range(one.ndim)[::-1]).reshape(STEPS, -1) for one in sent]
    return sent, [None if one is None else one.transpose(*range(one.ndim)[::-1]).reshape(-1) for one in after]


def from_the_first_step(network, arriving):
    """As `on_lava`: all layers begin together, and each gets what the one before sent a step ago."""
    sent, after = [], []
    for layer in network.layers:
        if sent or not layer.takes_values:
            arriving = np.concatenate([np.zeros_like(arriving[:1]), arriving[:-1]])
        sent.append(layer.run(arriving[None]).spikes[0])
        _, v = layer.states(arriving, sent[-1])
        after.append(None if layer.neuron.graded else np.where(sent[-1][-1], 0, v[-1]))
        arriving = sent[-1]
    return sent, after


def arriving_at(network, seed, size=40):
    """Something for the first layer: spikes or messages, or values, of CUBA neurons constant ones."""
    rng, first = np.random.default_rng(seed), network.layers[0]
    shape = (STEPS, network.inputs)
    if first.takes_values:
        values = rng.integers(-size, 3 * size, shape).astype(np.int32)
        return values if first.neuron.graded else np.broadcast_to(values[0], shape)
    spikes = (rng.random(shape) < 0.4).astype(np.uint8)
    return spikes if rng.random() < 0.5 else spikes * rng.integers(-size, size, shape).astype(np.int32)


def check_equal(path, network, arriving):
    """Compare every layer; returns the number of spikes or messages of each, of one that never spikes of its v."""
    sent, after = from_the_first_step(network, arriving)
    for number, found in enumerate(zip(sent, after, *on_lava(path, arriving), strict=True), start=1):
        for ours, theirs in (found[::2], found[1::2]):
            np.testing.assert_array_equal(ours, theirs, err_msg=f"layer {number}")
    says = [v if layer.neuron.reads_out else one for layer, one, v in zip(network.layers, sent, after, strict=True)]
    return [np.count_nonzero(one) for one in says]


def test_chains_of_all_layer_types_equal_netx_on_lava(tmp_path):
    seen = {}

    @settings(max_examples=40)
    @given(chains(max_layers=3), SEEDS, st.sampled_from([1, 40, 1000]))
    def check(network, seed, size):
        arriving = arriving_at(network, seed, size)
        try:
            from_the_first_step(network, arriving)
        except InputError:  # messages too large
            reject()
        write_network(tmp_path / "a.net", network, None)
        for layer, sent in zip(network.layers, check_equal(tmp_path / "a.net", network, arriving), strict=True):
            name = f"{layer.kind} {getattr(layer.neuron, 'role', layer.neuron.model)}"
            name += " read-out" * layer.neuron.reads_out
            seen[name] = seen.get(name, 0) + sent

    check()
    assert len(seen) >= 8, seen
    assert sum(seen.values()) > 500, seen


def exported(slayer, path, blocks, shape):
    """Write a network of lava-dl's blocks, which learn their shapes, and biases of norms, from one run."""
    import torch

    torch.manual_seed(3)
    with torch.no_grad():
        values = torch.rand(1, *shape, STEPS)
        made = blocks(slayer.block)
        for block in made:
            values = block(values)
            if getattr(block, "delay", None) is not None:
                block.delay.delay.data[:] = torch.arange(len(block.delay.delay))
    with h5py.File(path, "w") as file:
        for index, block in enumerate(made):
            block.export_hdf5(file.create_group(f"layer/{index}"))
    return read_network(path).network


def with_norm(neuron):
    from lava.lib.dl import slayer

    return {**neuron, "norm": slayer.neuron.norm.MeanOnlyBatchNorm}


EXPORTS = {
    "Dense": lambda b: [b.cuba.Dense(CUBA, 20, 10, weight_scale=3), b.cuba.Dense(with_norm(CUBA), 10, 5)],
    "Dense with axonal delays": lambda b: [b.cuba.Dense(CUBA, 20, 10, weight_scale=3, delay=True)],
    "Recurrent": lambda b: [b.cuba.Recurrent(CUBA, 20, 10, weight_scale=3), b.cuba.Dense(CUBA, 10, 5, weight_scale=3)],
    "Affine": lambda b: [b.cuba.Dense(CUBA, 20, 10, weight_scale=3), b.cuba.Affine(CUBA, 10, 5, weight_scale=3)],
    "Affine without neurons": lambda b: [b.cuba.Affine(CUBA, 20, 5, weight_scale=3, dynamics=False)],
    "Input": lambda b: [b.cuba.Input(CUBA, weight=1, bias=0.5), b.cuba.Dense(CUBA, 20, 10, weight_scale=3)],
    "Conv": lambda b: [
        b.cuba.Input(CUBA, weight=1, bias=1),
        b.cuba.Conv(with_norm(CUBA), 2, 6, 3, weight_scale=4, stride=2, padding=(2, 1)),
        b.cuba.Conv(CUBA, 6, 4, (2, 3), weight_scale=4, dilation=(2, 1), groups=2),
        b.cuba.Flatten(),
        b.cuba.Dense(CUBA, 4 * 2 * 1, 5, weight_scale=4),
    ],
    "sigma-delta": lambda b: [
        b.sigma_delta.Input(relu(0.1), weight=1, bias=0.5),
        b.sigma_delta.Dense(with_norm(relu(0.2)), 20, 10, weight_scale=2),
        b.sigma_delta.Output(relu(0.2), 10, 4, weight_scale=2),
    ],
    "sigma-delta Conv": lambda b: [
        b.sigma_delta.Input(relu(0.1)),
        b.sigma_delta.Conv(with_norm(relu(0.2)), 2, 6, 3, weight_scale=2, stride=(1, 2), padding=1),
        b.sigma_delta.Flatten(),
        b.sigma_delta.Dense(relu(0.2), 6 * 5 * 3, 7, weight_scale=2),
        b.sigma_delta.Output(relu(0.2), 7, 3, weight_scale=2),
    ],
}
"""Blocks by what they show; their inputs are 20 lines, or (2, 5, 6)."""


def relu(threshold):
    import torch

    return {"threshold": threshold, "activation": torch.nn.functional.relu}


@pytest.mark.parametrize("name", EXPORTS)
def test_what_lava_dl_exports_equals_netx_on_lava(slayer, tmp_path, name):
    path = tmp_path / "theirs.net"
    network = exported(slayer, path, EXPORTS[name], (2, 5, 6) if "Conv" in name else (20,))
    sent = check_equal(path, network, arriving_at(network, 5))
    assert min(sent) > 0
    write_network(tmp_path / "ours.net", network, None)
    assert read_network(tmp_path / "ours.net").network == network
    check_equal(tmp_path / "ours.net", network, arriving_at(network, 6))
