"""Layers mapped on chips, and a count of words synapse by synapse."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.network.network import Network
from strategies import dense

LOIHI1, LOIHI2 = CHIPS["loihi1"], CHIPS["loihi2"]
FULL_RANGE = [-256, 254]


def layer(weight, **changes):
    weight = np.asarray(weight)
    return dense(weight, **changes)


def full(neurons, inputs, values=FULL_RANGE):
    return layer(np.resize(values, (neurons, inputs)))


def fit(*layers, chip=LOIHI1, period=None):
    return map_network(Network(layers), chip, period)


def violations(found):
    return [(violation.subject, violation.quantity, violation.value, violation.limit) for violation in found.violations]


CHIPS_DRAWN = st.builds(
    lambda neurons, inputs, outputs, words: replace(
        LOIHI1, neurons=neurons, input_axons=inputs, output_axons=outputs, words=words
    ),
    *(st.integers(1, 12), st.integers(4, 12), st.integers(1, 40), st.integers(4, 40)),
)


def words_one_by_one(synapses, bits):
    """Fill blocks synapse by synapse."""
    total = block = 0
    for index in range(synapses):
        if index % 64 == 0:
            total, block = total + -(-block // 64), 4 + 6
        block += bits
    return total + -(-block // 64)
