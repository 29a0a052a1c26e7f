"""What stands in front of a network, by hand."""

import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo, OpCounts
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.run.runner import work_in_front
from strategies import card_for


class Embedder:
    def host_ops(self, texts):
        return OpCounts("model", "tokens", len(texts), {"mac": 7 * len(texts)})


def card_with(random_network, encoder, window=8):
    network = random_network((encoder.channels, 2), seed=0)
    return card_for(network, encoder=encoder, window=window, embedding=EmbeddingInfo(None, None, encoder.dimension))


def test_each_code_of_a_spike_embedding_is_read_once_a_text(random_network):
    codes = np.full((3, 9), 0xFF, np.uint8)
    encoder = SpikeEmbeddingEncoder(["good", "film", "good film"], codes, 72, 2)
    # A code of 72 bits takes two words.
    found = work_in_front(card_with(random_network, encoder), None, ["good film, good film!", "what", "film"])
    assert (found.unit, found.units, found.counts) == (
        "codes",
        3 + 0 + 1,
        {"table_word": 4 * 2},
    )  # 72 bits in two words


def test_word_codes_are_read_one_a_step_until_the_window_ends(random_network):
    encoder = WordCodeEncoder(["good", "film"], np.array([3, 5], np.uint64))
    found = work_in_front(card_with(random_network, encoder, 4), None, ["good film of good good", "what"])
    assert (found.units, found.counts) == (3 - 1, {"table_word": 2})  # three tokens are taken, "of" has no code


def test_vectors_are_the_embedders_work_and_nobody_guesses_that_of_an_unknown_one(random_network):
    card = card_for(random_network((4, 2), seed=0))
    assert work_in_front(card, Embedder(), ["one", "two"]).counts == {"mac": 14}
    assert work_in_front(card, None, ["one"]).not_counted == "ready vectors of unknown origin were given"
    for known in (card, None):
        assert work_in_front(known, None, []).not_counted == "ready spikes were given"
