"""Recurrent, delayed and convolutional layers as NIR: ours out and back, others' in, spike for spike."""

import itertools
import math

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from netx.nir_graphs import pair
from snnlp_lava.errors import InputError
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.netx.nir.own import read_nir, write_nir
from strategies import SEEDS, networks_of_any_layers

NEURON = Neuron([0, 5], 1024, 128, 80)


UNEVEN = Geometry((4, 6, 9), (3, 2), 6, (2, 1), (1, 0), (1, 2), 2)
"""Other numbers for height than for width, and groups, of which the package nir infers other shapes than it defines."""
EVEN = Geometry((4, 6, 9), (3, 3), 6, (2, 1), (1, 0), (1, 1))


def conv_network(seed, current_decay=4096, bias_of_places=False, space=UNEVEN):
    """A convolution, flattened onto two dense neurons."""
    rng = np.random.default_rng(seed)
    places = math.prod(space.output_shape[1:])
    bias = rng.integers(-9, 9, 6 * places) if bias_of_places else np.repeat(rng.integers(-9, 9, 6), places)
    weight = 2 * rng.integers(-60, 60, (6, 4 // space.groups, *space.kernel))
    conv = Conv(weight, Neuron(bias, current_decay, 300, 70), space)
    return Network([conv, Dense(2 * rng.integers(-60, 60, (2, conv.neurons)), NEURON)])


def same_bytes(tmp_path, network):
    """Whether a network comes back from a NIR file as it was."""
    write_network(tmp_path / "a.net", network, None)
    write_nir(tmp_path / "a.nir", network, None)
    read = read_nir(tmp_path / "a.nir")
    write_network(tmp_path / "b.net", read.network, read.card)
    return (tmp_path / "b.net").read_bytes() == (tmp_path / "a.net").read_bytes()


@given(networks_of_any_layers())
def test_networks_of_any_layers_come_back_or_are_refused_by_layer(tmp_path, network):
    try:
        write_nir(tmp_path / "a.nir", network, None)
    except InputError as error:
        assert str(error).startswith("layer ")
        return
    assert same_bytes(tmp_path, network)


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_delays_of_lines_and_of_neurons_come_back(tmp_path, seed, neurons, lines):
    rng = np.random.default_rng(seed)
    delay = rng.integers(0, 31, lines) + rng.integers(0, 31, (neurons, 1))
    weight = 2 * rng.integers(1, 60, (neurons, lines))
    assert same_bytes(tmp_path, Network([Dense(weight, Neuron(np.zeros(neurons, int), 9, 9, 9), delay)]))


@pytest.mark.parametrize(("current_decay", "bias_of_places"), [(4096, False), (4096, True), (900, False)])
def test_convolutions_come_back(tmp_path, current_decay, bias_of_places):
    assert same_bytes(tmp_path, conv_network(3, current_decay, bias_of_places))


def test_nir_reads_convolutions_and_delays(tmp_path):
    conv, dense = conv_network(3, space=EVEN).layers
    delayed = Dense(dense.weight, dense.neuron, np.arange(2)[:, None] + np.arange(dense.inputs) % 9)
    assert same_bytes(tmp_path, Network([conv, delayed]))
    kinds = [type(node).__name__ for node in nir.read(tmp_path / "a.nir").nodes.values()]
    assert sorted(kinds) == sorted(
        ["Input", "Conv2d", "CubaLIF", "Flatten", "Delay", "Linear", "Delay", "CubaLIF", "Output"]
    )


def test_a_recurrent_layer_is_a_graph_within_the_graph(tmp_path):
    network = Network([RecurrentDense([[2, 4], [-4, 6]], [[2, -2], [2, 4]], NEURON)])
    write_nir(tmp_path / "a.nir", network, None)
    inner = nir.read(tmp_path / "a.nir").nodes["neurons1"]
    assert {type(node).__name__ for node in inner.nodes.values()} == {"Input", "CubaLIF", "Linear", "Output"}
    assert set(inner.edges) == {
        ("input", "neurons"),
        ("neurons", "recurrent"),
        ("recurrent", "neurons"),
        ("neurons", "output"),
    }


def test_delays_of_single_synapses_are_refused(tmp_path):
    network = Network([Dense([[2, 2], [4, 2]], NEURON, [[1, 0], [0, 1]])])
    with pytest.raises(InputError, match=r"^layer 1: delays that differ from synapse to synapse cannot be written"):
        write_nir(tmp_path / "a.nir", network, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("changed", ["weight", "bias"])
def test_changed_floats_of_a_convolution_are_refused(tmp_path, changed):
    import h5py

    write_nir(tmp_path / "a.nir", conv_network(3), None)
    with h5py.File(tmp_path / "a.nir", "a") as file:
        file[f"node/nodes/weights1/{changed}"][0] += 1
    with pytest.raises(InputError, match=rf"node 'weights1' \(Conv2d\): {changed} is not what the integers"):
        read_nir(tmp_path / "a.nir")


def read(path, nodes, edges=None):
    """Read a graph of nodes, a chain if nothing else is said."""
    names = list(nodes)
    edges = list(itertools.pairwise(names)) if edges is None else edges
    nir.write(path, nir.NIRGraph(nodes, edges, type_check=False))
    return read_nir(path)


def recurrent_nodes():
    """Weights and neurons of a layer with decays of 1/4 and 1/8, and its recurrent weights, all exact on the chip."""
    weights, neurons = pair(np.array([[1.0, -0.5], [0.5, 1.0]]))
    return weights, neurons, nir.Affine(np.array([[0.25, 0.5], [-1.0, 0.5]]), np.array([0.0, 0.25]))


@pytest.mark.parametrize("nested", [True, False])
def test_recurrent_layers_of_others_are_read(tmp_path, nested):
    weights, neurons, recurrent = recurrent_nodes()
    ends = {"input": nir.Input(np.array([2])), "output": nir.Output(np.array([2]))}
    loop = [("lif", "w_rec"), ("w_rec", "lif")]
    if nested:  # as snnTorch and the NIR paper's braille networks
        inner = nir.NIRGraph(
            ends | {"lif": neurons, "w_rec": recurrent}, [("input", "lif"), *loop, ("lif", "output")], type_check=False
        )
        nodes, edges = ends | {"0": weights, "1": inner}, [("input", "0"), ("0", "1"), ("1", "output")]
    else:
        nodes = ends | {"w": weights, "lif": neurons, "w_rec": recurrent}
        edges = [("input", "w"), ("w", "lif"), *loop, ("lif", "output")]
    found = read(tmp_path / "a.nir", nodes, edges)
    (layer,) = found.network.layers
    assert isinstance(layer, RecurrentDense)
    assert (layer.weight.tolist(), layer.recurrent.tolist()) == ([[64, -32], [32, 64]], [[16, 32], [-64, 32]])
    assert (layer.neuron.threshold, layer.neuron.current_decay, layer.neuron.bias.tolist()) == (64, 1024, [0, 64])
    assert len(found.notes) == 1


@pytest.mark.parametrize("where", ["lines", "neurons"])
def test_delays_of_others_are_read_in_steps(tmp_path, where):
    weights, neurons = pair(np.array([[1.0, -0.5, 0.5], [0.5, 1.0, 1.0]]))
    steps = [3, 0, 62] if where == "lines" else [7, 1]
    delay = nir.Delay(1e-4 * (np.array(steps) + 0.2))
    inner = {"d": delay, "w": weights} if where == "lines" else {"w": weights, "d": delay}
    nodes = {"i": nir.Input(np.array([3])), **inner, "n": neurons, "o": nir.Output(np.array([2]))}
    found = read(tmp_path / "a.nir", nodes)
    expected = [steps] * 2 if where == "lines" else [[7] * 3, [1] * 3]
    assert found.network.layers[0].delay.tolist() == expected
    assert "delays were rounded to whole steps, by up to 0.2 of a step" in found.notes[0]


def windows_of(frames, size, stride, padding):
    """What a kernel sees: (steps, channels, height, width) to (steps, channels, places..., kernel height, width)."""
    frames = np.pad(frames, ((0, 0), (0, 0), *((p, p) for p in padding)))
    return sliding_window_view(frames, size, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]


def compute(node, frames):
    """What a NIR node makes of frames (steps, ...), by its definition."""
    if isinstance(node, nir.Conv2d):
        reach = [d * (k - 1) + 1 for d, k in zip(node.dilation, node.weight.shape[2:], strict=True)]
        seen = windows_of(frames, reach, node.stride, node.padding)[..., :: node.dilation[0], :: node.dilation[1]]
        parts = zip(np.split(seen, node.groups, axis=1), np.split(node.weight, node.groups), strict=True)
        sums = [np.einsum("tcyxji,kcji->tkyx", part, kernel) for part, kernel in parts]
        return np.concatenate(sums, axis=1) + node.bias[:, None, None]
    if isinstance(node, nir.SumPool2d | nir.AvgPool2d):
        seen = windows_of(frames, node.kernel_size, node.stride, node.padding)
        return seen.sum(axis=(4, 5)) / (node.kernel_size.prod() if isinstance(node, nir.AvgPool2d) else 1)
    if isinstance(node, nir.IF):
        voltage, sent = 0, []
        for arriving in frames:
            voltage = voltage + arriving
            sent.append(voltage > node.v_threshold)
            voltage = np.where(sent[-1], 0, voltage)
        return np.array(sent, dtype=float)
    return frames.reshape(len(frames), -1) if isinstance(node, nir.Flatten) else frames @ node.weight.T


def conv_node(size, weight, stride=1, padding=0, dilation=1, groups=1, bias=None):
    return nir.Conv2d(
        size,
        np.asarray(weight, float),
        stride,
        padding,
        dilation,
        groups,
        np.zeros(len(weight)) if bias is None else bias,
    )


def pool_node(kernel, stride, mean=False):
    return (nir.AvgPool2d if mean else nir.SumPool2d)(np.array(kernel), np.array(stride), np.array([0, 0]))


def if_node(shape, threshold):
    return nir.IF(r=np.full(shape, 1e4), v_threshold=np.full(shape, threshold))


@given(seed=SEEDS, mean=st.booleans(), side=st.sampled_from([4, 8]))
def test_a_convolutional_graph_as_in_the_nir_paper_gives_its_spikes(tmp_path, seed, mean, side):
    """Convolutions and neurons, pools in front of a padded convolution and of a dense layer; exact on the chip."""
    rng = np.random.default_rng(seed)

    def kernel(*shape):
        weight = rng.integers(-3, 4, shape).astype(float)
        weight.flat[0] = 3.0
        return weight

    half = side // 2
    lines = 3 * (half // 2) * ((half - 1) // 2 + 1)
    nodes = {
        "input": nir.Input(np.array([2, side, side - 1])),
        "0": conv_node(
            (side, side - 1), kernel(4, 1, 3, 2), 1, (1, 1), (1, 2), 2, rng.integers(-1, 2, 4).astype(float)
        ),
        "1": if_node((4, side, side - 1), 2.5),
        "2": conv_node((side, side - 1), kernel(4, 2, 1, 2), 1, (0, 1), 1, 2),
        "3": if_node((4, side, side), 1.5),
        "4": pool_node((2, 2), (2, 2), mean),
        "5": conv_node((half, half), kernel(3, 4, 3, 3), padding=1),
        "6": if_node((3, half, half), 3.25),
        "7": pool_node((2, 1), (2, 2)),
        "8": pool_node((1, 1), (1, 1)),
        "9": nir.Flatten(np.array([3, half // 2, (half - 1) // 2 + 1]), 0, -1),
        "10": nir.Linear(kernel(2, lines)),
        "11": if_node(2, 1.5),
        "output": nir.Output(np.array([2])),
    }
    given_frames = (rng.random((9, 2, side, side - 1)) < 0.4).astype(float)
    frames, sent = given_frames, []
    for node in list(nodes.values())[1:-1]:
        frames = compute(node, frames)
        sent += [frames] if isinstance(node, nir.IF) else []
    network = read(tmp_path / "a.nir", nodes).network
    runs = network.run(given_frames.reshape(1, len(frames), -1).astype(np.uint8))
    for ours, theirs in zip(runs, sent, strict=True):
        np.testing.assert_array_equal(ours.spikes[0], theirs.reshape(len(theirs), -1))


REFUSED = {
    "remainder": (
        {"p": pool_node((2, 2), (2, 2))},
        conv_node((2, 2), np.ones((1, 1, 1, 1)), padding=1),
        (1, 5, 5),
        16,
        r"node 'p' \(SumPool2d\): is followed by node 'c' \(Conv2d\) with padding, so it must divide \(5, 5\)",
    ),
    "kernel": (
        {"p": pool_node((64, 64), (64, 64))},
        conv_node((2, 2), np.ones((1, 1, 2, 2))),
        (1, 128, 128),
        1,
        "make a kernel of 128 x 128",
    ),
    "small": ({}, conv_node((5, 5), np.ones((1, 1, 6, 1))), (1, 5, 5), 1, "kernel of 6 is larger"),
    "groups": (
        {},
        conv_node((5, 5), np.ones((1, 1, 2, 2)), groups=0),
        (1, 5, 5),
        1,
        "groups must be 1 or 2 integers >= 1",
    ),
    "same": (
        {},
        conv_node((5, 5), np.ones((1, 1, 2, 2)), padding="same"),
        (1, 5, 5),
        1,
        "padding 'same' cannot be written",
    ),
}


@pytest.mark.parametrize(("pools", "conv", "shape", "outputs", "message"), REFUSED.values(), ids=REFUSED)
def test_convolutions_that_do_not_fit_are_refused(tmp_path, pools, conv, shape, outputs, message):
    nodes = {
        "i": nir.Input(np.array(shape)),
        **pools,
        "c": conv,
        "n": if_node(1, 1.0),
        "o": nir.Output(np.array([outputs])),
    }
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.nir", nodes)


def test_same_padding_of_odd_kernels_is_read(tmp_path):
    conv = conv_node((5, 5), np.ones((1, 1, 3, 5)), padding="same")
    nodes = {
        "i": nir.Input(np.array([1, 5, 5])),
        "c": conv,
        "n": if_node((1, 5, 5), 1.0),
        "o": nir.Output(np.array([25])),
    }
    (layer,) = read(tmp_path / "a.nir", nodes).network.layers
    assert (layer.geometry.padding, layer.output_shape) == ((1, 2), (1, 5, 5))


def test_parameters_of_a_convolution_are_one_a_channel(tmp_path):
    conv = conv_node((5, 5), np.ones((1, 1, 5, 4)))
    neurons = nir.IF(r=np.full((1, 1, 2), 1e4), v_threshold=np.array([[[1.0, 2.0]]]))
    nodes = {"i": nir.Input(np.array([1, 5, 5])), "c": conv, "n": neurons, "o": nir.Output(np.array([2]))}
    with pytest.raises(InputError, match=r"node 'n' \(IF\): v_threshold differs within a channel"):
        read(tmp_path / "a.nir", nodes)
