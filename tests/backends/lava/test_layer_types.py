"""Lava's simulator sends what the emulator does, in samples that do not know of each other, for every layer type."""

import numpy as np
import pytest

from backends.test_laws import lava_trains
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import SpikeSamples
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.run.arrays import ValueSamples

SAMPLES, STEPS = 3, 7
SHAPE = (2, 5, 6)


def weights(rng, *shape, size=60):
    return 2 * rng.integers(-2 * size // 3, size, shape)


def neuron(rng, count, threshold=90):
    return Neuron(rng.integers(-20, 60, count), 400, 200, threshold)


def sigma_delta(rng, count, threshold=3, role="sigma-delta"):
    bias = rng.integers(-9, 9, count) if role == "sigma-delta" else np.zeros(count, dtype=int)
    return SigmaDelta(bias, threshold, role)


def conv(rng, make, size=60):
    space = Geometry(SHAPE, (3, 2), 4, (1, 2), (1, 0), (1, 2), 2)
    return Conv(weights(rng, 4, 1, 3, 2, size=size), make(rng, int(np.prod(space.output_shape))), space)


def spikes(rng, lines, graded=False):
    trains = (rng.random((SAMPLES, STEPS, lines)) < 0.4) * (rng.integers(-99, 100, lines) if graded else 1)
    return SpikeSamples(trains, graded=graded)


def values(rng, layer):
    return ValueSamples(rng.uniform(-1, 1, (SAMPLES, STEPS, layer.neurons)), STEPS, layer, "values")


def spiking(rng):
    """An input layer, a convolution, a flatten, dense with delays, recurrence, a read-out."""
    first = Input(SHAPE, Neuron(np.zeros(60, dtype=int), 4096, 300, 25), weight=36, bias=34)
    second = conv(rng, neuron)
    third = Dense(weights(rng, 9, second.neurons), neuron(rng, 9, 400), rng.integers(0, 4, (9, second.neurons)))
    fourth = RecurrentDense(weights(rng, 5, 9), weights(rng, 5, 5), neuron(rng, 5))
    last = Dense(weights(rng, 2, 5), Neuron([3, -3], 700, 100, 131071))
    return Network([first, second, third, fourth, last]), values(rng, first)


def telling(rng):
    """Sigma-delta neurons throughout, the last of which tell what they have added up."""
    first = Input(SHAPE, sigma_delta(rng, 60, 2, "delta"), weight=36, bias=34)
    second = conv(rng, sigma_delta, 6)
    third = Dense(weights(rng, 9, second.neurons, size=4), sigma_delta(rng, 9, 0))
    last = Dense(weights(rng, 2, 9, size=4), sigma_delta(rng, 2, 0, "sigma"))
    return Network([first, second, third, last]), values(rng, first)


def messages(rng):
    """Graded spikes onto dense neurons with delays."""
    delayed = Dense(weights(rng, 6, 5), neuron(rng, 6, 900), rng.integers(0, 9, (6, 5)))
    return Network([delayed, Dense(weights(rng, 3, 6), neuron(rng, 3))]), spikes(rng, 5, graded=True)


def images(rng):
    """Spikes of an image onto a convolution."""
    first = conv(rng, neuron)
    return Network([first, Dense(weights(rng, 3, first.neurons), neuron(rng, 3))]), spikes(rng, 60)


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "make", [spiking, telling, pytest.param(messages, marks=SLOW), pytest.param(images, marks=SLOW)]
)
def test_every_sample_is_independent_of_the_one_before(tmp_path, make):
    network, samples = make(np.random.default_rng(7))
    emulated = list(run_emulator(network, samples, STEPS, keep_trains=SAMPLES).trains)
    assert all(train[:, -1].any() for train in emulated), "the last step must send something"
    sent = lava_trains(tmp_path, network, samples, STEPS)
    if network.layers[0].takes_values:
        del emulated[0]  # nobody sends the values
    assert len(sent) == len(emulated)
    for ours, theirs in zip(emulated, sent, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
