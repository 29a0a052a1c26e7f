"""Cores, axons and words of a network, against laws, worked examples and a slow search."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chip.layers_on_chips import CHIPS_DRAWN, FULL_RANGE, LOIHI1, LOIHI2, fit, full, layer, violations, words_one_by_one
from snnlp_lava.chip.chips import CHIPS, RESOURCES
from snnlp_lava.chip.mapping import map_network, words_read
from snnlp_lava.chip.memory import weight_bits
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.input import Input
from snnlp_lava.network.network import Network
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.netx.network_file import read_network
from strategies import SEEDS, chains, large_networks, networks_of_any_layers

DEMO = Path(__file__).parents[2] / "netx_exports" / "demo.net"
SMALL = replace(LOIHI1, cores=6, neurons=5, input_axons=7, output_axons=9, words=20)


@st.composite
def sparse_networks(draw):
    """Small networks of which between none and nearly all weights are 0."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=4))
    rng = np.random.default_rng(draw(SEEDS))
    layers = []
    for before, after in pairwise(sizes):
        weight = rng.choice([-256, -6, 2, 254], (after, before)) * (rng.random((after, before)) < rng.random())
        weight[rng.integers(after), rng.integers(before)] = 2
        layers.append(layer(weight))
    return Network(layers)


def test_one_line_more_than_a_core_has_memory_for_takes_a_second_core():
    assert [len(fit(full(256, inputs)).layers[0].cores) for inputs in (455, 456)] == [1, 2]


# Where the neurons are


def test_the_neurons_are_spread_evenly():
    (found,) = fit(full(256, 768)).layers
    assert [(core.first, core.neurons, core.words) for core in found.cores] == [(0, 128, 13_824), (128, 128, 13_824)]


def test_each_neuron_has_an_output_axon_for_each_core_behind_it():
    """hidden1 sends to the 3 cores of hidden2, those to one; what the output sends is read by probes."""
    hidden1, hidden2, output = fit(full(1000, 2), full(300, 1000), full(4, 300)).layers
    assert [core.output_axons for core in hidden1.cores] == [1000 * 3]
    assert [core.output_axons for core in hidden2.cores] == [100] * 3
    assert [core.output_axons for core in output.cores] == [0]


def test_output_axons_split_a_layer():
    """The cores behind 1,000 neurons leave each core of theirs 4,096 // cores neurons."""
    before, after = fit(full(1000, 1), full(500, 1000)).layers
    share = 4096 // len(after.cores)
    assert (len(after.cores), share) == (5, 819)
    assert len(before.cores) == 2
    assert max(core.output_axons for core in before.cores) <= 4096


@pytest.mark.parametrize(
    ("sizes", "placed"),
    [
        ((768, 256, 128, 6), [2 * [(128, 768, 128, 13824)], [(128, 256, 128, 4608)], [(6, 128, 0, 128)]]),
        ((384, 256, 128, 6), [[(256, 384, 256, 13824)], [(128, 256, 128, 4608)], [(6, 128, 0, 128)]]),
        ((300, 256, 6), [[(256, 300, 256, 10800)], [(6, 256, 0, 256)]]),
        ((455, 256, 4), [[(256, 455, 256, 16380)], [(4, 256, 0, 256)]]),
        ((456, 256, 4), [2 * [(128, 456, 128, 8208)], [(4, 256, 0, 256)]]),
        (
            (64, 1500, 200, 2),
            [2 * [(750, 64, 2250, 6720)], [(66, 1500, 66, 15000), *2 * [(67, 1500, 67, 15000)]], [(2, 200, 0, 200)]],
        ),
    ],
)
def test_cores_are_filled_as_nengo_loihi_fills_them(sizes, placed):
    """Neurons, axons in, axons out and words of each core, as nengo-loihi 1.1.0 splits and counts these networks."""
    found = fit(*(full(after, before) for before, after in pairwise(sizes)))
    counts = [
        sorted((core.neurons, core.input_axons, core.output_axons, core.words) for core in layer.cores)
        for layer in found.layers
    ]
    assert counts == placed


def test_a_layer_with_few_synapses_is_kept_sparse():
    """Neuron i of 300 has line i alone: an axon has one synapse of 2 + 9 bits, on the one core of its neuron."""
    hidden, diagonal = fit(full(300, 3, [2, 0]), layer(2 * np.eye(300, dtype=int))).layers
    assert diagonal.sparse
    assert [(core.neurons, core.input_axons, core.words) for core in diagonal.cores] == [(300, 300, 300)]
    assert [core.output_axons for core in hidden.cores] == [300]
    (stored,) = fit(full(300, 300, [2])).layers
    assert (stored.sparse, stored.words) == (False, 300 * (4 * 2 + 1))


def test_a_line_without_a_synapse_on_a_core_is_no_axon_of_it():
    chip = replace(SMALL, neurons=2, words=2)
    weight = [[2, 0, 0], [2, 2, 0], [0, 0, 0], [0, 0, 4]]
    hidden, output = fit(full(3, 1), layer(np.repeat(weight, [1, 1, 1, 1], axis=0)), chip=replace(chip, words=2)).layers
    assert output.sparse
    assert [(core.first, core.neurons, core.input_axons) for core in output.cores] == [(0, 2, 2), (2, 2, 1)]
    assert sum(core.output_axons for core in hidden.cores) == 3


# Laws over random networks, against a slow search


def core_needs(weight, sparse, fan_out, start, stop):
    """What neurons start to stop take on a core, counted one axon after the other."""
    axons, words = 0, 0
    index_bits = next(bits for bits in (0, 6, 7, 8) if 1 << bits >= stop - start) if sparse else 0
    for line in weight[start:stop].T:
        synapses = int((line != 0).sum()) if sparse else stop - start
        axons += synapses > 0
        words += words_one_by_one(synapses, weight_bits(weight) + index_bits) if synapses else 0
    return {"neurons": stop - start, "input_axons": axons, "output_axons": sum(fan_out[start:stop]), "words": words}


def fan_out_of(found, network, index):
    """Number of cores that each neuron of a layer sends to."""
    if index + 1 == len(network.layers):
        return [0] * network.outputs
    after, weight = found.layers[index + 1], network.layers[index + 1].weight
    reached = [np.ones(weight.shape[1], bool)] * len(after.cores)
    if after.sparse:
        reached = [weight[core.first : core.first + core.neurons].any(axis=0) for core in after.cores]
    return np.sum(reached, axis=0).tolist()


def fewest_cores(weight, sparse, fan_out, chip):
    """Fewest cores over all ways to cut the row of neurons; None if none is within the limits."""

    @lru_cache(None)
    def cheapest(start):
        if start == len(weight):
            return 0
        numbers = []
        for stop in range(start + 1, len(weight) + 1):
            needs = core_needs(weight, sparse, fan_out, start, stop)
            if all(needs[resource] <= getattr(chip, resource) for resource in RESOURCES):
                numbers.append(cheapest(stop))
        return min((1 + number for number in numbers if number is not None), default=None)

    return cheapest(0)


@given(sparse_networks() | large_networks(9), CHIPS_DRAWN)
def test_each_layer_takes_the_fewest_cores_that_break_no_limit(network, chip):
    found = map_network(network, chip)
    for index, (layer_, fitted) in enumerate(zip(network.layers, found.layers, strict=True)):
        fan_out = fan_out_of(found, network, index)
        numbers = [fewest_cores(layer_.weight, sparse, fan_out, chip) for sparse in (False, True)]
        broken = any(v.subject == fitted.name and v.quantity in RESOURCES for v in found.violations)
        assert broken == (numbers == [None, None])
        if not broken:
            assert len(fitted.cores) == min(number for number in numbers if number is not None)


@given(sparse_networks() | large_networks(9), CHIPS_DRAWN)
def test_every_neuron_is_on_one_core_and_each_core_takes_what_it_says(network, chip):
    found = map_network(network, chip)
    for index, (layer_, fitted) in enumerate(zip(network.layers, found.layers, strict=True)):
        held = [neuron for core in fitted.cores for neuron in range(core.first, core.first + core.neurons)]
        assert held == list(range(layer_.neurons))
        fan_out = fan_out_of(found, network, index)
        for core in fitted.cores:
            needs = core_needs(layer_.weight, fitted.sparse, fan_out, core.first, core.first + core.neurons)
            assert {resource: getattr(core, resource) for resource in RESOURCES} == needs
    totals = found.totals
    assert totals["cores"] == sum(len(fitted.cores) for fitted in found.layers)
    assert totals["neurons"] == sum(network.sizes[1:])
    assert totals["words"] == sum(fitted.words for fitted in found.layers)


@given(sparse_networks() | large_networks(), CHIPS_DRAWN | st.sampled_from([LOIHI1, LOIHI2]))
def test_what_is_over_a_limit_is_named_and_nothing_else(network, chip):
    found = map_network(network, chip)
    over = {
        (fitted.name, resource, most, limit)
        for fitted in found.layers
        for resource in RESOURCES
        if (limit := getattr(chip, resource)) is not None
        and (most := max(getattr(core, resource) for core in fitted.cores)) > limit
    }
    if found.totals["cores"] > chip.cores:
        over.add(("network", "cores", found.totals["cores"], chip.cores))
    over |= {(f.name, "voltage_decay", 4096, 4095) for f in found.layers if f.voltage_decay == 4096}
    assert len(violations(found)) == len(over)
    assert set(violations(found)) == over
    for violation in found.violations:
        assert violation.text.startswith(f"{violation.subject}: ")
        assert f"{violation.value:,}" in violation.text.replace("decay 4096", "4,096")
        assert f"{violation.limit:,}" in violation.text.replace("most 4095", "4,095")
        assert "; " in violation.text


@given(sparse_networks())
def test_a_core_never_takes_less_memory_with_one_neuron_more(network):
    """On one core; a layer on more cores may take less than on fewer, since a full block of 64 wastes bits."""
    last = network.layers[-1]
    assume(last.neurons > 1 and (last.weight[:-1] > 0).any())
    less = fit(layer(last.weight[:-1]), chip=LOIHI2).layers[0]
    more = fit(last, chip=LOIHI2).layers[0]
    assert (len(less.cores), len(more.cores)) == (1, 1)
    assert less.words <= more.words


@given(sparse_networks() | large_networks(9), CHIPS_DRAWN | st.sampled_from([LOIHI1, LOIHI2]))
def test_a_spike_of_a_line_reads_its_axon_on_every_core(network, chip):
    for layer_, fitted in zip(network.layers, map_network(network, chip).layers, strict=True):
        silent = np.zeros(layer_.neurons, int)
        words = np.array([words_read(layer_, fitted, spike, silent) for spike in np.eye(layer_.inputs, dtype=int)])
        assert words.sum() == fitted.words
        for line, taken in enumerate(words):
            synapses = [
                np.count_nonzero(layer_.weight[core.first : core.first + core.neurons, line])
                if fitted.sparse
                else core.neurons
                for core in fitted.cores
            ]
            bits = [
                fitted.weight_bits
                + (next(bits for bits in (0, 6, 7, 8) if 1 << bits >= core.neurons) if fitted.sparse else 0)
                for core in fitted.cores
            ]
            assert taken == sum(words_one_by_one(*pair) if pair[0] else 0 for pair in zip(synapses, bits, strict=True))


# Networks that do not fit

BROKEN = {
    "input axons": ((full(3, 4097),), LOIHI1, [("output", "input_axons", 4097, 4096)], "fewer input lines"),
    "input axons of a later layer": (
        (full(4097, 1), full(3, 4097)),
        LOIHI1,
        [("output", "input_axons", 4097, 4096)],
        "train with fewer neurons in hidden1",
    ),
    "memory of one neuron": (
        (full(3, 24_577),),
        LOIHI2,
        [("output", "words", 24_577, 24_576)],
        "output: 24,577 words of synaptic memory on a core, Loihi 2 (estimate) has 24,576; use fewer input lines",
    ),
    "memory and input axons": (
        (full(3, 16_385),),
        LOIHI1,
        [("output", "input_axons", 16_385, 4096), ("output", "words", 16_385, 16_384)],
        "output: 16,385 input axons on a core, Loihi 1 has 4,096; use fewer input lines",
    ),
    "output axons": (
        (full(2, 1), full(11, 2, [254])),
        replace(SMALL, output_axons=2),
        [("hidden1", "output_axons", 3, 2)],
        "hidden1: 3 output axons on a core, Loihi 1 has 2; train with fewer neurons in output",
    ),
    "cores": (
        (full(128 * 1024 + 1, 1, [1]),),
        LOIHI1,
        [("network", "cores", 129, 128)],
        "network: 129 cores, Loihi 1 has 128; train with fewer neurons in its layers",
    ),
    "voltage decay": (
        (layer([[2, 4]], voltage_decay=4096),),
        LOIHI1,
        [("output", "voltage_decay", 4096, 4095)],
        "output: voltage decay 4096, Loihi 1 stores at most 4095; train with a smaller one",
    ),
}


@pytest.mark.parametrize(("layers", "chip", "broken", "text"), BROKEN.values(), ids=BROKEN)
def test_each_limit_can_be_broken_and_says_what_mends_it(layers, chip, broken, text):
    found = fit(*layers, chip=chip)
    assert violations(found) == broken
    assert text in found.violations[0].text
    assert found.to_dict()["fits"] is False


def test_the_largest_layer_of_each_limit_fits():
    largest = [(full(3, 4096),), (full(128 * 1024, 1, [1]),), (layer([[2, 4]], voltage_decay=4095),)]
    assert [violations(fit(*layers)) for layers in largest] == [[], [], []]
    assert violations(fit(full(3, 24_576), chip=LOIHI2)) == []


def test_a_layer_with_too_many_lines_is_still_split_by_memory():
    """Its lines are too many on every core; 22 neurons have 3 words an axon, so 3 x 5,000 words are on a core."""
    (found,) = fit(full(66, 5000)).layers
    assert [(core.neurons, core.input_axons, core.words) for core in found.cores] == [(22, 5000, 15_000)] * 3


def test_lines_without_synapses_make_a_layer_fit():
    weight = np.zeros((8, 5000), int)
    weight[:, 500:900] = 2
    (found,) = (result := fit(layer(weight))).layers
    assert (found.sparse, found.most("input_axons"), violations(result)) == (True, 400, [])


@pytest.mark.parametrize(("period", "power"), [(3, 4), (31, 32), (50, 64), (65, 128), (16_383, 16_384)])
def test_loihi_2_needs_a_period_that_is_a_power_of_two(period, power):
    found = fit(full(2, 2), chip=LOIHI2, period=period)
    assert violations(found) == [("network", "period", period, power)]
    assert found.violations[0].text == (
        f"network: period must be a power of two on Loihi 2 (estimate), got {period}, the next is {power}; "
        f"export again with snnlp-lava export --period {power}"
    )
    assert violations(fit(full(2, 2), period=period)) == []
    assert violations(fit(full(2, 2), chip=LOIHI2, period=power)) == []


# Loihi 2


def test_what_is_not_known_of_loihi_2_is_said():
    (note,) = fit(full(2, 2), chip=LOIHI2, period=64).notes
    assert "not published" in note
    assert "states no period" in fit(full(2, 2), chip=LOIHI2).notes[1]
    assert fit(full(3168, 1), chip=LOIHI2, period=64).notes == (note,)
    assert "3,169 neurons on a core" in fit(full(3169, 1), chip=LOIHI2, period=64).notes[1]
    assert fit(full(3169, 1)).notes == ()
    assert fit(full(2, 2), chip=LOIHI2).to_dict()["estimate"] is True
    assert fit(full(2, 2)).to_dict()["estimate"] is False


# The demo


@pytest.mark.parametrize(("chip", "cores", "words"), [(LOIHI1, [2, 1, 1], 25_216), (LOIHI2, [1, 1, 1], 25_216)])
def test_the_demo_fits(chip, cores, words):
    file = read_network(DEMO)
    found = map_network(file.network, chip, file.card.period)
    assert found.violations == ()
    assert [len(fitted.cores) for fitted in found.layers] == cores
    assert found.totals["words"] == words
    assert [fitted.weight_bits for fitted in found.layers] == [6, 6, 6]


def test_every_limit_of_a_chip_says_where_it_is_published():
    for chip in CHIPS.values():
        limits = {name for name, value in vars(chip).items() if name not in ("name", "estimate", "sources") and value}
        assert limits == chip.sources.keys()


# Layers of other types


@given(networks_of_any_layers(12), CHIPS_DRAWN | st.sampled_from([LOIHI1, LOIHI2]))
def test_every_spike_that_leaves_a_core_arrives_on_one(network, chip):
    """All output axons of neurons are the input axons of cores, but for those that the network's input lines take."""
    found = map_network(network, chip)
    for index, (layer_, mapped) in enumerate(zip(network.layers, found.layers, strict=True)):
        own = getattr(layer_, "recurrent", np.zeros((layer_.neurons, 0), int))
        if not mapped.sparse:
            own = np.ones_like(own)
        behind = fan_out_of(found, network, index)
        for core in mapped.cores:
            held = range(core.first, core.first + core.neurons)
            reached = sum(
                bool(own[other.first : other.first + other.neurons, neuron].any())
                for neuron in (held if own.size else ())
                for other in mapped.cores
            )
            assert core.output_axons == sum(behind[neuron] for neuron in held) + reached


def test_a_recurrent_layer_by_hand():
    """300 lines and 256 neurons onto 256 neurons: (300 + 256) axons of 36 words each, so two cores on Loihi 1."""
    recurrent = RecurrentDense(
        np.resize(FULL_RANGE, (256, 300)), np.resize(FULL_RANGE, (256, 256)), full(256, 1).neuron
    )
    (mapped,) = fit(recurrent).layers
    assert [core.neurons for core in mapped.cores] == [128, 128]
    assert [core.input_axons for core in mapped.cores] == [556, 556]
    assert [core.output_axons for core in mapped.cores] == [2 * 128, 2 * 128]
    assert mapped.words == 2 * 556 * 2 * 9
    sent = np.zeros(256, int)
    sent[7] = 3
    assert words_read(recurrent, mapped, np.zeros(300, int), sent) == 3 * 2 * 2 * 9


@given(chains(), st.sampled_from([LOIHI1, LOIHI2]))
def test_chains_of_any_layers_are_mapped_whole(network, chip):
    found = map_network(network, chip)
    for layer_, mapped in zip(network.layers, found.layers, strict=True):
        assert sum(core.neurons for core in mapped.cores) == layer_.neurons
        assert (mapped.words > 0) == (layer_.synapse_count > 0)
    for before, after in pairwise(found.layers):
        if after.kind == "conv":
            lines = network.layers[found.layers.index(after)].synapses()[0].fan_out
            assert sum(core.output_axons for core in before.cores) >= np.count_nonzero(lines)


def test_what_neurons_need_and_a_chip_does_not_store():
    delta = Input((2,), SigmaDelta([0, 0], 3, "delta"))
    output = Dense([[2, 4]], SigmaDelta([0], 3, "sigma"))
    assert violations(fit(delta, output)) == [("hidden1", "message_bits", 16, 0), ("output", "message_bits", 16, 0)]
    assert violations(fit(delta, output, chip=LOIHI2)) == []
    adding = layer([[2, 4]], current_decay=0, voltage_decay=0, threshold=1 << 17)
    assert violations(fit(adding)) == [("output", "current_decay", 0, 1), ("output", "threshold", 1 << 17, 131071)]


@pytest.mark.parametrize(
    ("chip", "cores"), [(LOIHI1, [39, 75, 26, 8, 21, 19, 1, 1, 1, 1]), (LOIHI2, [5, 19, 7, 3, 4, 5, 1, 1, 1, 1])]
)
def test_pilotnet(chip, cores):
    path = Path(__file__).parents[3] / "shared" / "data" / "netx" / "pilotnet-lif.net"
    if not path.is_file():
        pytest.skip("lava-dl's PilotNet is not in ../shared")
    found = map_network(read_network(path).network, chip, 16)
    assert [len(mapped.cores) for mapped in found.layers] == cores
    assert violations(found) == ([("network", "cores", 192, 128)] if chip is LOIHI1 else [])
    assert any("estimate" in note for note in found.notes)
