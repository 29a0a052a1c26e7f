"""The law of equal spikes over whole random networks: emulator = equations = Lava, = SLAYER where nothing wraps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from network.reference import run_reference
from snnlp_lava.backends import base
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.job import LavaJob
from snnlp_lava.encode.base import SpikeSamples
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.network_file import write_network
from strategies import SEEDS, card_for, dense, large_networks, networks_of_any_layers

WINDOWS = st.integers(1, 128) | st.sampled_from([1, 128])


@st.composite
def runs(draw, max_size=300, windows=WINDOWS, networks=large_networks):
    """A network and some samples of spikes, one silent and one saturated among them, and a period."""
    network = draw(networks(max_size))
    window = draw(windows)
    rng = np.random.default_rng(draw(SEEDS))
    rates = [0.0, 1.0, draw(st.sampled_from([0.02, 0.2, 0.6]))]
    trains = rng.random((3, window, network.inputs)) < np.reshape(rates, (3, 1, 1))
    return network, SpikeSamples(trains[rng.permutation(3)].astype(np.uint8)), window + draw(st.integers(0, 3))


def unpacked(trains, network):
    """Spikes of the input and every layer; of a last layer with the highest threshold, v is kept instead."""
    found = [base.unpacked(train, size) for train, size in zip(trains, network.sizes, strict=True)]
    if network.says == "values":
        found[-1] = (found[-1] > network.layers[-1].neuron.threshold << 6).astype(np.uint8)
    return found


def test_emulator_equals_the_equations():
    seen = {"wraps": 0, "clips": 0, "spikes": 0}

    @settings(max_examples=60)
    @given(runs(max_size=100))
    def check(run):
        network, samples, period = run
        result = run_emulator(network, samples, period, keep_trains=3)
        trains = unpacked(result.trains, network)
        for layer, tally, arriving, sent in zip(network.layers, result.layers[1:], trains, trains[1:], strict=False):
            fan_out = (layer.weight != 0).sum(axis=0)
            for sample in range(3):
                expected, wraps, clips, active, _ = run_reference(layer, arriving[sample].tolist())
                np.testing.assert_array_equal(sent[sample], expected)
                assert (tally.wraps[sample], tally.clips[sample]) == (wraps, clips)
                assert tally.active_updates[sample] == active
                assert tally.spikes[sample] == np.sum(expected)
                assert tally.synops[sample] == arriving[sample].sum() * layer.neurons
                assert tally.synops_nonzero[sample] == arriving[sample].sum(axis=0) @ fan_out
                assert tally.neuron_updates[sample] == layer.neurons * period
                for name, count in (("wraps", wraps), ("clips", clips), ("spikes", np.sum(expected))):
                    seen[name] += count

    check()
    assert min(seen.values()) > 100, seen


ANY_LAYERS = runs(8, st.integers(1, 40), networks_of_any_layers)


def test_emulator_equals_the_equations_for_chains_of_any_layers():
    seen = {"spikes": 0, "recurrent": 0, "delayed": 0}

    @settings(max_examples=60)
    @given(ANY_LAYERS)
    def check(run):
        network, samples, period = run
        result = run_emulator(network, samples, period, keep_trains=3)
        trains = unpacked(result.trains, network)
        for layer, tally, arriving, sent in zip(network.layers, result.layers[1:], trains, trains[1:], strict=False):
            for sample in range(3):
                expected, wraps, clips, active, _ = run_reference(layer, arriving[sample].tolist())
                np.testing.assert_array_equal(sent[sample], expected)
                assert (tally.wraps[sample], tally.clips[sample], tally.active_updates[sample]) == (
                    wraps,
                    clips,
                    active,
                )
                own = sent[sample].sum() * layer.neurons if layer.kind == "dense_rec" else 0
                assert tally.synops[sample] == arriving[sample].sum() * layer.neurons + own
                seen["spikes"] += int(sent[sample].sum())
            seen["recurrent"] += layer.kind == "dense_rec"
            seen["delayed"] += getattr(layer, "delay", None) is not None

    check()
    assert min(seen.values()) > 15, seen


def lava_trains(tmp_path, network, samples, period):
    """Packed spikes of every layer, from Lava."""
    from snnlp_lava.backends.lava.worker import run_job

    path = tmp_path / "a.net"
    write_network(path, network, None)
    job = LavaJob.of(path, network, samples, len(samples), period)
    job.write(tmp_path, samples, np.arange(len(samples)))
    run_job(job, tmp_path)
    return job.trains(tmp_path, len(samples))


def test_recurrent_and_delayed_layers_start_every_sample_from_zero_on_lava(tmp_path):
    """Feedback and delayed spikes are under way at every sample's end; biases make layers spike before the first."""
    rng = np.random.default_rng(5)

    def neuron(count):
        return Neuron(rng.integers(-20, 60, count), 400, 200, 90)

    network = Network(
        [
            RecurrentDense(2 * rng.integers(-40, 60, (9, 6)), 2 * rng.integers(-60, 60, (9, 9)), neuron(9)),
            Dense(2 * rng.integers(-40, 60, (7, 9)), neuron(7), rng.integers(0, 20, (7, 9))),
            RecurrentDense(2 * rng.integers(-40, 60, (4, 7)), -2 * rng.integers(0, 20, (4, 4)), neuron(4)),
        ]
    )
    samples = SpikeSamples((rng.random((4, 16, 6)) < 0.4).astype(np.uint8))
    emulated = run_emulator(network, samples, 17, keep_trains=4).trains
    assert all(train[:, -1].any() for train in emulated[1:]), "the last step must send something"
    for ours, theirs in zip(emulated, lava_trains(tmp_path, network, samples, 17), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@settings(max_examples=40)
@given(run=ANY_LAYERS)
def test_emulator_equals_lava_for_chains_of_any_layers(tmp_path, run):
    network, samples, period = run
    emulated = run_emulator(network, samples, period, keep_trains=3).trains
    for ours, theirs in zip(emulated, lava_trains(tmp_path, network, samples, period), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@settings(max_examples=12)
@given(run=runs())
def test_emulator_equals_lava(tmp_path, run):
    from snnlp_lava.backends.lava.worker import run_job

    network, samples, period = run
    path = tmp_path / "a.net"
    write_network(path, network, card_for(network, window=samples.window, period=period))
    job = LavaJob.of(path, network, samples, len(samples), period)
    job.write(tmp_path, samples, np.arange(len(samples)))
    run_job(job, tmp_path)
    emulated = run_emulator(network, samples, period, keep_trains=3).trains
    for ours, theirs in zip(emulated, job.trains(tmp_path, len(samples)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def slayer_trains(network, samples):
    """Spikes of every layer from SLAYER blocks that hold the network's integers."""
    import torch

    from snnlp_lava.train.slayer import import_slayer

    slayer = import_slayer()
    current = torch.from_numpy(samples.spikes(np.arange(len(samples)))).float().transpose(1, 2)
    trains = []
    for layer in network.layers:
        neuron = {
            "threshold": layer.neuron.threshold / 64,
            "current_decay": layer.neuron.current_decay / 4096,
            "voltage_decay": layer.neuron.voltage_decay / 4096,
        }
        block = slayer.block.cuba.Dense(neuron, layer.inputs, layer.neurons, delay_shift=False)
        with torch.no_grad():
            block.synapse.weight.copy_(torch.from_numpy(layer.weight / 64).reshape(block.synapse.weight.shape))
            current = block(current)
        trains.append(current.transpose(1, 2).numpy().astype(np.uint8))
    return trains


@pytest.mark.slow
@settings(max_examples=40)
@given(runs())
def test_emulator_equals_slayer_where_nothing_wraps(run):
    network, samples, _ = run
    # SLAYER has neither biases nor odd weights.
    network = Network(
        [
            dense(
                layer.weight // 2 * 2 if layer.weight.max() > 1 else layer.weight * 2,
                np.zeros(layer.neurons, int),
                layer.neuron.current_decay,
                layer.neuron.voltage_decay,
                layer.neuron.threshold,
            )
            for layer in network.layers
        ]
    )
    result = run_emulator(network, samples, samples.window, keep_trains=3)
    whole = [sum(tally.wraps + tally.clips for tally in result.layers) == 0][0]
    assume(whole.any())
    ours = unpacked(result.trains, network)[1:]
    for own, theirs in zip(ours, slayer_trains(network, samples), strict=True):
        np.testing.assert_array_equal(own[whole], theirs[whole])
