import h5py
import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netx.nir_graphs import graph_of, pair, read_graph
from snnlp_lava.errors import InputError
from snnlp_lava.netx.network_file import read_network, write_network
from snnlp_lava.netx.nir.own import read_nir
from snnlp_lava.netx.quantise import SCALE
from strategies import SEEDS


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
    assert layer.neuron.threshold == pytest.approx(threshold * change.scale, rel=1e-6)
    step = 2 if weight.min() < 0 else 1
    assert np.abs(layer.weight / change.scale - weight).max() == pytest.approx(change.weight_error)
    assert change.weight_error <= (step / 2 + 1e-3) / change.scale
    assert change.relative_weight_error == pytest.approx(change.weight_error / np.abs(weight).max())
    assert change.n_zeroed == np.count_nonzero(layer.weight == 0)
    assert change.weights == weight.size
    assert np.abs(layer.neuron.bias / change.scale - bias).max() == pytest.approx(change.bias_error * threshold)
    # No coarser than it must be: one threshold more, and something no longer fits.
    more = (layer.neuron.threshold + 1) / threshold
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
    assert (layer.neuron.current_decay, layer.neuron.voltage_decay, layer.neuron.threshold) == (4096, 512, SCALE)
    assert (layer.weight.tolist(), layer.neuron.bias.tolist()) == ([[64, -32]], [16])


def test_if_is_a_neuron_that_forgets_nothing(tmp_path):
    (layer,) = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0]]), kind="IF", r=1.0), time_step=1.0).network.layers
    assert (layer.neuron.current_decay, layer.neuron.voltage_decay) == (4096, 0)
    assert (layer.weight.tolist(), layer.neuron.threshold) == ([[64]], SCALE)


def test_a_bias_that_charges_the_current_acts_with_the_value_at_which_that_settles(tmp_path):
    read = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.5]]), np.array([0.25])))
    assert read.network.layers[0].neuron.bias.tolist() == [64]  # 0.25 / (1 - 3/4) of 64
    (note,) = read.notes
    assert note.startswith("layer 1: its bias charges the current")


def test_a_leak_to_a_voltage_is_a_bias(tmp_path):
    read = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.5]]), v_leak=4.0))
    assert read.network.layers[0].neuron.bias.tolist() == [32]  # an eighth of 4 a step
    assert read.notes == ("layer 1: v_leak became a bias; v starts at 0, not at v_leak",)


def test_decays_are_told_with_their_error(tmp_path):
    nodes = pair(np.array([[1.0, -0.5]]), tau_syn=3e-4, tau_mem=7e-3)
    read = read_graph(tmp_path / "a.nir", *nodes)
    (layer,), (change,) = read.network.layers, read.changes
    assert (layer.neuron.current_decay, layer.neuron.voltage_decay) == (1365, 59)
    assert change.current_decay_error == pytest.approx(1365 - 4096 / 3)
    assert change.voltage_decay_error == pytest.approx(59 - 4096 / 70)


def test_small_weights_that_vanish_are_counted(tmp_path):
    (change,) = read_graph(tmp_path / "a.nir", *pair(np.array([[1.0, -0.001, 0.0, 0.002]]))).changes
    assert (change.n_zeroed, change.weights) == (2, 4)


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
    assert (layer.weight.tolist(), layer.neuron.current_decay) == ([[64] * 4] * 3, 1024)


W = np.array([[1.0, -0.5], [0.5, 1.0]])
SQUARE = {
    "convolution of no image": (
        [nir.Conv2d((1, 1), np.ones((2, 1, 1, 1)), 1, 0, 1, 1, np.zeros(2)), pair(W)[1]],
        r"node 'conv2d' \(Conv2d\): weight has shape \(2, 1, 1, 1\) in 1 groups, and lines of shape \(2,\) lead",
    ),
    "pool of no image": (
        [nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])), *pair(W)],
        r"node 'sumpool2d' \(SumPool2d\): lines of shape \(2,\) lead there",
    ),
    "long delay": (
        [nir.Delay(np.array([0, 63e-4])), *pair(W)],
        r"node 'delay' \(Delay\): delay 0.0063 s is not 0 to 62 steps of 0.0001 s; .* --time-step",
    ),
    "negative delay": ([*pair(W)[:1], nir.Delay(np.array([0, -1e-4])), pair(W)[1]], "delay -0.0001 s is not 0 to 62"),
    "delay of the output": ([*pair(W), nir.Delay(np.zeros(2))], r"node 'output' \(Output\) stands where .* weights"),
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
def test_graphs_that_are_no_chain_are_refused(our_nir, edge, message):
    with h5py.File(our_nir, "a") as file:
        edges = [*file["node/edges"].asstr()[()].tolist(), edge]
        del file["node/edges"]
        file["node/edges"] = edges
    with pytest.raises(InputError, match=message):
        read_nir(our_nir)


def test_a_loop_beside_the_chain_is_refused(our_nir):
    with h5py.File(our_nir, "a") as file:
        edges = file["node/edges"].asstr()[()].tolist()
        for name, source in (("a", "weights1"), ("b", "neurons1")):
            file.copy(f"node/nodes/{source}", f"node/nodes/{name}")
        del file["node/edges"]
        file["node/edges"] = [*edges, ("a", "b"), ("b", "a")]
    with pytest.raises(InputError, match=r"node 'b' \(CubaLIF\) is not connected to the input"):
        read_nir(our_nir)


def test_a_network_without_card_is_written_and_read(tmp_path, other_nir):
    read = read_nir(other_nir)
    write_network(tmp_path / "a.net", read.network, read.card)
    file = read_network(tmp_path / "a.net")
    assert (file.network, file.card) == (read.network, None)
