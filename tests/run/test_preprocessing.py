"""What stands in front of a network, by hand."""

import numpy as np
import pytest

from snnlp_lava.embed.base import EmbeddingInfo, OpCounts
from snnlp_lava.encode.base import Encoder
from snnlp_lava.encode.bernoulli import BernoulliEncoder
from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.run.execute import preprocessing_cost
from strategies import card_for


class Embedder:
    def host_ops(self, texts):
        return OpCounts("model", "tokens", len(texts), {"mac": 7 * len(texts)})


def card_with(random_network, encoder, window=8):
    network = random_network((encoder.lines, 2), seed=0)
    return card_for(network, encoder=encoder, window=window, embedding=EmbeddingInfo(None, None, None))


def test_each_code_of_a_spike_embedding_is_read_once_a_text(random_network):
    codes = np.full((3, 9), 0xFF, np.uint8)
    encoder = SpikeEmbeddingEncoder(["good", "film", "good film"], codes, 72, 2)
    # A code of 72 bits takes two words.
    cost = preprocessing_cost(card_with(random_network, encoder), None, ["good film, good film!", "what", "film"])
    assert set(cost) == {"encoding"}
    found = cost["encoding"]
    assert (found.unit, found.units, found.counts) == ("codes", 3 + 0 + 1, {"table_word": 4 * 2})


def test_word_codes_are_read_one_a_step_until_the_window_ends(random_network):
    encoder = WordCodeEncoder(["good", "film"], np.array([3, 5], np.uint64))
    texts = ["good film of good good", "what"]
    found = preprocessing_cost(card_with(random_network, encoder, 4), None, texts)["encoding"]
    assert (found.units, found.counts) == (3, {"table_word": 3})  # "of" has no code and takes no step
    encoder = WordCodeEncoder(["good", "film"], np.array([3, 5], np.uint64), skip_unknown=False)
    found = preprocessing_cost(card_with(random_network, encoder, 4), None, texts)["encoding"]
    assert (found.units, found.counts) == (2, {"table_word": 2})  # three tokens are taken, "of" is one of them


def test_vectors_are_the_embedders_work_and_nobody_guesses_that_of_an_unknown_one(random_network):
    card = card_for(random_network((4, 2), seed=0))
    assert preprocessing_cost(card, Embedder(), ["one", "two"])["embedding"].counts == {"mac": 14}
    unknown = preprocessing_cost(card, None, ["one"])
    assert unknown["embedding"].not_counted == "ready vectors of unknown origin were given"
    assert unknown["encoding"].not_counted is None
    for known in (card, None):
        assert preprocessing_cost(known, None, [])["embedding"].not_counted == "ready spikes were given"


@pytest.mark.parametrize("step", ["integer_addition", "random_number"])
def test_rate_coding_by_hand(random_network, step):
    """Two texts, 25 steps, 4 dimensions: a MAC a dimension, and of each line and step two operations."""
    card = card_for(random_network((4, 2), seed=0))
    if step == "random_number":
        card = card_for(random_network((4, 2), seed=0), encoder=BernoulliEncoder(card.encoder.calibration, 1))
    found = preprocessing_cost(card, None, ["one", "two"])["encoding"]
    assert found.counts == {"mac": 2 * 4, step: 2 * 4 * 25, "comparison": 2 * 4 * 25}


def test_an_encoder_that_states_no_cost_is_not_counted():
    """By the protocol's default, so that nobody's cost is 0 by silence."""

    class Silent(SafEncoder):
        host_ops = Encoder.host_ops

    found = Silent(Calibration("range", np.ones(3), np.zeros(3))).host_ops(["one"], 1, 8)
    assert "saf" in found.not_counted
    assert found.counts == {}
