"""The short way of a text through one layer gives the integers of the long one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.token_lines import SILENT, TokenLineEncoder
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.readout import integrate_once
from snnlp_lava.netx.card import Card
from snnlp_lava.predict.predictor import Predictor
from snnlp_lava.text.entries import Scheme, entries_of

WORDS = tuple("abcdefgh")


@st.composite
def predictors(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    classes, start, lines = draw(st.integers(2, 5)), draw(st.integers(0, 2)), draw(st.integers(1, 8))
    weight = 2 * rng.integers(-60, 60, (classes, lines + start))
    weight[0, 0] = 100
    neuron = Neuron(rng.integers(-20, 60, classes), 4096, 0, draw(st.integers(1, 400)))
    line = rng.integers(0, lines, len(WORDS)).astype(np.uint32)
    line[rng.random(len(WORDS)) < 0.2] = SILENT
    encoder = TokenLineEncoder(WORDS, line, lines, start, Scheme(words=True, pairs=False, characters=None))
    window = draw(st.integers(1, 9))
    names = tuple(f"class {number}" for number in range(classes))
    card = Card("spike-embedding", "word", names, window, window, EmbeddingInfo(None, None, None), encoder)
    return Predictor(Network((Dense(weight, neuron),)), card)


TEXTS = st.lists(st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=6).map(" ".join), min_size=1, max_size=8)


@given(predictors(), TEXTS)
def test_both_ways_give_the_same_predictions(predictor, texts):
    assert predictor._read_at_once is not None
    short, long = predictor._predict_at_once(texts), predictor._predict(texts)
    for name in ("classes", "probabilities", "scores", "synops", "input_spikes", "output_spikes", "steps"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name), err_msg=name)


PAIRS = tuple(f"{one} {other}" for one in WORDS[:5] for other in WORDS[2:7])


NGRAMS = tuple(f"\t{first}{second}{third}" for first in "ab " for second in "ab \U0001f600" for third in ("", "b", "x"))
SCHEMES = st.builds(
    Scheme, words=st.booleans(), pairs=st.booleans(), characters=st.sampled_from([None, (1, 2), (2, 2), (2, 3), (3, 5)])
)


@given(
    st.integers(0, 10_000),
    SCHEMES,
    st.lists(st.lists(st.sampled_from([*WORDS, "?", "unknown", "ab", "\U0001f600b"]), max_size=9), max_size=90),
)
def test_many_texts_have_the_lines_that_each_has_by_itself(seed, scheme, words):
    rng = np.random.default_rng(seed)
    entries = [entry for entry in (*WORDS, *PAIRS, *NGRAMS, "a b c") if rng.random() < 0.7] or ["a"]
    line = rng.integers(0, 12, len(entries)).astype(np.uint32)
    line[rng.random(len(entries)) < 0.2] = SILENT
    encoder = TokenLineEncoder(entries, line, 12, 1, scheme)
    texts = [" ".join(of_text) for of_text in words]
    starts, lines, known = encoder._active_of_many(texts)
    for number, text in enumerate(texts):
        found = {entry for entry in entries_of(text, scheme) if entry in entries}
        assert known[number] == bool(found)
        expected = {int(line[entries.index(entry)]) for entry in found} - {SILENT}
        assert lines[starts[number] : starts[number + 1]].tolist() == sorted(expected)
        _, alone, is_known = encoder.active_lines([text])
        assert (is_known.tolist(), sorted(alone.tolist())) == ([known[number]], sorted(expected))
        spikes = encoder.encode(encoder.quantise([text], 1), 1)[0, 0, :12]
        assert np.flatnonzero(spikes).tolist() == sorted(expected)


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_integration_is_the_neuron_s(seed, steps):
    rng = np.random.default_rng(seed)
    sums, bias = rng.integers(-3000, 3000, (20, 4)), rng.integers(-300, 300, 4)
    threshold = int(rng.integers(1, 2000))
    layer = Dense(np.eye(4, dtype=np.int64) * 2, Neuron(bias, 4096, 0, threshold))
    whole = np.zeros((20, steps, 4), dtype=np.int32)
    whole[:, 0] = sums
    from snnlp_lava.network.kernels import run_neurons

    expected = run_neurons(layer.neuron.state_units, whole).spikes
    np.testing.assert_array_equal(integrate_once(sums, bias, threshold, steps), expected)


def test_sums_beyond_the_registers_are_left_to_the_neuron():
    assert integrate_once(np.array([[1 << 17]]), np.array([1]), 5, 3) is None
    assert integrate_once(np.array([[(1 << 17) - 4]]), np.array([1]), 5, 3) is not None
