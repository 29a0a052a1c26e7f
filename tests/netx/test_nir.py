import contextlib
import itertools
from dataclasses import replace

import h5py
import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlp_lava.chip.network import Layer, Network
from snnlp_lava.chip.neuron import run_layer
from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.encoder import BernoulliEncoder, WordCodeEncoder
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.netx.card import Embedding
from snnlp_lava.netx.file import read_network, write_network
from snnlp_lava.netx.nir import TIME_STEP, read_nir, write_nir
from snnlp_lava.netx.quantise import SCALE
from strategies import DAMAGES, SEEDS, card_for, layers, networks

NETWORK = Network(
    [
        Layer([[2, -4, 6], [8, -10, 12]], [0, 5], 1024, 128, 80),
        Layer([[3, 4], [6, 255], [0, 1]], [7, 0, -4096], 4096, 0, 131071),
    ]
)


@pytest.fixture
def path(tmp_path):
    """A good file of ours, to be read or to be damaged."""
    write_nir(tmp_path / "a.nir", NETWORK, card_for(NETWORK))
    return tmp_path / "a.nir"


@pytest.fixture
def other_path(tmp_path):
    """A good file of another program."""
    nir.write(tmp_path / "other.nir", graph_of(*pair(np.array([[1.0, -0.5]]))))
    return tmp_path / "other.nir"


def without_integers(path):
    with h5py.File(path, "a") as file:
        del file["node/metadata"]


def pair(weight, bias=None, kind="CubaLIF", **changes):
    """Nodes of a layer as snnTorch writes them: decays of 1/4 and 1/8 a step, threshold 1."""
    ones = np.ones(len(weight))
    fields = {"tau_syn": 4e-4, "tau_mem": 8e-4, "tau": 8e-4, "r": 8.0, "w_in": 4.0, "v_leak": 0.0, "v_threshold": 1.0}
    names = {
        "CubaLIF": ("tau_syn", "tau_mem", "r", "w_in", "v_leak", "v_threshold"),
        "LIF": ("tau", "r", "v_leak", "v_threshold"),
        "IF": ("r", "v_threshold"),
    }[kind]
    values = {name: ones * fields[name] for name in names}
    values.update({name: ones * value for name, value in changes.items()})
    return nir.Linear(weight) if bias is None else nir.Affine(weight, bias), getattr(nir, kind)(**values)


def graph_of(*nodes, **options):
    return nir.NIRGraph.from_list(*nodes, **options)


def read_graph(path, *nodes, time_step=None):
    nir.write(path, graph_of(*nodes))
    return read_nir(path, time_step)


# Our own files


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
    card = card_for(network, encoder=encoder, embedding=Embedding("codes", "0" * 64, encoder.dimension))
    write_network(tmp_path / "a.net", network, card)
    write_nir(tmp_path / "a.nir", network, card)
    read = read_nir(tmp_path / "a.nir")
    write_network(tmp_path / "b.net", read.network, read.card)
    assert (tmp_path / "b.net").read_bytes() == (tmp_path / "a.net").read_bytes()


def test_the_same_network_gives_the_same_bytes(path):
    first = path.read_bytes()
    write_nir(path, NETWORK, card_for(NETWORK))
    assert path.read_bytes() == first


def test_nir_reads_it_as_a_chain_of_weights_and_neurons(path):
    graph = nir.read(path)
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    names = ["input", "weights1", "neurons1", "weights2", "neurons2", "output"]
    assert [kinds[name] for name in names] == ["Input", "Linear", "CubaLIF", "Affine", "CubaLIF", "Output"]
    assert set(graph.edges) == set(itertools.pairwise(names))
    assert graph.nodes["input"].input_type["input"].tolist() == [3]
    np.testing.assert_array_equal(graph.nodes["weights1"].weight * SCALE, NETWORK.layers[0].weight)
    np.testing.assert_array_equal(graph.nodes["weights2"].bias * SCALE, NETWORK.layers[1].bias)
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
            replace(
                data.draw(layers(after, before)),
                current_decay=4096,
                voltage_decay=data.draw(st.sampled_from([0, 4096])),
            )
            for before, after in itertools.pairwise(sizes)
        ]
    )
    write_nir(tmp_path / "a.nir", network, card_for(network))
    spikes = (np.random.default_rng(seed).random((20, network.inputs)) < 0.6).astype(np.uint8)
    arriving = spikes
    for layer, found in zip(network.layers, euler_trains(nir.read(tmp_path / "a.nir"), spikes), strict=True):
        run = run_layer(layer, arriving[None])
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
        np.testing.assert_allclose((1 - syn) * 4096, 4096 - layer.current_decay, rtol=0, atol=1e-9)
        np.testing.assert_allclose((1 - mem) * 4096, 4096 - layer.voltage_decay, rtol=0, atol=1e-9)
        np.testing.assert_allclose(neuron.w_in * syn, 1, rtol=1e-12)
        np.testing.assert_allclose(neuron.r * mem, 1, rtol=1e-12)
        assert not neuron.v_reset.any()
        each_step = neuron.v_leak * mem + getattr(weights, "bias", 0)
        np.testing.assert_allclose(each_step * SCALE, layer.bias, rtol=1e-9, atol=0)
        np.testing.assert_array_equal(neuron.v_threshold * SCALE, layer.threshold)


@given(networks())
def test_the_floats_alone_give_the_same_integers(tmp_path, network):
    write_nir(tmp_path / "a.nir", network, card_for(network))
    without_integers(tmp_path / "a.nir")
    read = read_nir(tmp_path / "a.nir")
    assert read.network == network
    assert read.card is None
    for change in read.changes:
        assert (change.scale, change.zeroed) == (SCALE, 0)
        assert max(change.weight_error, change.bias_error, abs(change.current_decay_error)) < 1e-6


@pytest.mark.parametrize(
    ("node", "field"),
    [
        ("weights1", "weight"),
        ("weights2", "bias"),
        *(("neurons1", name) for name in ("tau_mem", "v_threshold", "v_reset")),
    ],
)
def test_floats_that_were_changed_are_not_passed_over(path, node, field):
    with h5py.File(path, "a") as file:
        file[f"node/nodes/{node}/{field}"][0] += 0.01
    with pytest.raises(InputError, match=rf"a\.nir: node '{node}' \(\w+\): {field} is not what the integers"):
        read_nir(path)


def test_a_bias_put_where_there_was_none_is_not_passed_over(path):
    with h5py.File(path, "a") as file:
        node = file["node/nodes/weights1"]
        del node["type"]
        node["type"], node["bias"] = "Affine", np.ones(2)
    with pytest.raises(InputError, match=r"node 'weights1' \(Affine\): bias is not what"):
        read_nir(path)


def test_a_file_of_a_later_format_is_refused(path):
    with h5py.File(path, "a") as file:
        file["node/metadata/snnlp/format"][()] = 2
    with pytest.raises(InputError, match="/node/metadata/snnlp has format 2; this version reads format 1"):
        read_nir(path)


@pytest.mark.parametrize("time_step", [0, -1e-4, float("nan"), float("inf")])
def test_a_time_step_is_a_positive_number_of_seconds(tmp_path, time_step):
    with pytest.raises(InputError, match=r"^NIR file .*a\.nir: time step .* s is no positive number of seconds$"):
        read_graph(tmp_path / "a.nir", *pair(np.array([[1.0]])), time_step=time_step)


def test_our_file_takes_no_time_step(path):
    with pytest.raises(InputError, match=r"a\.nir: was exported by snnlp-lava .* takes no time step"):
        read_nir(path, 1e-3)


# Files of other programs


@given(SEEDS, st.integers(1, 5), st.integers(1, 5), st.booleans(), st.floats(0.01, 100), st.floats(0.01, 100))
def test_rounding_errors_are_those_of_the_stored_weights(tmp_path, seed, outs, ins, signed, size, threshold):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(-size if signed else 0, size, (outs, ins))
    weight[0, 0] = size
    bias = rng.uniform(-0.5, 0.5, outs) * threshold
    nodes = pair(weight, bias, "LIF", v_threshold=threshold)
    if size / threshold > 200:
        return
    read = read_graph(tmp_path / "a.nir", *nodes)
    (layer,), (change,) = read.network.layers, read.changes
    assert layer.threshold == pytest.approx(threshold * change.scale, rel=1e-6)
    step = 2 if weight.min() < 0 else 1
    assert np.abs(layer.weight / change.scale - weight).max() == pytest.approx(change.weight_error)
    assert change.weight_error <= (step / 2 + 1e-3) / change.scale
    assert change.weight_share == pytest.approx(change.weight_error / np.abs(weight).max())
    assert change.zeroed == np.count_nonzero(layer.weight == 0)
    assert change.weights == weight.size
    assert np.abs(layer.bias / change.scale - bias).max() == pytest.approx(change.bias_error * threshold)
    # No coarser than it must be: one threshold more, and something no longer fits.
    more = (layer.threshold + 1) / threshold
    high, low = (weight * more).max(), (weight * more).min()
    bounds = (
        high <= (254 if low < 0 else 255),
        low >= -256,
        np.abs(bias * more).max() <= 4095,
        more * threshold < 131072,
    )
    assert not all(bounds) or change.scale in (1, SCALE)


@given(SEEDS, st.lists(st.integers(-8, 8), min_size=4, max_size=4), st.integers(-8, 8))
def test_a_neuron_may_have_its_own_threshold_and_gain(tmp_path, seed, powers, gain):
    """A row of weights, its bias and its threshold times c spike as they did, so the integers are the same."""
    rng = np.random.default_rng(seed)
    weight, bias = rng.normal(size=(4, 6)), rng.normal(size=4)
    own, factor = 2.0 ** np.array(powers), 2.0**gain
    own[0] = 1
    wanted = read_graph(tmp_path / "a.nir", *pair(weight, bias))
    read = read_graph(
        tmp_path / "b.nir", *pair(weight * own[:, None] / factor, bias * own / factor, v_threshold=own, r=8 * factor)
    )
    assert read.network == wanted.network


def test_lif_is_a_neuron_whose_current_is_gone_at_once(tmp_path):
    (layer,) = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.5]]), np.array([0.25]), "LIF")).network.layers
    assert (layer.current_decay, layer.voltage_decay, layer.threshold) == (4096, 512, SCALE)
    assert (layer.weight.tolist(), layer.bias.tolist()) == ([[64, -32]], [16])


def test_if_is_a_neuron_that_forgets_nothing(tmp_path):
    (layer,) = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0]]), kind="IF", r=1.0), time_step=1.0).network.layers
    assert (layer.current_decay, layer.voltage_decay) == (4096, 0)
    assert (layer.weight.tolist(), layer.threshold) == ([[64]], SCALE)


def test_a_bias_that_charges_the_current_acts_with_the_value_at_which_that_settles(tmp_path):
    read = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.5]]), np.array([0.25])))
    assert read.network.layers[0].bias.tolist() == [64]  # 0.25 / (1 - 3/4) of 64
    (note,) = read.notes
    assert note.startswith("layer 1: its bias charges the current")


def test_a_leak_to_a_voltage_is_a_bias(tmp_path):
    read = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.5]]), v_leak=4.0))
    assert read.network.layers[0].bias.tolist() == [32]  # an eighth of 4 a step
    assert read.notes == ("layer 1: v_leak became a bias; v starts at 0, not at v_leak",)


def test_decays_are_told_with_their_error(tmp_path):
    nodes = pair(np.array([[1.0, -0.5]]), tau_syn=3e-4, tau_mem=7e-3)
    read = read_graph(tmp_path / "a.nir", *nodes)
    (layer,), (change,) = read.network.layers, read.changes
    assert (layer.current_decay, layer.voltage_decay) == (1365, 59)
    assert change.current_decay_error == pytest.approx(1365 - 4096 / 3)
    assert change.voltage_decay_error == pytest.approx(59 - 4096 / 70)


def test_small_weights_that_vanish_are_counted(tmp_path):
    (change,) = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.001, 0.0, 0.002]]))).changes
    assert (change.zeroed, change.weights) == (2, 4)


def test_flatten_and_one_value_for_all_neurons_are_read(tmp_path):
    weight, neurons = pair(np.ones((3, 4)))
    nir.write(
        tmp_path / "a.nir",
        graph_of(
            nir.Input(np.array([2, 2])),
            nir.Flatten({"input": np.array([2, 2])}, 0, -1),
            weight,
            neurons,
        ),
    )
    with h5py.File(tmp_path / "a.nir", "a") as file:
        for name in ("tau_syn", "r", "v_threshold"):
            member = file[f"node/nodes/cubalif/{name}"]
            value, group = member[0], member.parent
            del group[name]
            group[name] = value
        del file["node/nodes/cubalif/v_reset"]
    (layer,) = read_nir(tmp_path / "a.nir").network.layers
    assert (layer.weight.tolist(), layer.current_decay) == ([[64] * 4] * 3, 1024)


W = np.array([[1.0, -0.5], [0.5, 1.0]])
SQUARE = {
    "convolution": (
        [nir.Conv2d((1, 1), np.ones((2, 1, 1, 1)), 1, 0, 1, 1, np.zeros(2)), pair(W)[1]],
        r"node 'conv2d' \(Conv2d\): this type is not supported",
    ),
    "no weights": ([pair(W)[1]], r"node 'cubalif' \(CubaLIF\) stands where a layer's weights belong"),
    "no neurons": ([*pair(W), pair(W)[0]], r"node 'linear_1' \(Linear\) is followed by node 'output'"),
    "weights twice": ([pair(W)[0], *pair(W)], r"node 'linear_1' \(Linear\) stands where a layer's neurons belong"),
    "leaky integrator": (
        [pair(W)[0], nir.LI(*np.ones((3, 2)))],
        r"node 'li' \(LI\): this type is not supported; only Input, Output",
    ),
    "reset to a voltage": (pair(W, v_reset=[0, -0.5]), "v_reset -0.5 is not 0; the chip resets to 0"),
    "short tau": (
        pair(W, tau_syn=[1e-5, 1]),
        "tau_syn 1e-05 s is shorter than the time step, 0.0001 s; .* --time-step",
    ),
    "negative tau": (pair(W, tau_mem=-1), "tau_mem -1 s is shorter than the time step"),
    "infinite tau": (pair(W, tau_mem=np.inf), "tau_mem holds values that are not finite"),
    "long tau": (pair(W, tau_syn=1e6, w_in=1e10), "layer 1: current decay 0 is outside 1 to 4096"),
    "decay per neuron": (
        pair(W, tau_mem=[8e-4, 9e-4]),
        "layer 1: its neurons' voltage decays differ, 455.111 to 512 of",
    ),
    "threshold 0": (pair(W, v_threshold=[1, 0]), "layer 1: threshold 0 is not above 0"),
    "threshold tiny": (pair(W, v_threshold=1e-300), "its thresholds, with its gain, are outside the range of float32"),
    "gain huge": (pair(W, r=1e300, w_in=1e300), "its weights, with its gain, are outside the range of float32"),
    "weights NaN": (pair(W * np.nan), r"node 'linear' \(Linear\): weight holds values that are not finite"),
    "weights 0": (pair(0 * W), "layer 1: all weights are 0"),
    "weights too small": (
        pair(W, v_threshold=1e6),
        "layer 1: all its weights would become 0; the largest is 1, its threshold 1e\\+06",
    ),
    "weights negative": (pair(-np.abs(W)), "layer 1: no weight is above 0"),
    "weights too large": (pair(W, v_threshold=1e-3), "layer 1: a weight of 1 or a bias is too large for the threshold"),
}


@pytest.mark.parametrize(("nodes", "message"), SQUARE.values(), ids=SQUARE)
def test_what_the_chip_has_not_is_refused_by_name(tmp_path, nodes, message):
    names = [str(index) for index in range(len(nodes))]
    graph = graph_of(nir.Input(np.array([2])), *nodes, nir.Output(np.array([2])), type_check=False)
    assert len(graph.nodes) == len(names) + 2
    nir.write(tmp_path / "a.nir", graph)
    with pytest.raises(InputError, match=rf"^NIR file .*a\.nir: .*{message}"):
        read_nir(tmp_path / "a.nir")


EDGES = {
    "recurrent": (
        ("neurons2", "weights1"),
        r"node 'neurons2' \(CubaLIF\) sends to 'output' and 'weights1'; only chains",
    ),
    "parallel": (("input", "weights2"), r"node 'input' \(Input\) sends to 'weights1' and 'weights2'; only chains"),
    "to itself": (("neurons1", "neurons1"), "node 'neurons1' .* sends to 'neurons1' and 'weights2'"),
    "to the input": (("output", "input"), r"node 'input' \(Input\) receives from 'output'"),
    "to nothing": (("neurons1", "more"), "an edge names 'more', and there is no such node"),
}


@pytest.mark.parametrize(("edge", "message"), EDGES.values(), ids=EDGES)
def test_graphs_that_are_no_chain_are_refused(path, edge, message):
    with h5py.File(path, "a") as file:
        edges = [*file["node/edges"].asstr()[()].tolist(), edge]
        del file["node/edges"]
        file["node/edges"] = edges
    with pytest.raises(InputError, match=message):
        read_nir(path)


def test_a_loop_beside_the_chain_is_refused(path):
    with h5py.File(path, "a") as file:
        edges = file["node/edges"].asstr()[()].tolist()
        for name, source in (("a", "weights1"), ("b", "neurons1")):
            file.copy(f"node/nodes/{source}", f"node/nodes/{name}")
        del file["node/edges"]
        file["node/edges"] = [*edges, ("a", "b"), ("b", "a")]
    with pytest.raises(InputError, match=r"node 'a' \(Linear\) is not connected to the input"):
        read_nir(path)


def test_a_recurrent_layer_as_snntorch_writes_it_is_refused(tmp_path):
    weights, neurons = pair(W)
    inner = nir.NIRGraph(
        {"input": nir.Input(np.array([2])), "lif": neurons, "w": weights, "output": nir.Output(np.array([2]))},
        [("input", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")],
    )
    nodes = {"input": nir.Input(np.array([2])), "0": weights, "1": inner, "output": nir.Output(np.array([2]))}
    graph = nir.NIRGraph(nodes, [("input", "0"), ("0", "1"), ("1", "output")], type_check=False)
    nir.write(tmp_path / "a.nir", graph)
    with pytest.raises(InputError, match=r"node '1' \(NIRGraph\): a graph within the graph, as recurrent layers"):
        read_nir(tmp_path / "a.nir")


# Damaged and hostile files


def put(file, name, value):
    """Put another value, an empty group ({}) or nothing (None) in the place of a member."""
    if name in file:
        del file[name]
    if isinstance(value, dict):
        file.create_group(name)
    elif value is not None:
        file[name] = value


NODES = "node/nodes"
CHANGES = {
    "no node": (("node", None), "lacks /node; is it a NIR file"),
    "node a number": (("node", 1), "/node is not a group"),
    "one node": (("node/type", "LIF"), "/node is a LIF, not a NIRGraph"),
    "no type": (("node/type", None), "lacks /node/type"),
    "no nodes": ((NODES, None), "lacks /node/nodes"),
    "no edges": (("node/edges", None), "lacks /node/edges"),
    "edges not pairs": (("node/edges", ["input"]), "/node/edges is no list of pairs"),
    "edges numbers": (("node/edges", np.ones((2, 2))), "/node/edges holds float64, not text"),
    "no input": ((f"{NODES}/input", None), "an edge names 'input', and there is no such node"),
    "two inputs": ((f"{NODES}/output/type", "Input"), "has 2 nodes of type Input"),
    "no output": ((f"{NODES}/output/type", "Flatten"), r"node 'output' \(Flatten\): has shape, which NIR's Flatten"),
    "shape empty": ((f"{NODES}/input/shape", np.zeros(0)), r"node 'input' \(Input\): shape \[\] is none"),
    "shape negative": ((f"{NODES}/input/shape", np.array([-1, -3])), "shape .* is none"),
    "shape huge": (
        (f"{NODES}/input/shape", np.array([1e300, 1e300])),
        "shape \\(2, 3\\), and 1048577 lines lead there",
    ),
    "shape another": ((f"{NODES}/output/shape", np.array([4])), r"node 'output' \(Output\) has 4 lines, and 3 lead"),
    "type two texts": ((f"{NODES}/neurons1/type", ["LIF", "LIF"]), "/node/nodes/neurons1/type is not one text"),
    "type a number": ((f"{NODES}/neurons1/type", 1), "/node/nodes/neurons1/type holds int64, not text"),
    "type unknown": ((f"{NODES}/neurons1/type", "ALIF"), r"node 'neurons1' \(ALIF\): this type is not supported"),
    "more fields": ((f"{NODES}/neurons1/reset", 1), "node 'neurons1' .*: has reset, which NIR's CubaLIF has not"),
    "weight text": ((f"{NODES}/weights1/weight", np.full((2, 3), b"1")), "/node/nodes/weights1/weight is \\|S1"),
    "weight a group": ((f"{NODES}/weights1/weight", {}), "/node/nodes/weights1/weight is not a dataset"),
    "weight of 3 axes": (
        (f"{NODES}/weights1/weight", np.ones((2, 3, 3))),
        "weight has shape \\(2, 3, 3\\); \\(out, in\\)",
    ),
    "weight of 1 axis": ((f"{NODES}/weights1/weight", np.ones(3)), "weight has shape \\(3,\\); \\(out, in\\)"),
    "sizes": ((f"{NODES}/weights2/weight", np.ones((3, 5))), r"node 'weights2' .* \(3, 5\), and 2 lines lead there"),
    "r of 3 values": ((f"{NODES}/neurons1/r", np.ones(3)), "node 'neurons1' .*: r has 3 values for 2 neurons"),
    "no r": ((f"{NODES}/neurons1/r", None), "lacks /node/nodes/neurons1/r"),
    "metadata a number": (("node/metadata", 1), "/node/metadata is not a group"),
    "no card": (("node/metadata/snnlp/card", None), "lacks /node/metadata/snnlp/card"),
    "card no JSON": (("node/metadata/snnlp/card", np.ones(3, np.uint8)), "/node/metadata/snnlp/card is not JSON"),
    "no encoder": (("node/metadata/snnlp/encoder", None), "lacks /node/metadata/snnlp/encoder"),
    "no integers": ((f"{NODES}/neurons2/metadata", None), "node 'neurons2' .* lacks the chip's integers"),
    "integers out of range": (
        (f"{NODES}/neurons2/metadata/snnlp/threshold", 1 << 17),
        "layer 2: threshold 131072 is outside 1 to 131071",
    ),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_cannot_be_used_says_what_is_wrong(path, change, message):
    with h5py.File(path, "a") as file:
        put(file, *change)
    with pytest.raises(InputError, match=rf"^NIR file .*a\.nir: .*{message}"):
        read_nir(path)


@pytest.mark.parametrize(
    "name", ["node", NODES, f"{NODES}/weights1", f"{NODES}/weights1/weight", "node/edges", "node/metadata"]
)
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links_are_not_followed(path, name, kind):
    with h5py.File(path.with_name("other.net"), "w") as other, h5py.File(path, "a") as file:
        file.copy(name, other, name)
        file.move(name, "elsewhere")
        file[name] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink("other.net", f"/{name}")
    with pytest.raises(InputError, match=f"/{name} is a link to elsewhere, which is not followed"):
        read_nir(path)


def test_a_graph_within_itself_ends(path):
    with h5py.File(path, "a") as file:
        file["node/nodes/inner"] = file["node"]
    with pytest.raises(InputError, match=r"node 'inner' \(NIRGraph\): a graph within the graph"):
        read_nir(path)


def test_more_nodes_than_any_chip_takes_are_refused(path):
    with h5py.File(path, "a") as file:
        for index in range(256):
            file.create_group(f"node/nodes/{index}")
    with pytest.raises(InputError, match="has 262 nodes; 256 are the most"):
        read_nir(path)


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + b"\xff" * 500])
def test_files_that_are_not_hdf5_are_refused(tmp_path, content):
    (tmp_path / "a.nir").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.nir: is no readable HDF5 file"):
        read_nir(tmp_path / "a.nir")


def test_a_network_file_is_no_nir_file(tmp_path):
    write_network(tmp_path / "a.net", NETWORK, card_for(NETWORK))
    with pytest.raises(InputError, match=r"a\.net: lacks /node; is it a NIR file"):
        read_nir(tmp_path / "a.net")
    with pytest.raises(InputError, match="no such file"):
        read_nir(tmp_path / "none.nir")


@pytest.mark.parametrize("written_by", ["path", "other_path"])
@settings(max_examples=100)
@given(damage=DAMAGES)
def test_a_damaged_file_is_read_or_refused(request, written_by, damage):
    path = request.getfixturevalue(written_by)
    good = path.read_bytes()
    path.write_bytes(damage.of(good))
    try:
        with contextlib.suppress(InputError):
            read_nir(path)
    finally:
        path.write_bytes(good)


def test_a_network_without_card_is_written_and_read(tmp_path, other_path):
    read = read_nir(other_path)
    write_network(tmp_path / "a.net", read.network, read.card)
    file = read_network(tmp_path / "a.net")
    assert (file.network, file.card) == (read.network, None)
