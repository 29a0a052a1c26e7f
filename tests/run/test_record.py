"""What a run folder says of a network's memory and rates, by hand."""

import json

import numpy as np

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.network.network import Network
from snnlp_lava.run.record import check_placed, placed
from strategies import dense


def test_words_read_and_rates_by_hand():
    # 100 neurons, dense at 8 bits: a block of 64 synapses takes 522 bits or 9 words, the other 36 take 298 bits or 5.
    first = dense(np.resize([254, -256, 2], (100, 3)), np.zeros(100, int), 1024, 128, 80)
    # Sparse, with weights of 2 bits (sign included) and no bits for the index of the one neuron: one word an axon.
    second = dense(np.array([[2, -2] + [0] * 98]), np.zeros(1, int), 1024, 128, 80)
    network = Network((first, second))
    hidden = np.zeros(100, dtype=np.int64)
    hidden[:4] = 1, 2, 20, 40
    found = placed(network, 8, (np.array([3, 0, 1]), hidden, np.array([5])), 40)
    assert found["words_read"] == [4 * 14, 1 + 2]
    assert (found["synapses"], found["synapses_nonzero"]) == ([300, 100], [300, 2])
    assert found["fits"]["loihi1"] == map_network(network, CHIPS["loihi1"], 8).to_dict()
    rates = np.zeros((3, 21), dtype=int)
    rates[0, [0, 1, 2]] = 1, 1, 1  # never; 1/40 within the first twentieth; 3/40 within the second
    rates[1, [0, 1, 10, 20]] = 96, 2, 1, 1  # 2/40 is the end of the first twentieth, 40/40 that of the last
    rates[2, 3] = 1
    assert found["rates"] == rates.tolist()
    check_placed(json.loads(json.dumps(found)), (3, 100, 1))
