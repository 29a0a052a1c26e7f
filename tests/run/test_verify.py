"""`verify` finds a planted difference at its very place, and none where there is none."""

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.process import LavaRun
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.run import verify as room
from snnlp_lava.run.inputs import Chosen, Chunk, Selection
from strategies import card_for, saf_samples

WINDOW, PERIOD, SAMPLES = 9, 12, 5


@pytest.fixture
def planted(tmp_path, monkeypatch, random_network, save_network):
    """verify() with the emulator in Lava's place, which flips one spike: planted(layer, sample, step, neuron)."""
    network = random_network((20, 16, 8, 3), seed=11)
    path = save_network(tmp_path / "a.net", network, window=WINDOW, period=PERIOD)
    values = np.random.default_rng(1).integers(0, FIXED_ONE + 1, (SAMPLES, 20), dtype=np.int32)
    card = card_for(network, window=WINDOW, period=PERIOD)
    samples = saf_samples(values, WINDOW)
    chunk = Chunk(samples, np.arange(SAMPLES), ["text"] * SAMPLES, np.zeros(SAMPLES, int))
    chosen = Chosen(network, card, WINDOW, PERIOD, SAMPLES, None, lambda start, stop: chunk)
    monkeypatch.setattr(room, "choose", lambda path, selection, report: chosen)

    def run(*flips):
        def lava(path, network, samples, period, jobs, progress):
            result = run_emulator(network, samples, period, keep_trains=len(samples))
            trains = [train.copy() for train in result.trains]
            for layer, sample, step, neuron in flips:
                trains[layer][sample, step, neuron // 8] ^= 0x80 >> neuron % 8
            return LavaRun(np.arange(len(samples)), dict(enumerate(trains)), result.steps, None, None)

        monkeypatch.setattr(room, "run_simulator", lava)
        return room.verify(path, Selection(data="demo")), network, samples

    return run


def test_no_difference_where_there_is_none(planted):
    found, network, samples = planted()
    assert found.differences == 0
    assert found.first is None
    expected = run_emulator(network, samples, PERIOD)
    assert [layer["spikes"] for layer in found.layers] == [int(tally.spikes.sum()) for tally in expected.layers]


@pytest.mark.parametrize("flip", [(0, 3, 2, 19), (1, 0, 0, 15), (2, 4, PERIOD - 1, 0), (3, 1, 5, 2)])
def test_a_planted_difference_is_found_at_its_place(planted, flip):
    layer, sample, step, neuron = flip
    found, network, _ = planted(flip)
    assert found.differences == 1
    place = found.first
    assert (place.layer, place.sample, place.step, place.neuron) == (network.layer_names[layer], sample, step, neuron)
    # Both sides were driven by the same spikes, so the states of the layers behind the input are the same.
    assert place.emulator_state == place.other_state


def test_the_earliest_layer_then_the_earliest_sample_and_step_is_named(planted):
    found, _, _ = planted((3, 0, 0, 0), (2, 2, 6, 1), (2, 2, 4, 7), (2, 3, 0, 0))
    assert found.differences == 4
    assert (found.first.layer, found.first.sample, found.first.step, found.first.neuron) == ("hidden2", 2, 4, 7)


def test_the_states_it_names_are_the_neurons(planted):
    """After the named step v is over the threshold exactly where the emulator spiked."""
    for flip in [(1, 0, step, 3) for step in range(WINDOW)]:
        found, network, samples = planted(flip)
        result = run_emulator(network, samples, PERIOD, keep_trains=1)
        spiked = np.unpackbits(result.trains[1], axis=2, count=16)[0, flip[2], 3]
        assert (found.first.emulator_state[1] > network.layers[0].neuron.threshold << 6) == bool(spiked)


def test_a_network_without_card_is_refused(tmp_path, random_network):
    from snnlp_lava.errors import InputError
    from snnlp_lava.netx.network_file import write_network

    network = random_network((4, 3), seed=0)
    write_network(tmp_path / "a.net", network, card_for(network))
    import h5py

    with h5py.File(tmp_path / "a.net", "a") as file:
        del file["snnlp"]
    with pytest.raises(InputError, match="has no group /snnlp"):
        room.verify(tmp_path / "a.net", Selection(data="demo"))
