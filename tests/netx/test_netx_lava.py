import contextlib
import warnings
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.network_file import read_network, write_network
from snnlp_lava.train.slayer import import_slayer
from strategies import DAMAGES, KINDS, SEEDS, card_for, dense, networks, weights

pytestmark = pytest.mark.slow  # torch and lava-dl are imported


@pytest.fixture(scope="module")
def slayer():
    return import_slayer()


@pytest.fixture(scope="module")
def netx(slayer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lava.lib.dl import netx

    return netx


def contents(group):
    """Every dataset's name and stored value."""
    found = {}
    group.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


def weights_in_lava(dense):
    """The weights that Lava's fixed-point model of a Dense process computes with, found by one spike at a time."""
    from lava.proc.dense.models import PyDenseModelBitAcc

    model = PyDenseModelBitAcc(dict(dense.proc_params._parameters))
    model.weights, model.num_message_bits, model.a_buff = dense.weights.init, np.array([0]), None
    model.a_out = SimpleNamespace(send=lambda sums: None)
    columns = []
    for line in np.eye(dense.weights.shape[1]):
        model.s_in = SimpleNamespace(recv=lambda line=line: line)
        model.run_spk()
        columns.append(model.a_buff)
    return np.stack(columns, axis=1)


def lava_network(netx, path, network, card="of the network"):
    write_network(path, network, card_for(network) if card else None)
    with np.errstate(divide="ignore"):
        loaded = netx.hdf5.Network(net_config=str(path))
    loaded.net_config.f.close()
    return loaded


def test_layers_are_stored_as_lava_dl_itself_stores_them(slayer, tmp_path):
    import torch

    neuron = {"threshold": 10, "current_decay": 0.25, "voltage_decay": 0.03}
    block = slayer.block.cuba.Dense(neuron, 7, 5, weight_scale=8)
    block(torch.zeros(1, 7, 2))
    with h5py.File(tmp_path / "theirs.net", "w") as file:
        block.export_hdf5(file.create_group("layer/0"))
        theirs = contents(file)
    weight = block.synapse.pre_hook_fx(block.synapse.weight, descale=True).detach().numpy().reshape(5, 7)
    network = Network([dense(weight, np.zeros(5, int), 1024, 123, 640)])
    write_network(tmp_path / "ours.net", network, card_for(network))
    with h5py.File(tmp_path / "ours.net") as file:
        ours = contents(file["layer"])
    assert {f"layer/{name}" for name in ours} == set(theirs)
    for name, value in ours.items():
        assert isinstance(value, bytes) == isinstance(theirs[f"layer/{name}"], bytes), name
        np.testing.assert_array_equal(value, theirs[f"layer/{name}"], err_msg=name)
    assert read_network(tmp_path / "theirs.net").network.layers == network.layers


def test_recurrent_layers_are_stored_as_lava_dl_itself_stores_them(slayer, tmp_path):
    import torch

    neuron = {"threshold": 10, "current_decay": 0.25, "voltage_decay": 0.03}
    block = slayer.block.cuba.Recurrent(neuron, 7, 5, weight_scale=8)
    block(torch.zeros(1, 7, 2))
    with h5py.File(tmp_path / "theirs.net", "w") as file:
        block.export_hdf5(file.create_group("layer/0"))
        theirs = contents(file)
    (layer,) = read_network(tmp_path / "theirs.net").network.layers
    assert (layer.kind, layer.inputs, layer.neurons) == ("dense_rec", 7, 5)
    write_network(tmp_path / "ours.net", Network([layer]), None)
    with h5py.File(tmp_path / "ours.net") as file:
        ours = contents(file["layer"])
    assert {f"layer/{name}" for name in ours} == set(theirs)
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[f"layer/{name}"], err_msg=name)


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_recurrent_matrices_are_refused_unless_lava_computes_with_them(netx, tmp_path, neurons, inputs, seed):
    """Signs and sizes are drawn for each matrix by itself, the chip's limits often among them."""
    rng = np.random.default_rng(seed)
    matrices = []
    for lines in (inputs, neurons):
        size = 1 << rng.integers(1, 8)
        low, high = [(-size, size - 1), (0, size - 1), (-size, 0)][rng.integers(3)]
        matrices.append(rng.choice([1, 2, 2]) * rng.integers(low, high + 1, (neurons, lines)))
    try:
        network = Network([RecurrentDense(*matrices, Neuron([0] * neurons, 1024, 128, 80))])
    except InputError:
        return
    (block,) = lava_network(netx, tmp_path / "a.net", network, None).layers
    for matrix, synapse in zip(matrices, (block.synapse, block.synapse_rec), strict=True):
        np.testing.assert_array_equal(weights_in_lava(synapse), matrix)


@pytest.fixture(scope="module")
def lava_dl_file(slayer, tmp_path_factory):
    """The bytes of a network file that lava-dl itself has written."""
    import torch

    path = tmp_path_factory.mktemp("lava-dl") / "theirs.net"
    neuron = {"threshold": 10, "current_decay": 0.25, "voltage_decay": 0.03}
    with h5py.File(path, "w") as file:
        for index, (before, after) in enumerate([(7, 5), (5, 3)]):
            block = slayer.block.cuba.Dense(neuron, before, after, weight_scale=8)
            block(torch.zeros(1, before, 2))
            block.export_hdf5(file.create_group(f"layer/{index}"))
        assert h5py.check_string_dtype(file["layer/0/neuron/type"].dtype).length is None
    assert read_network(path).network.sizes == (7, 5, 3)
    return path.read_bytes()


@settings(max_examples=300)
@given(damage=DAMAGES)
def test_a_damaged_file_of_lava_dl_is_read_or_refused(tmp_path, lava_dl_file, damage):
    (tmp_path / "a.net").write_bytes(damage.of(lava_dl_file))
    with contextlib.suppress(InputError):
        read_network(tmp_path / "a.net")


@settings(max_examples=12)
@given(networks())
def test_netx_loads_the_same_network(netx, tmp_path, network):
    loaded = lava_network(netx, tmp_path / "a.net", network)
    assert len(loaded.layers) == len(network.layers)
    for layer, block in zip(network.layers, loaded.layers, strict=True):
        np.testing.assert_array_equal(weights_in_lava(block.synapse), layer.weight)
        lif = block.neuron
        assert (lif.du.init + 1, lif.dv.init, lif.vth.init) == (
            layer.neuron.current_decay,
            layer.neuron.voltage_decay,
            layer.neuron.threshold,
        )
        np.testing.assert_array_equal(lif.bias_mant.init * np.ones(layer.neurons), layer.neuron.bias)
        assert lif.bias_exp.init == 6


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(data=st.data())
def test_a_layer_is_refused_unless_lava_computes_with_its_weights(netx, tmp_path, kind, data):
    matrix = data.draw(weights(data.draw(st.integers(2, 4)), data.draw(st.integers(1, 4)), [kind]))
    try:
        network = Network([dense(matrix, np.zeros(len(matrix), int), 1024, 128, 80)])
    except InputError:
        assert kind == "inhibitory"
        return
    loaded = lava_network(netx, tmp_path / "a.net", network)
    np.testing.assert_array_equal(weights_in_lava(loaded.layers[0].synapse), matrix)
