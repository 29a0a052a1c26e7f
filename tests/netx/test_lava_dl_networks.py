"""lava-dl's own test networks, which its package installs: dense ones give its stored outputs, others are refused."""

from importlib.metadata import files
from pathlib import Path

import h5py
import numpy as np
import pytest

from snnlp_lava.backends.base import unpacked
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
    """What every layer sends, each in its own time, for (steps, channels) spikes."""
    trains = run_emulator(network, SpikeSamples(spikes[None]), len(spikes), keep_trains=1).trains
    return [unpacked(train[0], size) for train, size in zip(trains, network.sizes, strict=True)]


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
    ("name", "sizes"),
    [
        ("tiny.net", (768, 768, 864, 36)),
        ("mnist.net", (784, 784, 512, 512, 10)),
        ("gts/pilotnet_lif/network.net", (39600, 39600, 76032, 26460, 8064, 5632, 2560, 100, 50, 10, 1)),
        ("gts/pilotnet_sdnn/network.net", (9900, 9900, 18816, 6048, 5632, 2560, 100, 50, 10, 1)),
    ],
)
def test_networks_with_input_layers_and_convolutions_are_read(name, sizes):
    assert read_network(FILES[name]).network.sizes == sizes


def lines(stored):
    """(width, height, channels, steps) or (neurons, steps) as NetX has them, as (steps, lines)."""
    return stored.transpose(*range(stored.ndim)[::-1]).reshape(stored.shape[-1], -1)


def constant(values, steps):
    """A sample of the same currents in each step, of those that NetX takes as (width, height, channels)."""
    currents = lines(values[..., None]).astype(np.int32)
    return np.broadcast_to(currents, (1, steps, currents.size))


def test_tiny_net():
    """An input layer with neurons and two convolutions; what is stored begins a step later."""
    runs = read_network(FILES["tiny.net"]).network.run(constant(stored("gts/tinynet/input_bias.npy"), 16))
    for run, name in zip(runs, ("input", "layer1", "output"), strict=True):
        expected = stored(f"gts/tinynet/{name}.npy")[0].transpose(2, 1, 0, 3)
        assert expected.any()
        np.testing.assert_array_equal(run.spikes[0, :15], lines(expected)[1:16])


def test_pilotnet():
    """Every layer, against a chip's run that reset layer l at steps l and l + 17 and marks a spike in v with 128."""
    network = read_network(FILES["gts/pilotnet_lif/network.net"]).network
    runs = network.run(constant(stored("gts/pilotnet_lif/image.npy"), 17))
    names = ["input", *(f"conv-{index}" for index in range(5)), *(f"fc-{index}" for index in range(3))]
    for index, (layer, run, name) in enumerate(zip(network.layers, runs, names, strict=False)):
        window = slice(index, index + 17)
        expected = lines(stored(f"gts/pilotnet_lif/{name}.npy"))[window]
        assert expected.any()
        np.testing.assert_array_equal(run.spikes[0, : len(expected)], expected, err_msg=name)
        if index == 0:
            continue
        u, v = layer.states(runs[index - 1].spikes[0], run.spikes[0])
        for found, state in ((u, "u"), (np.where(run.spikes[0], 128, v), "v")):
            expected = lines(stored(f"gts/pilotnet_lif/{name}-{state}.npy"))[window]
            np.testing.assert_array_equal(found[: len(expected)], expected, err_msg=f"{name}-{state}")


def test_sigma_delta_pilotnet():
    """What Lava's layers told one after the other from its first step on: each gets nothing in its first step."""
    messages = constant(stored("gts/pilotnet_sdnn/input.npy")[..., 0], 9)
    for index, layer in enumerate(read_network(FILES["gts/pilotnet_sdnn/network.net"]).network.layers):
        if index:
            messages = np.concatenate([np.zeros_like(messages[:, :1]), messages[:, :-1]], axis=1)
        messages = layer.run(messages).spikes
    expected = stored("gts/pilotnet_sdnn/output.npy")
    assert np.count_nonzero(expected) == 8
    np.testing.assert_array_equal(messages[0].T, expected)


def test_what_netx_cannot_run_is_refused_by_name():
    with pytest.raises(InputError, match=r"layer/5 is of type 'average', which NetX 0\.6 cannot run either"):
        read_network(FILES["gts/ntidigits/ntidigits.net"])
