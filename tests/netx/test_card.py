import contextlib
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import MAX_WINDOW
from snnlp_lava.encode.bernoulli import BernoulliEncoder
from snnlp_lava.encode.calibration import FITTED, Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card
from strategies import card_for, dense

NETWORK = Network([dense([[2, -4, 6], [8, 10, 12]], [0, 0], 1024, 128, 80)])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PARTS = ("train", "validation", "test")
SCORE = st.fixed_dictionaries(dict.fromkeys(["accuracy", "mrr"], st.floats(0, 1)))
SCORES = {"validation": SCORE, "test": SCORE}
MACS = st.floats(0, 1e12)
TRAINING = st.none() | st.fixed_dictionaries(
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
                "tfidf": st.fixed_dictionaries({**SCORES, "macs": MACS}, optional={"C": MACS}),
                "ann": st.fixed_dictionaries(
                    {**SCORES, "macs": MACS, "sizes": st.lists(st.integers(1, 10**6), min_size=2, max_size=4)}
                ),
            },
        ),
    },
    optional={"model": st.text()},
)


ARRAYS = {"gain": np.ones(3), "offset": np.zeros(3)}


def calibration_of(name):
    return Calibration(name, np.array([0.1, 1 / 3, -2]), np.array([0, 0.5, 1e-9]))


@given(
    st.lists(st.text(), min_size=2, unique=True, max_size=5),
    st.integers(1, MAX_WINDOW),
    st.integers(0, MAX_WINDOW),
    st.none() | st.text(),
    st.sampled_from(FITTED).flatmap(
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
    again = Card.from_parts(document, card.encoder.arrays())
    assert again.to_dict() == card.to_dict()
    assert (again.label_names, again.window, again.period) == (tuple(names), window, card.period)
    assert again.embedding == card.embedding
    assert again.encoder.to_dict() == encoder.to_dict()
    assert (again.training and again.training.to_dict()) == training


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
        saved = json.loads(json.dumps(Card.from_parts(document, ARRAYS).to_dict()))
        assert {**saved, **document} == saved  # what was left out has its default


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_names": ["one"]}, "label_names .*>= 2"),
        ({"label_names": ["one", "one"]}, "label_names must differ"),
        ({"window": 0}, "window .*>= 1, got 0"),
        ({"window": 16385, "period": 16385}, "window .*<= 16384, got 16385"),
        ({"window": 9, "period": 8}, "period .*>= the window, 9, got 8"),
        ({"window": 9, "period": 16385}, "period .*<= 16384, got 16385"),
        ({"embedding": EmbeddingInfo(None, None, 4)}, "3 dimensions, the embedding has 4"),
        ({"embedding": EmbeddingInfo(None, None, None)}, "3 dimensions, the embedding has None"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        card_for(NETWORK, **changes)


def test_an_encoder_of_texts_asks_nothing_of_the_embedding():
    encoder = WordCodeEncoder(["a"], np.array([1], np.uint64), 3)
    for dimension in (None, 3, 64):  # 0.1.0 wrote the length of a code
        assert card_for(NETWORK, encoder=encoder, embedding=EmbeddingInfo("codes", "0" * 64, dimension))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": None}, "card: window must be an integer, got None"),
        ({"window": True}, "card: window must be an integer, got True"),
        ({"window": 8.5}, "card: window must be an integer, got 8.5"),
        ({"label_names": ["a", 7]}, r"card: label_names\[1\] must be text, got 7"),
        ({"label_names": "ab"}, "card: label_names must be a list, got 'ab'"),
        ({"embedding": {"name": "a"}}, "card: embedding.sha256 is missing"),
        (
            {"embedding": {"name": 7, "sha256": None, "dimension": 3}},
            "card: embedding.name .*text or null, got 7",
        ),
        ({"embedding": {"name": None, "sha256": None, "dimension": -3}}, "card: embedding.dimension .*got -3"),
        ({"encoder": "saf"}, "card: encoder must be a table of names and values, got 'saf'"),
        ({"encoder": {}}, "encoder: kind must be text"),
        ({"encoder": {"kind": "saf", "calibration": "zscore"}}, "encoder: calibration must be one of .*got 'zscore'"),
        ({"encoder": {"kind": "latency"}}, "encoder 'latency' is unknown .*is its package installed"),
        ({"colour": 1}, "card: colour is unknown"),
        ({"training": {}, "colour": 1}, "card: colour is unknown"),
    ],
)
def test_a_malformed_description_is_refused(changes, message):
    document = {**card_for(NETWORK).to_dict(), **changes}
    with pytest.raises(InputError, match=message):
        Card.from_parts(document, ARRAYS)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("data", None),
        ("data.name", 7),
        ("data.split_scheme", ["official"]),
        ("data.rows", 8),
        ("data.rows.train", 0),
        ("data.rows.test", 8.5),
        ("config", []),
        ("baselines", []),
        ("baselines.tfidf", 7),
        ("baselines.tfidf.test.accuracy", "0.5"),
        ("baselines.tfidf.validation.mrr", None),
        ("baselines.tfidf.test.accuracy", 10**39),
        ("baselines.tfidf.macs", -1),
        ("baselines.ann.sizes", [768, "6"]),
        ("baselines.ann.sizes", [768]),
        ("baselines.ann.sizes", [768, 0]),
    ],
)
def test_a_training_record_of_wrong_types_or_ranges_is_refused(place, value):
    document = json.loads(json.dumps(card_for(NETWORK).to_dict()))
    *parents, last = place.split(".")
    parent = document["training"]
    for key in parents:
        parent = parent[key]
    parent[last] = value
    with pytest.raises(InputError, match=r"^card: training\." + re.escape(place.split(".")[0])):
        Card.from_parts(document, ARRAYS)


@pytest.mark.parametrize("missing", ["data", "config", "scores", "baselines"])
def test_a_training_record_that_lacks_a_part_is_refused_but_none_at_all_is_allowed(missing):
    training = card_for(NETWORK).to_dict()["training"]
    del training[missing]
    with pytest.raises(InputError, match=f"training.{missing} is missing"):
        card_for(NETWORK, training=training)
    assert card_for(NETWORK, training=None).to_dict()["training"] is None
    old = {**card_for(NETWORK).to_dict(), "training": {}}  # how 0.1.0 said that it is unknown
    assert Card.from_parts(old, ARRAYS).training is None


def test_a_training_record_may_name_baselines_of_another_version():
    training = card_for(NETWORK).to_dict()["training"]
    training["baselines"]["bayes"] = training["baselines"]["tfidf"]
    assert "bayes" in card_for(NETWORK, training=training).training.baselines


@pytest.mark.parametrize("missing", ["window", "label_names", "embedding", "encoder", "training"])
def test_a_description_that_lacks_a_field_names_it(missing):
    document = card_for(NETWORK).to_dict()
    del document[missing]
    with pytest.raises(InputError, match=f"card: {missing} is missing"):
        Card.from_parts(document, ARRAYS)
