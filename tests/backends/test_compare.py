"""The emulator's spikes compared with what a backend recorded: each of them, in batches."""

import numpy as np
import pytest

from snnlp_lava.backends import emulator
from snnlp_lava.backends.base import Recording
from snnlp_lava.backends.compare import FirstDifference, compare
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.calibration import FIXED_ONE
from strategies import saf_samples

WINDOW, PERIOD, SAMPLES = 9, 12, 5
NAMES = ("input", "hidden1", "output")


@pytest.fixture
def held(random_network, monkeypatch):
    """Compare trains, changed by a function of {layer: (n, steps, neurons)}, with the emulator's, in many batches."""
    network = random_network((20, 16, 3), seed=11)
    samples = saf_samples(np.random.default_rng(1).integers(0, FIXED_ONE + 1, (SAMPLES, 20), dtype=np.int32), WINDOW)
    expected = run_emulator(network, samples, PERIOD, keep_trains=SAMPLES)
    monkeypatch.setattr(emulator, "_BATCH_BYTES", 8 * PERIOD * 20 * 2)

    def hold(*changes, finished=range(SAMPLES)):
        rows = np.array(finished)
        peers = {}
        for number, change in enumerate(changes or [lambda trains: trains]):
            trains = {i: np.unpackbits(t, axis=2, count=network.sizes[i])[rows] for i, t in enumerate(expected.trains)}
            packed = {index: np.packbits(train, axis=2) for index, train in change(trains).items()}
            peers[f"chip{number}"] = Recording(rows, packed, 77)
        return expected, compare(network, samples.take(rows), PERIOD, peers, keep_trains=2)

    return hold


def test_equal_spikes_have_the_emulators_result(held):
    expected, found = held()
    assert found.first is None
    assert found.differences == {"chip0": [0, 0, 0]}
    np.testing.assert_array_equal(found.result.output_scores, expected.output_scores)
    for ours, theirs in zip(expected.trains, found.result.trains, strict=True):
        np.testing.assert_array_equal(ours[:2], theirs)


def test_the_samples_that_were_done_are_compared_with_themselves(held):
    expected, found = held(finished=[4, 1])
    assert found.first is None
    np.testing.assert_array_equal(found.result.output_counts, expected.output_counts[[4, 1]])


def rolled(layer, axis):
    """As many spikes in every sample, elsewhere."""
    return lambda trains: {**trains, layer: np.roll(trains[layer], 1, axis)}


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("axis", [1, 2], ids=["steps", "neurons"])
def test_spikes_of_other_steps_or_neurons_are_found_out(held, layer, axis):
    _, found = held(rolled(layer, axis))
    assert found.differences["chip0"][layer] > 0
    assert (found.first.layer, found.first.sample) == (NAMES[layer], 0)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_spike_is_found_out_at_its_place(held, layer):
    def flip(trains):
        trains[layer][4, 7, 2] ^= 1
        return {layer: trains[layer]}  # the only one that was read

    expected, found = held(flip)
    assert found.differences["chip0"] == [1 if index == layer else None for index in range(3)]
    first = found.first
    assert (first.peer, first.sample, first.layer, first.neuron, first.step) == ("chip0", 4, NAMES[layer], 2, 7)
    spiked = np.unpackbits(expected.trains[layer], axis=2)[4, 7, 2]
    assert first.sent == (spiked, not spiked)
    assert not first.graded
    assert (first.peer_state is None) == (layer > 0)  # what arrived there was not read
    assert "sample 5" in str(first)


def test_peers_are_compared_each_by_itself_and_a_peer_may_know_the_window_alone(held):
    def shorter(trains):
        return {layer: train[:, :WINDOW] for layer, train in trains.items()}

    def late(trains):
        trains[1][:, WINDOW:] ^= 1
        return trains

    _, found = held(shorter, late)
    assert found.differences == {"chip0": [0, 0, 0], "chip1": [0, SAMPLES * (PERIOD - WINDOW) * 16, 0]}
    assert (found.first.peer, found.first.layer, found.first.step) == ("chip1", "hidden1", WINDOW)


def test_a_difference_is_told_with_the_states_of_both_sides():
    where = {"peer": "sim", "sample": 0, "layer": "output", "neuron": 1, "step": 2, "emulator_state": (3, 4)}
    told = str(FirstDifference(**where, sent=(0, 1), graded=False, peer_state=(5, 6)))
    assert "sim spikes and the emulator does not" in told
    assert "emulator u 3 v 4, sim u 5 v 6" in told
    told = str(FirstDifference(**where, sent=(1, 0), graded=False, peer_state=None))
    assert "the emulator spikes and sim does not" in told
    assert "emulator u 3 v 4, sim not read" in told
    told = str(FirstDifference(**where, sent=(-7, 9), graded=True, peer_state=None))
    assert "the emulator has -7 and sim 9" in told


def test_no_trains_are_kept_unless_they_are_asked_for(random_network):
    samples = saf_samples(np.full((3, 4), FIXED_ONE, dtype=np.int32), WINDOW)
    found = compare(random_network((4, 2), seed=1), samples, PERIOD, {})
    assert [len(train) for train in found.result.trains] == [0, 0]
