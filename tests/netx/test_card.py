import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import MAX_WINDOW
from snnlp_lava.encode.bernoulli import BernoulliEncoder
from snnlp_lava.encode.calibration import CALIBRATIONS, Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Layer, Network
from snnlp_lava.netx.network_file import Card
from strategies import card_for

NETWORK = Network([Layer([[2, -4, 6], [8, 10, 12]], [0, 0], 1024, 128, 80)])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PARTS = ("train", "validation", "test")
SCORE = st.fixed_dictionaries(dict.fromkeys(["accuracy", "mrr"], st.floats(0, 1)), optional={"top2": JSON})
SCORES = {"validation": SCORE, "test": SCORE}
MACS = st.floats(0, 1e12) | st.integers(0, 10**12)
TRAINING = st.just({}) | st.fixed_dictionaries(
    {
        "config": st.dictionaries(st.text(), JSON, max_size=3),
        "data": st.fixed_dictionaries(
            {
                "name": st.text(),
                "split_scheme": st.text(),
                "rows": st.fixed_dictionaries(dict.fromkeys(PARTS, st.integers(1, 10**9))),
            }
        ),
        "scores": st.fixed_dictionaries({"best_epoch": st.integers(1, 100), **SCORES}),
        "baselines": st.fixed_dictionaries(
            {},
            optional={
                "tfidf": st.fixed_dictionaries({**SCORES, "macs": MACS}, optional={"C": JSON}),
                "ann": st.fixed_dictionaries(
                    {**SCORES, "macs": MACS, "sizes": st.lists(st.integers(1, 10**6), min_size=2, max_size=4)}
                ),
            },
        ),
    },
    optional={"model": JSON},
)


ARRAYS = {"gain": np.ones(3), "offset": np.zeros(3)}


def calibration_of(name):
    return Calibration(name, np.array([0.1, 1 / 3, -2]), np.array([0, 0.5, 1e-9]))


@given(
    st.lists(st.text(), min_size=2, unique=True, max_size=5),
    st.integers(1, MAX_WINDOW),
    st.integers(0, MAX_WINDOW),
    st.none() | st.text(),
    st.sampled_from(CALIBRATIONS).flatmap(
        lambda name: st.sampled_from(
            [
                SafEncoder(calibration_of(name)),
                *(BernoulliEncoder(calibration_of(name), 7, kind) for kind in (True, False)),
            ]
        )
    ),
    TRAINING,
)
def test_a_card_survives_json(names, window, pause, model, encoder, training):
    card = card_for(
        NETWORK,
        label_names=names,
        window=window,
        period=min(MAX_WINDOW, window + pause),
        embedding=EmbeddingInfo(model, model, 3),
        encoder=encoder,
        training=training,
    )
    document = json.loads(json.dumps(card.to_dict()))
    again = Card.from_dict(document, card.encoder.arrays())
    assert again.to_dict() == card.to_dict()
    assert (again.label_names, again.window, again.period) == (tuple(names), window, card.period)
    assert again.embedding == card.embedding
    assert (again.encoder.to_dict(), again.training) == (encoder.to_dict(), training)


@given(st.data())
def test_a_changed_description_is_a_card_or_an_input_error(data):
    document = json.loads(json.dumps(card_for(NETWORK).to_dict()))
    parent = document["embedding"] if data.draw(st.booleans()) else document
    key = data.draw(st.sampled_from([*parent]) | st.text())
    if data.draw(st.booleans()):
        parent[key] = data.draw(JSON)
    else:
        parent.pop(key, None)
    with contextlib.suppress(InputError):
        saved = json.loads(json.dumps(Card.from_dict(document, ARRAYS).to_dict()))
        assert saved == {field: document[field] for field in saved}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_names": ["one"]}, r"label names \('one',\) are not two or more different names"),
        ({"label_names": ["one", "one"]}, "are not two or more different names"),
        ({"window": 0}, "window 0 is outside 1 to 16384 steps"),
        ({"window": 16385, "period": 16385}, "window 16385 is outside 1 to 16384 steps"),
        ({"window": 9, "period": 8}, "period 8 is outside the window, 9, to 16384 steps"),
        ({"window": 9, "period": 16385}, "period 16385 is outside the window, 9, to 16384 steps"),
        ({"embedding": EmbeddingInfo(None, None, 4)}, "the embedding has 4 dimensions, the encoder 3"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        card_for(NETWORK, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": None}, "description is malformed: 'None' is NoneType"),
        ({"window": True}, "description is malformed: 'True' is bool"),
        ({"window": 8.0}, "description is malformed: '8.0' is float"),
        ({"label_names": ["a", 7]}, "description is malformed: '7' is int"),
        ({"label_names": "ab"}, "description is malformed: 'ab' is str"),
        ({"embedding": {"name": "a"}}, "description is malformed: .*sha256"),
        ({"embedding": {"name": 7, "sha256": None, "dimension": 3}}, "description is malformed: '7' is int"),
        ({"encoder": "saf"}, "description is malformed: 'saf' is str"),
        (
            {"encoder": {"kind": "saf", "calibration": "zscore"}},
            "encoder: calibration must be one of onoff, range, paper, got 'zscore'",
        ),
        ({"encoder": {"kind": "saf", "calibration": 7}}, "encoder: calibration .*got 7"),
        ({"encoder": {"kind": "saf"}}, "encoder: calibration is missing"),
        ({"encoder": {}}, "encoder: kind must be text"),
        ({"encoder": {"kind": ["saf"]}}, "encoder: kind must be text"),
        ({"encoder": {"kind": "word-codes", "reference": False}}, "encoder: array words is missing"),
        (
            {"encoder": {"kind": "bernoulli", "calibration": "paper", "seed": -1, "reference": False}},
            "encoder: seed .*>= 0, got -1",
        ),
        (
            {"encoder": {"kind": "bernoulli", "calibration": "paper", "seed": 1, "reference": 1}},
            "encoder: reference .*got 1",
        ),
    ],
)
def test_a_malformed_description_is_refused(changes, message):
    document = {**card_for(NETWORK).to_dict(), **changes}
    with pytest.raises(InputError, match=message):
        Card.from_dict(document, ARRAYS)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("data",), None, "'NoneType' object is not subscriptable"),
        (("data", "name"), 7, "'7' is int"),
        (("data", "split_scheme"), ["official"], r'"\[.official.\]" is list'),
        (("data", "rows"), 8, "'int' object is not subscriptable"),
        (("data", "rows", "train"), 0, "0 is outside 1 to"),
        (("data", "rows", "test"), 8.5, "'8.5' is float"),
        (("config",), [], r"'\[\]' is list"),
        (("baselines",), [], "'list' object has no attribute 'items'"),
        (("baselines", "tfidf"), 7, "'int' object is not subscriptable"),
        (("baselines", "tfidf", "test", "accuracy"), "0.5", "'0.5' is str"),
        (("baselines", "tfidf", "validation", "mrr"), None, "'None' is NoneType"),
        (("baselines", "tfidf", "test", "accuracy"), 10**39, "1000.* is outside 0 to 1"),
        (("baselines", "tfidf", "macs"), -1, "-1 is outside 0 to"),
        (("baselines", "bayes"), {}, "baseline 'bayes' is unknown"),
        (("baselines", "ann", "sizes"), [768, "6"], "'6' is str"),
        (("baselines", "ann", "sizes"), [768], "the ANN has no layers"),
        (("baselines", "ann", "sizes"), [768, 0], "0 is outside 1 to"),
    ],
)
def test_a_training_record_of_wrong_types_is_refused(place, value, message):
    document = json.loads(json.dumps(card_for(NETWORK).to_dict()))
    parent = document["training"]
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with pytest.raises(InputError, match=f"its training record is malformed: {message}"):
        Card.from_dict(document, ARRAYS)


@pytest.mark.parametrize("missing", ["data", "config", "baselines"])
def test_a_training_record_that_lacks_a_part_is_refused_but_none_at_all_is_allowed(missing):
    training = {**card_for(NETWORK).training}
    del training[missing]
    with pytest.raises(InputError, match=f"its training record lacks '{missing}'"):
        card_for(NETWORK, training=training)
    assert card_for(NETWORK, training={}).training == {}


@pytest.mark.parametrize("missing", ["window", "label_names", "embedding", "encoder", "training"])
def test_a_description_that_lacks_a_field_names_it(missing):
    document = card_for(NETWORK).to_dict()
    del document[missing]
    with pytest.raises(InputError, match=f"its description lacks '{missing}'"):
        Card.from_dict(document, ARRAYS)
