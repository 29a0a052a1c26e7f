"""Synaptic memory: bits of a synapse, words of an axon, kernels that convolutions share."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip.layers_on_chips import CHIPS_DRAWN, FULL_RANGE, LOIHI1, LOIHI2, fit, full, layer, words_one_by_one
from network.reference import synapses_of
from snnlp_lava.chip.mapping import words_read
from snnlp_lava.chip.memory import axon_words, weight_bits
from snnlp_lava.network.conv import Conv, Geometry
from snnlp_lava.network.dense import Dense
from strategies import conv_layers, weights

# What a synapse and an axon take


@pytest.mark.parametrize(
    ("weight", "bits"),
    [
        ([[1, 0]], 1),
        ([[128, 0]], 1),
        ([[1, 2]], 2),
        ([[127, 1]], 8),
        ([[255, 1]], 8),
        ([[63, 1]], 6),
        ([[64, 1]], 8),
        ([[-2, 2]], 2),
        ([[-4, 2]], 2),
        ([[-128, 128]], 2),
        ([[-4, 4, 2]], 3),
        ([[-64, 62]], 6),
        ([[-64, 64, 2]], 8),
        ([[-256, 254]], 8),
        ([[-256, 252]], 8),
        ([[-256, 248]], 6),
    ],
)
def test_a_synapse_has_the_fewest_bits_that_keep_every_weight(weight, bits):
    assert weight_bits(np.array(weight)) == bits


@given(st.data())
def test_weight_bits_are_those_of_netx(data):
    from lava.lib.dl.netx.utils import optimize_weight_bits

    weight = layer(data.draw(weights(*data.draw(st.tuples(st.integers(1, 9), st.integers(2, 9)))))).weight
    assert weight_bits(weight) == {7: 8}.get(bits := optimize_weight_bits(weight)[1], bits)


@given(st.lists(st.integers(0, 1024), min_size=1, max_size=20), st.integers(1, 20))
def test_axons_are_kept_in_blocks_of_64_synapses(synapses, bits):
    assert axon_words(np.array(synapses), bits).tolist() == [words_one_by_one(number, bits) for number in synapses]


def test_a_dense_axon_of_256_synapses_with_8_bits_takes_36_words():
    assert axon_words(np.array([256]), 8).tolist() == [36]


@pytest.mark.parametrize(("inputs", "words", "cores"), [(300, 10_800, 1), (455, 16_380, 1), (768, 27_648, 2)])
def test_words_and_cores_of_256_neurons(inputs, words, cores):
    (found,) = fit(full(256, inputs)).layers
    assert (found.words, len(found.cores), found.weight_bits, found.sparse) == (words, cores, 8, False)


def test_memory_never_falls_while_a_layer_grows_on_the_same_cores():
    chip = replace(LOIHI1, words=1000)
    grown = [fit(full(neurons, 50), chip=chip).layers[0] for neurons in range(1, 320)]
    assert len(grown[-1].cores) == 3
    for less, more in pairwise(grown):
        assert len(less.cores) <= len(more.cores)
        assert less.words <= more.words or len(less.cores) < len(more.cores)


@pytest.mark.parametrize(("longest", "bits"), [(0, 0), (1, 1), (3, 2), (4, 3), (62, 6)])
def test_a_delay_takes_the_bits_of_the_longest(longest, bits):
    """64 synapses of 8 bits and as many of the delay: a block of 64 (8 + bits) + 10 bits."""
    delay = np.full((64, 1), longest)
    delayed = Dense(np.resize(FULL_RANGE, (64, 1)), full(64, 1).neuron, delay)
    (mapped,) = fit(delayed).layers
    assert mapped.longest_delay == longest
    assert mapped.words == -(-(64 * (8 + bits) + 10) // 64)


@pytest.mark.parametrize(("neurons", "cores"), [(4096, 1), (4097, 2)])
def test_a_core_has_no_more_neurons_than_a_sparse_synapse_can_name(neurons, cores):
    """12 bits of index; Loihi 2 has 8,192 neurons a core, but not the memory for as many dense weights of 400 lines."""
    weight = np.zeros((neurons, 400), int)
    weight[np.arange(neurons), np.arange(neurons) % 400] = 254
    (mapped,) = fit(layer(weight), chip=LOIHI2).layers
    assert (mapped.sparse, len(mapped.cores)) == (True, cores)
    assert sum(core.neurons for core in mapped.cores) == neurons


@pytest.mark.parametrize("bits", range(6, 12))
@pytest.mark.parametrize("more", [0, 1])
def test_a_sparse_synapse_takes_the_fewest_bits_that_name_every_neuron_of_the_core(bits, more):
    """One axon of so many synapses of 8-bit weights that one bit more in each takes a word more."""

    def words(synapses, index_bits):
        return -(-(synapses * (8 + index_bits) + 10) // 64)

    needed = bits + more
    synapses = next(n for n in range(2, 64) if words(n, needed) < words(n, needed + 1))
    weight = np.zeros((2**bits + more, 1), int)
    weight[:synapses:2], weight[1:synapses:2] = 254, -254
    (mapped,) = fit(layer(weight), chip=LOIHI2).layers
    (core,) = mapped.cores
    assert (mapped.sparse, mapped.weight_bits, core.words) == (True, 8, words(synapses, needed))


def stored_of(layer_, first, neurons):
    """What a core's lines store of a convolution: places to axons, and {(taps and channels): synapses} a channel.

    Neurons count in the order height, width, channels; found synapse by synapse.
    """
    space = layer_.geometry
    (channels, _, width), (outputs, rows, columns) = space.input_shape, space.output_shape
    seen = {}
    for line, neuron, _, _ in synapses_of(layer_):
        k, place = divmod(neuron, rows * columns)
        if first <= place * outputs + k < first + neurons:
            row, column = divmod(line % (space.input_shape[1] * width), width)
            y, x = divmod(place, columns)
            tap = row - y * space.stride[0], column - x * space.stride[1], k
            seen.setdefault(line, set()).add(tap)
    own = channels // space.groups
    axons = {(line // (space.input_shape[1] * width) // own, line % (space.input_shape[1] * width)) for line in seen}
    sets = {(line // (space.input_shape[1] * width), frozenset(taps)) for line, taps in seen.items()}
    return seen, len(axons), [len(taps) for _, taps in sets]


@given(conv_layers(), st.data())
def test_a_convolution_stores_its_kernel_once_for_places_that_see_the_same_part_of_it(layer_, data):
    chip = data.draw(CHIPS_DRAWN | st.sampled_from([LOIHI1]))
    (mapped,) = fit(layer_, chip=chip).layers
    assert sum(core.neurons for core in mapped.cores) == layer_.neurons
    read = np.zeros(layer_.inputs, int)
    for core in mapped.cores:
        seen, axons, sets = stored_of(layer_, core.first, core.neurons)
        index = next(bits for bits in (0, 6, 7, 8) if core.neurons <= 1 << bits)
        assert core.input_axons == axons
        assert core.words == axon_words(np.array(sets, int), mapped.weight_bits + index).sum()
        for line, taps in seen.items():
            read[line] += axon_words(np.array([len(taps)]), mapped.weight_bits + index)[0]
    arrived = np.arange(layer_.inputs) % 3
    assert words_read(layer_, mapped, arrived, np.zeros(layer_.neurons, int)) == arrived @ read


def test_a_convolution_by_hand():
    """3 x 3 taps on 2 x 2 places: of 4 x 4 lines a corner's has 1 synapse, an edge's 2, the 4 inner ones 4.

    With 8 bits of weight and 6 of index they take 24, 38 and 66 bits, so one word, or two. Every line reaches other
    places through other taps, so nothing is shared; with 2 x 2 taps and stride 2 the 16 lines are 4 sets.
    """
    neuron = full(4, 1).neuron
    (mapped,) = fit(Conv(np.resize(FULL_RANGE, (1, 1, 3, 3)), neuron, Geometry((1, 4, 4), (3, 3), 1))).layers
    (core,) = mapped.cores
    assert (core.input_axons, core.words) == (16, 12 + 4 * 2)
    (mapped,) = fit(
        Conv(np.resize(FULL_RANGE, (1, 1, 2, 2)), neuron, Geometry((1, 4, 4), (2, 2), 1, stride=(2, 2)))
    ).layers
    assert (mapped.cores[0].input_axons, mapped.words) == (16, 4)
