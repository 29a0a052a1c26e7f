import itertools

import h5py
import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netx.nir_graphs import NETWORK, pair, read_graph
from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.bernoulli import BernoulliEncoder
from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.netx.nir.graph import TIME_STEP
from snnlp_lava.netx.nir.own import read_nir, write_nir
from snnlp_lava.netx.quantise import SCALE
from strategies import SEEDS, card_for, dense, layers, networks


def without_integers(path):
    with h5py.File(path, "a") as file:
        del file["node/metadata"]


@given(networks(), st.data())
def test_what_was_written_is_read(tmp_path, network, data):
    values = st.lists(st.floats(-1e9, 1e9), min_size=network.inputs, max_size=network.inputs).map(np.array)
    encoder = BernoulliEncoder(Calibration("range", data.draw(values), data.draw(values)), data.draw(SEEDS))
    card = card_for(network, encoder=encoder)
    write_nir(tmp_path / "a.nir", network, card)
    read = read_nir(tmp_path / "a.nir")
    assert read.network == network
    assert read.card.to_dict() == card.to_dict()
    for name, array in encoder.arrays().items():
        np.testing.assert_array_equal(read.card.encoder.arrays()[name], array)
    assert (read.changes, read.notes) == ((), ())


ENCODERS = {
    "word codes": (WordCodeEncoder(("i", "naïve"), np.array([3, 1 << 63], dtype=np.uint64)), 64),
    "spike embedding": (
        SpikeEmbeddingEncoder(("oh", "oh no"), np.array([[1, 0], [255, 32]], dtype=np.uint8), 11, 3),
        14,
    ),
}


@pytest.mark.parametrize(("encoder", "lines"), ENCODERS.values(), ids=ENCODERS)
def test_the_network_file_made_of_a_nir_file_has_the_same_bytes(tmp_path, random_network, encoder, lines):
    network = random_network((lines, 3), 0)
    card = card_for(network, encoder=encoder, embedding=EmbeddingInfo("codes", "0" * 64, None))
    write_network(tmp_path / "a.net", network, card)
    write_nir(tmp_path / "a.nir", network, card)
    read = read_nir(tmp_path / "a.nir")
    write_network(tmp_path / "b.net", read.network, read.card)
    assert (tmp_path / "b.net").read_bytes() == (tmp_path / "a.net").read_bytes()


def test_the_same_network_gives_the_same_bytes(our_nir):
    first = our_nir.read_bytes()
    write_nir(our_nir, NETWORK, card_for(NETWORK))
    assert our_nir.read_bytes() == first


def test_nir_reads_it_as_a_chain_of_weights_and_neurons(our_nir):
    graph = nir.read(our_nir)
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    names = ["input", "weights1", "neurons1", "weights2", "neurons2", "output"]
    assert [kinds[name] for name in names] == ["Input", "Linear", "CubaLIF", "Affine", "CubaLIF", "Output"]
    assert set(graph.edges) == set(itertools.pairwise(names))
    assert graph.nodes["input"].input_type["input"].tolist() == [3]
    np.testing.assert_array_equal(graph.nodes["weights1"].weight * SCALE, NETWORK.layers[0].weight)
    np.testing.assert_array_equal(graph.nodes["weights2"].bias * SCALE, NETWORK.layers[1].neuron.bias)
    assert graph.metadata["snnlp"]["time_step"] == TIME_STEP


def euler_trains(graph, spikes):
    """Spikes of every layer of a graph of ours, by Euler's method in float64, for spikes (steps, lines)."""
    trains = [spikes]
    for number in range(1, (len(graph.nodes) - 2) // 2 + 1):
        weights, neuron = graph.nodes[f"weights{number}"], graph.nodes[f"neurons{number}"]
        current, voltage, train = np.zeros_like(neuron.r), np.zeros_like(neuron.r), []
        for arriving in trains[-1]:
            sent = weights.weight.astype(float) @ arriving + getattr(weights, "bias", 0.0)
            current = current + TIME_STEP / neuron.tau_syn * (neuron.w_in * sent - current)
            voltage = voltage + TIME_STEP / neuron.tau_mem * (neuron.v_leak - voltage + neuron.r * current)
            fired = voltage > neuron.v_threshold
            voltage = np.where(fired, neuron.v_reset, voltage)
            train.append(fired)
        trains.append(np.array(train))
    return trains[1:]


@given(st.data(), SEEDS)
def test_eulers_method_gives_the_chips_spikes_where_nothing_is_cut(tmp_path, data, seed):
    """Decays of 0 and 4096 leave no fractions, so float and integer neurons agree spike for spike."""
    sizes = data.draw(st.lists(st.integers(2, 6), min_size=2, max_size=3))
    network = Network(
        [
            dense(layer.weight, layer.neuron.bias, 4096, data.draw(st.sampled_from([0, 4096])), layer.neuron.threshold)
            for layer in [data.draw(layers(after, before)) for before, after in itertools.pairwise(sizes)]
        ]
    )
    write_nir(tmp_path / "a.nir", network, card_for(network))
    spikes = (np.random.default_rng(seed).random((20, network.inputs)) < 0.6).astype(np.uint8)
    arriving = spikes
    for layer, found in zip(network.layers, euler_trains(nir.read(tmp_path / "a.nir"), spikes), strict=True):
        run = layer.run(arriving[None])
        if run.wraps.any() or run.clips.any():
            return
        arriving = run.spikes[0]
        np.testing.assert_array_equal(found, arriving)


@given(networks())
def test_decays_gains_and_biases_of_eulers_step_are_the_chips(tmp_path, network):
    write_nir(tmp_path / "a.nir", network, card_for(network))
    graph = nir.read(tmp_path / "a.nir")
    for number, layer in enumerate(network.layers, start=1):
        weights, neuron = graph.nodes[f"weights{number}"], graph.nodes[f"neurons{number}"]
        syn, mem = TIME_STEP / neuron.tau_syn, TIME_STEP / neuron.tau_mem
        np.testing.assert_allclose((1 - syn) * 4096, 4096 - layer.neuron.current_decay, rtol=0, atol=1e-9)
        np.testing.assert_allclose((1 - mem) * 4096, 4096 - layer.neuron.voltage_decay, rtol=0, atol=1e-9)
        np.testing.assert_allclose(neuron.w_in * syn, 1, rtol=1e-12)
        np.testing.assert_allclose(neuron.r * mem, 1, rtol=1e-12)
        assert not neuron.v_reset.any()
        each_step = neuron.v_leak * mem + getattr(weights, "bias", 0)
        np.testing.assert_allclose(each_step * SCALE, layer.neuron.bias, rtol=1e-9, atol=0)
        np.testing.assert_array_equal(neuron.v_threshold * SCALE, layer.neuron.threshold)


@given(networks())
def test_the_floats_alone_give_the_same_integers(tmp_path, network):
    write_nir(tmp_path / "a.nir", network, card_for(network))
    without_integers(tmp_path / "a.nir")
    read = read_nir(tmp_path / "a.nir")
    assert read.network == network
    assert read.card is None
    for change in read.changes:
        assert (change.scale, change.n_zeroed) == (SCALE, 0)
        assert max(change.weight_error, change.bias_error, abs(change.current_decay_error)) < 1e-6


@pytest.mark.parametrize(
    ("node", "field"),
    [
        ("weights1", "weight"),
        ("weights2", "bias"),
        *(("neurons1", name) for name in ("tau_mem", "v_threshold", "v_reset")),
    ],
)
def test_floats_that_were_changed_are_not_passed_over(our_nir, node, field):
    with h5py.File(our_nir, "a") as file:
        file[f"node/nodes/{node}/{field}"][0] += 0.01
    with pytest.raises(InputError, match=rf"a\.nir: node '{node}' \(\w+\): {field} is not what the integers"):
        read_nir(our_nir)


def test_a_bias_put_where_there_was_none_is_not_passed_over(our_nir):
    with h5py.File(our_nir, "a") as file:
        node = file["node/nodes/weights1"]
        del node["type"]
        node["type"], node["bias"] = "Affine", np.ones(2)
    with pytest.raises(InputError, match=r"node 'weights1' \(Affine\): bias is not what"):
        read_nir(our_nir)


def test_a_file_of_a_later_format_is_refused(our_nir):
    with h5py.File(our_nir, "a") as file:
        file["node/metadata/snnlp/format"][()] = 2
    with pytest.raises(InputError, match="/node/metadata/snnlp has format 2; this version reads format 1"):
        read_nir(our_nir)


@pytest.mark.parametrize("time_step", [0, -1e-4, float("nan"), float("inf")])
def test_a_time_step_is_a_positive_number_of_seconds(tmp_path, time_step):
    with pytest.raises(InputError, match=r"^NIR file .*a\.nir: time step must be a positive number of seconds, got "):
        read_graph(tmp_path / "a.nir", *pair(np.array([[1.0]])), time_step=time_step)


def test_our_file_takes_no_time_step(our_nir):
    with pytest.raises(InputError, match=r"a\.nir: was exported by snnlp-lava .* takes no time step"):
        read_nir(our_nir, 1e-3)
