"""A backend's run has a result only if each of its spikes is the emulator's."""

import numpy as np
import pytest

from snnlp_lava.backends import emulator
from snnlp_lava.backends.compare import agreed
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.process import LavaRun
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.errors import BackendError
from strategies import saf_samples

WINDOW, PERIOD, SAMPLES = 9, 12, 5


@pytest.fixture
def run(random_network, monkeypatch):
    """Hold trains, changed by a function of {layer: (n, steps, neurons)}, against the emulator's, in many batches."""
    network = random_network((20, 16, 3), seed=11)
    samples = saf_samples(np.random.default_rng(1).integers(0, FIXED_ONE + 1, (SAMPLES, 20), dtype=np.int32), WINDOW)
    expected = run_emulator(network, samples, PERIOD, keep_trains=SAMPLES)
    monkeypatch.setattr(emulator, "_BATCH_BYTES", 8 * PERIOD * 20 * 2)

    def hold(change=lambda trains: trains, finished=range(SAMPLES)):
        rows = np.array(finished)
        trains = {i: np.unpackbits(t, axis=2, count=network.sizes[i])[rows] for i, t in enumerate(expected.trains)}
        packed = {index: np.packbits(train, axis=2) for index, train in change(trains).items()}
        ran = LavaRun(rows, packed, 77, None, None)
        return expected, agreed("chip", network, samples, PERIOD, ran, hint="look there", keep_trains=2)

    return hold


def test_equal_spikes_have_the_emulators_result_in_the_backends_name(run):
    expected, found = run()
    assert (found.backend, found.steps) == ("chip", 77)
    np.testing.assert_array_equal(found.output_scores, expected.output_scores)
    for ours, theirs in zip(expected.trains, found.trains, strict=True):
        np.testing.assert_array_equal(ours[:2], theirs)


def test_the_samples_that_were_done_are_compared_with_themselves(run):
    expected, found = run(finished=[4, 1])
    np.testing.assert_array_equal(found.output_counts, expected.output_counts[[4, 1]])


def rolled(layer, axis):
    """As many spikes in every sample, elsewhere."""
    return lambda trains: {**trains, layer: np.roll(trains[layer], 1, axis)}


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("axis", [1, 2], ids=["steps", "neurons"])
def test_spikes_of_other_steps_or_neurons_are_found_out(run, layer, axis):
    with pytest.raises(BackendError, match=r"^chip and emulator differ in \d+ spikes; first in sample 1, .*; look"):
        run(rolled(layer, axis))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_spike_is_found_out_at_its_place(run, layer):
    def flip(trains):
        trains[layer][4, 7, 2] ^= 1
        return {layer: trains[layer]}  # the only one that was read

    name = ("input", "hidden1", "output")[layer]
    message = rf"differ in 1 spikes; first in sample 5, {name} neuron 2, step 7: .* does not; look there$"
    with pytest.raises(BackendError, match=message):
        run(flip)
