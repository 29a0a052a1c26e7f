"""Files of input layers, convolutions and sigma-delta neurons: what they may leave out, and what is refused."""

import tracemalloc

import h5py
import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.netx.network_file import read_network, write_network


def cuba(count, bias=0):
    return Neuron(np.full(count, bias), 1024, 128, 80)


SPACE = Geometry((2, 5, 7), (3, 2), 4, stride=(2, 1), padding=(0, 1), dilation=(1, 2), groups=2)
KERNEL = np.arange(4 * 1 * 3 * 2).reshape(4, 1, 3, 2) - 9
CONVOLUTIONAL = Network(
    [
        Input((2, 5, 7), cuba(70), 36, 34),
        Conv(KERNEL, Neuron(np.repeat([1, -2, 3, 4], 14), 4096, 7, 25), SPACE),
        Dense(np.full((3, 56), 2), cuba(3)),
    ]
)
SIGMA_DELTA = Network(
    [
        Input((2, 5, 7), SigmaDelta(np.zeros(70), 3, "delta")),
        Conv(KERNEL, SigmaDelta(np.arange(56), 9), SPACE),
        Dense(np.full((3, 56), 2), SigmaDelta(np.zeros(3), 9, "sigma")),
    ]
)
"""Their files have the layers input, conv, flatten, dense."""


@pytest.fixture
def path(tmp_path):
    write_network(tmp_path / "a.net", CONVOLUTIONAL, None)
    return tmp_path / "a.net"


def put(path, name, value):
    """Put another value or nothing (None) in the place of a member of the layers."""
    with h5py.File(path, "a") as file:
        if f"layer/{name}" in file:
            del file[f"layer/{name}"]
        if value is not None:
            file[f"layer/{name}"] = value


@pytest.mark.parametrize("network", [CONVOLUTIONAL, SIGMA_DELTA], ids=["CUBA", "sigma-delta"])
def test_the_shapes_between_layers_are_written_as_netx_needs_them(tmp_path, network):
    write_network(tmp_path / "a.net", network, None)
    with h5py.File(tmp_path / "a.net") as file:
        kinds = [file[f"layer/{index}/type"][0].decode() for index in range(len(file["layer"]))]
    assert kinds == ["input", "conv", "flatten", "dense"]
    assert read_network(tmp_path / "a.net").network == network


def test_a_convolution_that_comes_first_is_written_behind_its_shape(tmp_path):
    network = Network(CONVOLUTIONAL.layers[1:])
    write_network(tmp_path / "a.net", network, None)
    with h5py.File(tmp_path / "a.net") as file:
        assert file["layer/0/shape"][()].tolist() == [2, 5, 7]
        assert "neuron" not in file["layer/0"]
    assert read_network(tmp_path / "a.net").network == network


def test_what_a_file_may_leave_out_or_write_otherwise(path):
    put(path, "1/weight", KERNEL[..., None])
    put(path, "1/bias", np.array([1.0, -2, 3, 4]))
    put(path, "1/groups", 2.0)
    put(path, "0/weight", np.full((1, 1, 1), 36.9))
    put(path, "0/bias", None)
    expected = Input((2, 5, 7), cuba(70), 36, 0)
    assert read_network(path).network.layers == (expected, *CONVOLUTIONAL.layers[1:])
    put(path, "0/weight", None)
    assert read_network(path).network.layers[0].weight == 64


def test_a_dense_layer_without_neurons_adds_up_for_ever(path):
    """NetX's neurons for it: u keeps all, v is u, and no spike."""
    put(path, "3/neuron", None)
    layer = read_network(path).network.layers[2]
    assert layer.neuron.reads_out
    arrived = np.zeros((6, 56), np.uint8)
    arrived[1, :3], arrived[4, 0] = 1, 1
    u, v = layer.states(arrived, np.zeros((6, 3), np.uint8))
    assert u[:, 0].tolist() == v[:, 0].tolist() == [0, 6 * 64, 6 * 64, 6 * 64, 8 * 64, 8 * 64]


CHANGES = {
    "input without shape": ("0/shape", None, "layer 1: lacks shape"),
    "input of 2 axes": ("0/shape", np.array([10, 7]), r"layer 1: input layer of shape \(10, 7\); NetX 0\.6 connects"),
    "input huge": (
        "0/shape",
        np.array([1 << 16, 1 << 16, 3]),
        "layer 1: has the shape .*; 1048576 neurons are the most",
    ),
    "input negative": ("0/shape", np.array([-3, 5, 7]), "layer 1: has the shape .*; it must be 1 to 4 integers"),
    "input fractional": ("0/shape", np.array([2, 5, 6.5]), "layer 1: has the shape .*; it must be 1 to 4 integers"),
    "input not a number": (
        "0/shape",
        np.array([2, np.nan, 7]),
        "layer 1: has the shape .*; it must be 1 to 4 integers",
    ),
    "input of many axes": ("0/shape", np.ones(9), "layer 1: has the shape .*; it must be 1 to 4 integers"),
    "input weight of neurons": ("0/weight", np.ones((2, 5, 7)), "layer 1: weight of an input layer must be one number"),
    "input weight infinite": ("0/weight", np.inf, "layer 1: weight of an input layer must be one number"),
    "input of other channels": (
        "0/shape",
        np.array([4, 5, 7]),
        "layer 2: has kernels over 1 channels in 2 groups, but",
    ),
    "input flat": ("0/shape", np.array([70]), r"layer 2: a convolution takes \(channels, height, width\), got \(70,\)"),
    "no kernel": ("1/weight", None, "layer 2: lacks weight"),
    "no stride": ("1/stride", None, "layer 2: lacks stride"),
    "no neuron": ("1/neuron", None, "layer/1 has no neuron description"),
    "no shape": ("1/shape", None, "layer 2: lacks shape"),
    "kernel of 3 axes": ("1/weight", KERNEL[..., 0], r"/layer/1/weight is int64 of shape \(4, 1, 3\)"),
    "kernel over time": (
        "1/weight",
        np.ones((4, 1, 3, 2, 3)),
        "layer 2: has a kernel over 3 steps of time",
    ),
    "kernel too large": (
        "1/weight",
        np.ones((4, 1, 6, 2)),
        r"layer 2: a kernel that reaches over \(6, 3\) does",
    ),
    "kernel beyond 8 bits": ("1/weight", np.ones((4, 1, 130, 2)), "layer 2: kernel 130 is outside 1 to 127"),
    "weight too large": ("1/weight", np.full((4, 1, 3, 2), 256), "layer 2: weight 256 is outside -256 to 255"),
    "weights odd": ("1/weight", np.resize([-129, 3], (4, 1, 3, 2)), "layer 2: weights from -129 to 3, odd ones among"),
    "weight fractional": ("1/weight", np.full((4, 1, 3, 2), 0.5), "layer 2: weight must hold integers, got 0.5"),
    "shape that is not": ("1/shape", np.array([4, 2, 8]), r"layer 2: has the shape \(4, 2, 8\), but .* \(4, 2, 7\)"),
    "stride of none": ("1/stride", np.array([0, 1]), "layer 2: stride 0 is outside 1 to 127"),
    "stride of three": ("1/stride", np.array([1, 1, 1]), "layer 2: stride must be one integer or two, got 3 values"),
    "stride fractional": ("1/stride", np.array([1.5, 1]), "layer 2: stride must hold integers, got"),
    "stride not a number": ("1/stride", np.nan, "layer 2: stride must hold integers, got"),
    "padding huge": ("1/padding", np.array([1 << 30, 1 << 30]), "layer 2: padding 1073741824 is outside 0 to 127"),
    "dilation huge": ("1/dilation", 127, r"layer 2: a kernel that reaches over \(255, 128\) does not fit"),
    "groups that do not split": ("1/groups", 3, "layer 2: 2 input channels cannot be split into 3 groups"),
    "groups beyond 8 bits": ("1/groups", 128, "layer 2: groups 128 is outside 1 to 127"),
    "biases of other channels": ("1/bias", np.ones(5), r"layer 2: has biases of shape \(5,\) for neurons of shape"),
    "delays": ("1/delay", np.array([0.0, 1]), "layer 2: is a convolution with delays, which NetX 0.6 leaves out"),
    "no flatten": ("2/type", np.array([b"input"]), "layer/2 has no neuron description"),
    "dense too small": ("3/weight", np.ones((3, 55)), "layer 2 has 56 neurons, but layer 3 takes 55"),
}


@pytest.mark.parametrize(("name", "value", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_does_not_fit_is_refused_in_a_line(path, name, value, message):
    put(path, name, value)
    with pytest.raises(InputError, match=rf"^network .*a\.net: {message}") as raised:
        read_network(path)
    assert "\n" not in str(raised.value)


SIGMA_DELTA_CHANGES = {
    "activation": ("1/neuron/activation", "tanh", "layer/1 has the activation 'tanh'; NetX 0.6 runs ReLU"),
    "decay": ("1/neuron/iDecay", 7, "layer/1 has SDNN neurons with iDecay"),
    "message bits": ("1/neuron/messageBits", 8, "layer/1 has SDNN neurons with messageBits"),
    "threshold": ("1/neuron/vThMant", -1, "layer 2: threshold -1 is outside 0 to 131071"),
    "bias of an output": ("3/bias", np.ones(3), "layer 4: sigma neurons have no bias, which NetX 0.6 cannot load"),
}


@pytest.mark.parametrize(("name", "value", "message"), SIGMA_DELTA_CHANGES.values(), ids=SIGMA_DELTA_CHANGES)
def test_sigma_delta_neurons_that_netx_runs_otherwise_are_refused(path, name, value, message):
    write_network(path, SIGMA_DELTA, None)
    put(path, name, value)
    with pytest.raises(InputError, match=rf"^network .*a\.net: {message}"):
        read_network(path)


def layers_of(path, *indices):
    """Keep these layers of a file, in this order."""
    with h5py.File(path) as file, h5py.File(path.with_name("b.net"), "w") as other:
        for place, index in enumerate(indices):
            file.copy(f"layer/{index}", other, f"layer/{place}")
    return path.with_name("b.net")


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ((1, 2, 3), "layer 1: is a convolution, and no input layer says the shape"),
        ((0, 1, 3), r"layer/2 takes one axis, and no flatten stands between it and \(4, 2, 7\)"),
        ((0, 0), "layer 2: is an input layer behind others"),
        ((0, 2), None),
        ((2,), "has no layer with neurons"),
        ((3, 2, 3), r"layer/2 flattens \(3,\)"),
        ((3, 1), r"layer 2: a convolution takes \(channels, height, width\), got \(3,\)"),
    ],
)
def test_layers_that_netx_does_not_connect_are_refused(path, indices, message):
    if message is None:
        assert len(read_network(layers_of(path, *indices)).network.layers) == 1
        return
    with pytest.raises(InputError, match=message):
        read_network(layers_of(path, *indices))


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "message"),
    [
        ((1, 1 << 20, 1), (100, 1, 1, 1), 1, 0, "a convolution to .*; 1048576 neurons are the most"),
        ((1, 1, 1), (4096, 1, 1, 1), 1, 127, "a convolution to .*; 1048576 neurons are the most"),
        ((64, 128, 128), (64, 64, 127, 127), 1, 63, "a convolution of .* synapses; 1073741824 are the most"),
    ],
)
def test_a_convolution_that_would_unfold_to_terabytes_allocates_nothing(path, shape, kernel, stride, padding, message):
    put(path, "0/shape", np.array(shape))
    with h5py.File(path, "a") as file:
        del file["layer/1/weight"]
        file.create_dataset("layer/1/weight", kernel, "i1", fillvalue=1)
    for name, value in {"stride": stride, "padding": padding, "dilation": 1, "groups": 1}.items():
        put(path, f"1/{name}", value)
    read = np.prod(kernel) + np.prod(shape) * 8  # the kernel itself, and the input layer
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=f"layer 2: {message}"):
            read_network(path)
        assert tracemalloc.get_traced_memory()[1] < 6 * read + (1 << 22)
    finally:
        tracemalloc.stop()
