"""Lava's simulator sends what the emulator does, in samples that do not know of each other, for every layer type."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from backends.test_laws import lava_trains
from cli.commands import python
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import SpikeSamples
from snnlp_lava.errors import InputError
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.run.arrays import ValueSamples
from snnlp_lava.run.folder import read_run
from strategies import SEEDS, chains

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
    delayed = Dense(weights(rng, 6, 5), neuron(rng, 6), rng.integers(0, 9, (6, 5)))
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


@st.composite
def presented_chains(draw):
    """A chain of layers of all types, and samples that suit its first layer."""
    network = draw(chains())
    rng = np.random.default_rng(draw(SEEDS))
    if network.layers[0].takes_values:
        return network, ValueSamples(rng.uniform(-9, 9, (SAMPLES, STEPS, network.inputs)), STEPS, network.layers[0], "")
    return network, spikes(rng, network.inputs, draw(st.booleans()))


@pytest.mark.slow
@settings(max_examples=30)
@given(run=presented_chains())
def test_random_chains_of_all_layer_types_send_the_same_on_lava(tmp_path, run):
    """30 chains of up to five layers, three samples each."""
    network, samples = run
    try:
        emulated = run_emulator(network, samples, STEPS, keep_trains=SAMPLES).trains
    except InputError as error:  # messages that Lava's integers would not hold
        assert "messages" in str(error)
        reject()
    sent = lava_trains(tmp_path, network, samples, STEPS)
    for ours, theirs in zip(emulated[-len(sent) :], sent, strict=True):
        np.testing.assert_array_equal(ours, theirs)


NETX = Path(__file__).parents[4] / "shared" / "data" / "netx"


@pytest.mark.slow
@pytest.mark.skipif(not NETX.is_dir(), reason="needs the networks in ../shared/data/netx")
class TestNetworksMadeElsewhere:
    """run and verify on lava-dl's own networks; the counts are those of its stored spikes."""

    @pytest.fixture(params=["tiny", "oxford", "pilotnet-lif"])
    def given_network(self, request, tmp_path):
        values = tmp_path / "values.npy"
        if request.param == "oxford":
            return NETX / "oxford.net", ("--events", NETX / "oxford-input.npy")
        if request.param == "tiny":
            np.save(values, np.stack([(np.load(NETX / "tiny-input-bias.npy") - 34) / 36] * 2))
            return NETX / "tiny.net", ("--values", values, "--steps", 17)
        np.save(values, (np.load(NETX / "pilotnet-lif-image.npy")[None] - 36) / 40)
        return NETX / "pilotnet-lif.net", ("--values", values, "--steps", 17)

    def stored_spikes(self, name):
        """Spikes of some layers, lava-dl's own; of PilotNet in the first window of each."""
        if name == "oxford":
            return {}
        if name == "tiny":  # which begin one step later
            return {2: np.load(NETX / "tiny-layer1.npy")[0, ..., 1:], 3: np.load(NETX / "tiny-output.npy")[0, ..., 1:]}
        names = ["input", *(f"conv-{index}" for index in range(5)), *(f"fc-{index}" for index in range(3))]
        trains = {layer: np.load(NETX / f"pilotnet-lif-{name}.npy") for layer, name in enumerate(names, start=1)}
        return {layer: train.T[layer - 1 : layer + 16].T for layer, train in trains.items()}

    def test_they_run_and_are_verified(self, tmp_path, given_network):
        network, options = given_network
        command = ("-m", "snnlp_lava.cli.main")
        done = python(*command, "run", network, *options, "--keep-trains", 1, "-o", "out", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        run = read_run(tmp_path / "out")
        for layer, stored in self.stored_spikes(network.stem).items():
            ours = run.trains[layer][0]
            wanted = stored.transpose(2, 1, 0, 3) if stored.ndim == 4 and network.stem != "tiny" else stored
            wanted = wanted.reshape(-1, stored.shape[-1]).T
            np.testing.assert_array_equal(ours[: len(wanted)], wanted)
        done = python(*command, "verify", network, *options, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["total_differences"], document["compared_with"]) == (0, ["sim"])
        assert all(layer["differences"]["sim"] == 0 for layer in document["layers"])
        assert all(layer["spikes"] for layer in document["layers"][2:-1])
