"""Every layer type against the scalar reference, and what its groups of synapses tell."""

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from network.reference import run_reference, synapses_of
from snnlp_lava.errors import InputError
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import LAYERS, Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from strategies import ALL_LAYERS, LAYER_TYPES, arriving_at, chains


def neuron(count, **changes):
    return Neuron(**{"bias": [0] * count, "current_decay": 1024, "voltage_decay": 128, "threshold": 80, **changes})


@st.composite
def runs(draw, kind):
    """A layer of the type, and what arrives in one to three samples."""
    layer = draw(ALL_LAYERS[kind])
    return layer, draw(arriving_at(layer, max_steps=80 if kind in LAYER_TYPES else 20))


def run_or_reject(layer, arriving):
    """The run, of messages that are not too large."""
    try:
        return layer.run(arriving)
    except InputError:
        reject()


@pytest.mark.parametrize("kind", ALL_LAYERS)
def test_a_layer_equals_the_equations(kind):
    seen = 0

    @settings(max_examples=60)
    @given(runs(kind), st.data())
    def check(run, data):
        nonlocal seen
        layer, arriving = run
        result = run_or_reject(layer, arriving)
        assert result.spikes.dtype == (np.int32 if layer.neuron.graded else np.uint8)
        for sample, arrived in enumerate(arriving):
            expected = run_reference(layer, arrived.tolist())
            np.testing.assert_array_equal(result.spikes[sample], expected.spikes)
            found = (result.wraps[sample], result.clips[sample], result.active[sample])
            assert found == (expected.wraps, expected.clips, expected.active)
            number = data.draw(st.integers(0, layer.neurons - 1))
            assert layer.trace(number, arrived, result.spikes[sample]) == expected.states[number]
            states = layer.states(arrived, result.spikes[sample])
            assert list(zip(*(state[-1].tolist() for state in states), strict=True)) == expected.states
            seen += int(np.count_nonzero(result.spikes[sample]))

    check()
    assert seen > 1000


@pytest.mark.parametrize("kind", ALL_LAYERS)
@given(data=st.data())
def test_a_sample_runs_the_same_alone_as_in_a_batch(kind, data):
    layer, arriving = data.draw(runs(kind))
    together = run_or_reject(layer, arriving)
    for sample in range(len(arriving)):
        for one, all_samples in zip(layer.run(arriving[sample : sample + 1]), together, strict=True):
            np.testing.assert_array_equal(one[0], all_samples[sample])


@pytest.mark.parametrize("kind", ALL_LAYERS)
@given(data=st.data())
def test_synops_are_the_synapses_of_the_lines_that_spike(kind, data):
    """One line that spikes once takes as many operations as there are synapses that have it as their line."""
    layer = data.draw(ALL_LAYERS[kind])
    own = getattr(layer, "recurrent", np.zeros((layer.neurons, 0), int))
    weights = np.zeros((2, layer.inputs), int)
    for line, _, weight, _ in [] if layer.takes_values else synapses_of(layer):
        weights[:, line] += 1, weight != 0
    lines, neurons = np.eye(layer.inputs, dtype=int), np.eye(layer.neurons, dtype=int)
    found = layer.synops(lines, np.zeros((layer.inputs, layer.neurons), int))
    np.testing.assert_array_equal(found, weights)
    stored, nonzero = layer.synops(np.zeros((layer.neurons, layer.inputs), int), neurons)
    assert stored.tolist() == [layer.neurons * bool(own.size)] * layer.neurons
    assert nonzero.tolist() == ([int((column != 0).sum()) for column in own.T] or [0] * layer.neurons)
    assert layer.synapse_count == weights[0].sum() + own.size
    assert layer.synapse_count_nonzero == weights[1].sum() + np.count_nonzero(own)


@given(chains(), st.data())
def test_a_network_runs_its_layers_one_after_the_other(network, data):
    arriving = data.draw(arriving_at(network.layers[0], samples=1))
    found = run_or_reject(network, arriving)
    for layer, run in zip(network.layers, found, strict=True):
        expected = run_reference(layer, arriving[0].tolist())
        np.testing.assert_array_equal(run.spikes[0], expected.spikes)
        arriving = run.spikes


def test_without_registers_a_trace_neither_wraps_nor_clips():
    layer = Dense([[254] * 600 + [-2]], neuron(1, current_decay=4096, voltage_decay=4096, threshold=131071))
    spikes = np.array([[1] * 600 + [0]], dtype=np.uint8)
    silent = np.zeros((1, 1), np.uint8)
    assert layer.trace(0, spikes, silent, registers=False) == (254 * 600 * 64, 254 * 600 * 64)
    wrapped = 254 * 600 * 64 - (1 << 24)
    assert layer.trace(0, spikes, silent) == (wrapped, wrapped)


def test_feedback_arrives_one_step_later_by_hand():
    """A spike at step 0 makes neuron 0 spike, that makes neuron 1 spike at step 1, and that neuron 0 at step 2."""
    layer = RecurrentDense(
        [[100], [0]], [[0, 100], [100, 0]], neuron(2, current_decay=4096, voltage_decay=4096, threshold=99)
    )
    spikes = np.zeros((1, 5, 1), np.uint8)
    spikes[0, 0, 0] = 1
    assert layer.run(spikes).spikes[0].T.tolist() == [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]


def test_a_delay_of_d_steps_by_hand():
    """One spike at step 1 arrives at steps 1, 4 and, of 62 steps, never within ten."""
    layer = Dense([[9], [9], [9]], neuron(3, current_decay=4096, voltage_decay=4096, threshold=8), [[0], [3], [62]])
    spikes = np.zeros((1, 10, 1), np.uint8)
    spikes[0, 1, 0] = 1
    sent = layer.run(spikes).spikes[0]
    assert [np.flatnonzero(train).tolist() for train in sent.T] == [[1], [4], []]


@pytest.mark.parametrize(
    ("weight", "own", "message"),
    [
        ([[2], [4]], [[2, 4]], "recurrent weight must be square"),
        ([[2], [4]], [[2, 4, 6]] * 3, "2 neurons"),
        ([[2], [-4]], [[3, 0], [0, 0]], "recurrent weight 3 is odd"),
        ([[3], [4]], [[-2, 0], [0, 0]], "weight 3 is odd"),
        ([[2], [4]], [[258, 0], [0, 0]], "recurrent weight 258 is outside 0 to 255"),
        ([[2], [4]], [[-258, 0], [0, 0]], "recurrent weight -258 is outside -256 to 254"),
        ([[-2], [-4]], [[0, -2], [0, 0]], "no weight is above 0"),
        ([[0], [0]], [[0, 0], [0, 0]], "all weights are 0"),
        ([[100], [4]], [[-256, 0], [0, 0]], "recurrent weight -256 .* NetX scales it to -256"),
        ([[60], [4]], [[-128, 0], [0, 0]], "recurrent weight -128 .* use -126 at least"),
        ([[-64], [-64]], [[-2, 60], [0, 0]], "weight -64 .* NetX scales it"),
    ],
)
def test_weights_that_netx_would_change_are_refused_for_each_matrix(weight, own, message):
    with pytest.raises(InputError, match=message):
        RecurrentDense(weight, own, neuron(2))


@pytest.mark.parametrize("own", [[[-126, 0], [0, 0]], [[-128, 0], [2, 0]], [[0, 0], [0, 0]]])
def test_weights_beside_those_are_taken(own):
    assert RecurrentDense([[60], [4]], own, neuron(2)).recurrent.tolist() == own


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        ([[0, 63], [0, 0]], "delay 63 is outside 0 to 62"),
        ([[-1, 0], [0, 0]], "delay -1 is outside 0 to 62"),
        ([[0.5, 0], [0, 0]], "delay must hold integers, got 0.5"),
        ([[0, 1]], r"delay has the shape \(1, 2\), weight \(2, 2\)"),
    ],
)
def test_a_delay_out_of_range_is_refused(delay, message):
    with pytest.raises(InputError, match=message):
        Dense([[2, 4], [6, 8]], neuron(2), delay)


def test_layers_that_differ_in_a_delay_or_a_recurrent_weight_are_not_equal():
    dense = Dense([[2, 4], [6, 8]], neuron(2), [[0, 1], [2, 3]])
    assert dense == Dense([[2, 4], [6, 8]], neuron(2), [[0, 1], [2, 3]])
    assert dense != Dense([[2, 4], [6, 8]], neuron(2), [[0, 1], [2, 4]])
    assert dense != Dense([[2, 4], [6, 8]], neuron(2))
    recurrent = RecurrentDense([[2, 4], [6, 8]], [[2, 2], [2, 4]], neuron(2))
    assert recurrent == RecurrentDense([[2, 4], [6, 8]], [[2, 2], [2, 4]], neuron(2))
    assert recurrent != RecurrentDense([[2, 4], [6, 8]], [[2, 2], [2, 2]], neuron(2))
    assert recurrent != Dense([[2, 4], [6, 8]], neuron(2))


def test_a_registered_layer_type_has_the_name_that_it_stands_under():
    assert {kind: layer_type.kind for kind, layer_type in LAYERS.items()} == {kind: kind for kind in LAYERS}


def test_a_network_adds_up_what_its_layers_tell():
    network = Network([RecurrentDense([[2], [4]], [[0, 2], [2, 0]], neuron(2)), Dense([[2, 0]], neuron(1))])
    assert network.synapse_counts == (6, 2)
    assert network.synapse_counts_nonzero == (4, 1)


@pytest.mark.parametrize("own", [None, np.zeros((1, 1), int)], ids=["dense", "dense_rec"])
def test_a_spike_sets_v_to_0_exactly(own):
    """Without decay a bias of 10 passes a threshold of 20 at every third step; from 1 it would at every second."""
    integrator = Neuron([10], 4096, 0, 20)
    layer = Dense([[2]], integrator) if own is None else RecurrentDense([[2]], own, integrator)
    found = layer.run(np.zeros((1, 9, 1), dtype=np.uint8))
    assert found.spikes[0, :, 0].tolist() == [0, 0, 1] * 3
