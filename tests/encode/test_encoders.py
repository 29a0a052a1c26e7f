"""What holds for every encoder of the registry."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import ENCODERS, load_encoder
from snnlp_lava.encode.calibration import CALIBRATIONS, Calibration
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.encode.token_lines import TokenLineEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.text.entries import Scheme
from strategies import SEEDS

WORDS = ("cat", "dog", "cat dog", "\u00e9", "sat")
TEXTS = st.lists(
    st.lists(st.sampled_from(["cat", "Dog", "\u00e9", "e\u0301", "unknown", "sat!"]), max_size=9).map(" ".join),
    max_size=5,
)
FORMS = st.sampled_from([None, "NFC", "NFKC"])


def calibrations(dimension=3):
    def of(name, seed):
        rng = np.random.default_rng(seed)
        size = 2 * dimension if name == "learned" else dimension
        return Calibration(name, rng.normal(0, 2, size), rng.normal(0, 1, size))

    return st.builds(of, st.sampled_from(CALIBRATIONS), SEEDS)


def codes(shape, dtype, bits):
    return SEEDS.map(lambda seed: np.random.default_rng(seed).integers(0, 1 << bits, shape).astype(dtype))


ANY_ENCODER = {
    "saf": st.builds(ENCODERS["saf"], calibrations()),
    "bernoulli": st.builds(ENCODERS["bernoulli"], calibrations(), SEEDS, st.booleans()),
    "word-codes": st.integers(2, 40).flatmap(
        lambda bits: st.builds(
            WordCodeEncoder,
            st.just(WORDS),
            codes(5, np.uint64, bits),
            st.just(bits),
            st.booleans(),
            FORMS,
            st.booleans(),
        )
    ),
    "spike-embedding": st.builds(
        SpikeEmbeddingEncoder, st.just(WORDS), codes((5, 2), np.uint8, 8), st.just(16), st.integers(0, 3), FORMS
    ),
    "token-lines": st.builds(
        TokenLineEncoder,
        st.just(WORDS),
        codes(5, np.uint32, 3),
        st.integers(8, 20),
        st.integers(0, 3),
        st.builds(Scheme, st.just(True), st.booleans(), st.none() | st.just((2, 3))),
    ),
}


def test_each_encoder_is_registered_by_its_own_kind_and_is_tested_here():
    assert {kind: ENCODERS[kind].kind for kind in ENCODERS} == {kind: kind for kind in ENCODERS}
    assert set(ANY_ENCODER) == set(ENCODERS)


@pytest.mark.parametrize("kind", ANY_ENCODER)
@given(st.data(), TEXTS, SEEDS, st.integers(4, 12))
def test_an_encoder_survives_being_stored_and_spikes_as_it_promises(kind, data, texts, seed, window):
    encoder = data.draw(ANY_ENCODER[kind])
    stored = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        for name, array in encoder.arrays().items()
    }
    again = load_encoder(json.loads(json.dumps(encoder.to_dict())), stored)
    assert again.to_dict() == encoder.to_dict()
    assert (again.lines, again.dimension, again.takes) == (encoder.lines, encoder.dimension, encoder.takes)
    if encoder.takes == "texts":
        assert encoder.dimension is None
        features = np.array(texts, dtype=object)
    else:
        features = np.random.default_rng(seed).normal(0, 1, (len(texts), encoder.dimension))
    spikes = encoder.encode(encoder.quantise(features, window), window)
    assert (spikes.shape, spikes.dtype) == ((len(texts), window, encoder.lines), np.uint8)
    assert np.isin(spikes, (0, 1)).all()
    np.testing.assert_array_equal(spikes, again.encode(again.quantise(features, window), window))
    for text in texts:
        steps = [step for step, _ in encoder.token_steps(text, window)]
        assert steps == sorted(steps)
        assert all(0 <= step < window for step in steps)
    ops = encoder.host_ops(texts, len(texts), window)
    assert ops == again.host_ops(texts, len(texts), window)
    assert ops.not_counted is None
    assert all(type(count) is int and count >= 0 for count in (ops.units, *ops.counts.values()))


@pytest.mark.parametrize("kind", ANY_ENCODER)
@given(st.data())
def test_what_a_file_lacks_or_does_not_know_is_named(kind, data):
    encoder = data.draw(ANY_ENCODER[kind])
    document, arrays = encoder.to_dict(), encoder.arrays()
    for name in arrays:
        with pytest.raises(InputError, match=f"encoder: array {name} is missing"):
            load_encoder(document, {other: array for other, array in arrays.items() if other != name})
    with pytest.raises(InputError, match="encoder: colour is unknown"):
        load_encoder({**document, "colour": 1}, arrays)


@pytest.mark.parametrize("kind", ["latency", "os.system", ""])
def test_an_unknown_kind_is_named_with_the_known_ones(kind):
    with pytest.raises(
        InputError, match=rf"encoder '{kind}' is unknown \(known: saf, .*\); is its package installed\?"
    ):
        load_encoder({"kind": kind}, {})


@pytest.mark.parametrize("document", [{}, {"kind": None}, {"kind": ["saf"]}])
def test_a_description_without_a_kind_is_refused(document):
    with pytest.raises(InputError, match="encoder: kind must be text"):
        load_encoder(document, {})
