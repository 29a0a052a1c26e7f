"""lava-dl's own test networks, which its package installs: dense ones give its stored outputs, others are refused."""

from importlib.metadata import files
from pathlib import Path

import h5py
import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import SpikeSamples
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import read_network
from strategies import dense

FOLDER = "tests/lava/lib/dl/netx/"
FILES = {str(path)[len(FOLDER) :]: Path(path.locate()) for path in files("lava-dl") if str(path).startswith(FOLDER)}


def stored(name):
    return np.load(FILES[name], allow_pickle=False)


def emulated(network, spikes):
    """Spikes of every layer, each in its own time, for (steps, channels) spikes."""
    trains = run_emulator(network, SpikeSamples(spikes[None]), len(spikes), keep_trains=1).trains
    return [np.unpackbits(train[0], axis=1, count=size) for train, size in zip(trains, network.sizes, strict=True)]


def test_dense_block():
    """256 neurons, 2,000 steps; Lava's Dense and LIF Processes were given these values, current decay 4095 + 1."""
    weight = stored("gts/dense/weight.npy")
    network = Network([dense(weight, np.zeros(len(weight), int), 4096, 415, 6)])
    spikes, expected = stored("gts/dense/in.npy").T, stored("gts/dense/out.npy").T
    assert expected.sum() > 1000
    np.testing.assert_array_equal(emulated(network, spikes)[1][:-1], expected[1:])  # Lava's Dense is a step behind


@pytest.fixture
def dense_part(tmp_path):
    """The dense layers of PilotNet, a network file that an older lava-dl wrote."""
    path = tmp_path / "dense.net"
    with h5py.File(FILES["gts/pilotnet_lif/network.net"]) as whole, h5py.File(path, "w") as part:
        for index, layer in enumerate((6, 7, 8, 9, 10)):
            whole.copy(f"layer/{layer}", part, f"layer/{index}")
    return path


def test_dense_layers_of_pilotnet(dense_part):
    file = read_network(dense_part)
    assert file.card is None
    assert file.network.sizes == (2560, 100, 50, 10, 1)
    convolved = stored("gts/pilotnet_lif/conv-4.npy")  # x, y, feature, step
    spikes = convolved.transpose(3, 2, 1, 0).reshape(convolved.shape[3], -1)
    # The stored run was reset every 17 steps, layer l of the whole network at its step l: the dense ones at 6, 7, 8.
    found = emulated(file.network, spikes[5:22])
    for reset, name, own in zip((6, 7, 8), ("fc-0", "fc-1", "fc-2"), found[1:], strict=False):
        expected = stored(f"gts/pilotnet_lif/{name}.npy").T[reset : reset + 17]
        assert expected.any()
        np.testing.assert_array_equal(own[: len(expected)], expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gts/ntidigits/ntidigits.net", "layer/5 is of type 'average'"),
        ("gts/pilotnet_lif/network.net", "layer/0 is of type 'input' with neurons"),
        ("gts/pilotnet_sdnn/network.net", "layer/0 is of type 'input' with neurons"),
        ("mnist.net", "layer/0 is of type 'input' with neurons"),
        ("tiny.net", "layer/0 is of type 'input' with neurons"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(name, message):
    with pytest.raises(InputError, match=message):
        read_network(FILES[name])
