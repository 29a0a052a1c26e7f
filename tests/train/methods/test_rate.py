"""snn-rate: which network its options choose, that few texts are enough, and that its spikes say what was trained."""

import numpy as np
import pytest

from snnlp_lava import SpikingTextClassifier
from snnlp_lava.errors import InputError
from snnlp_lava.train.methods.make import from_document, make_method, to_document
from snnlp_lava.train.methods.rate.method import SnnRate
from snnlp_lava.train.methods.snn import SnnRateCounts


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, SnnRate),
        ({"hidden": (64,), "levels": 4}, SnnRate),
        ({"epochs": 3, "dropout": 0.1}, SnnRate),
        ({"window": 10}, SnnRateCounts),
        ({"reference": True}, SnnRateCounts),
        ({"calibration": "range"}, SnnRateCounts),
        ({"hidden": (64, 32)}, SnnRateCounts),
    ],
)
def test_the_papers_network_is_trained_where_its_options_are_given(options, kind):
    method = make_method("snn-rate", **options)
    assert type(method) is kind
    assert from_document(to_document(method)) == method


@pytest.mark.parametrize(
    ("options", "classes", "message"),
    [
        ({"levels": 4, "window": 10}, 2, "levels 4 is not used together with window"),
        ({"read_out": "pairs", "tests": 4}, 2, "tests 4 only applies to read_out rise, not pairs"),
        ({"tests": 4}, 2, "tests 4 only applies to read_out rise, not pairs"),
        ({"levels": 4}, 150, "levels 4 only applies to read_out pairs, not rise"),
        ({"read_out": "rise", "hidden": (64,)}, 150, "read_out rise takes no hidden layer"),
        ({"read_out": "pairs", "hidden": ()}, 2, "read_out pairs takes one hidden layer"),
    ],
)
def test_options_that_do_not_apply_are_refused(options, classes, message):
    with pytest.raises(InputError, match=f"^{message}"):
        make_method("snn-rate", **options).resolved(classes)


def test_the_read_out_follows_from_the_number_of_classes():
    assert [make_method("snn-rate").resolved(classes).read_out for classes in (2, 18, 19)] == ["pairs", "pairs", "rise"]
    assert make_method("snn-rate", hidden=()).resolved(2).read_out == "rise"
    assert make_method("snn-rate", hidden=(64,)).resolved(19).read_out == "pairs"


def clusters(classes, each, rng, centres):
    labels = np.repeat(np.arange(classes), each)
    return centres[labels] + 0.6 * rng.normal(size=(len(labels), centres.shape[1])), labels


@pytest.mark.parametrize(
    ("classes", "options"), [(2, {}), (6, {}), (20, {}), (6, {"hidden": (), "kept": 1.0})], ids=str
)
def test_few_texts_are_enough_and_the_answer_is_one_spike(classes, options):
    rng = np.random.default_rng(classes)
    centres = rng.normal(size=(classes, 24))
    vectors, labels = clusters(classes, 60 // classes + 2, rng, centres)
    names = np.array([f"class {label}" for label in labels])
    classifier = SpikingTextClassifier("snn-rate", seed=0, **options).fit(vectors.astype(np.float32), names)
    later, wanted = clusters(classes, 20, rng, centres)
    found = classifier.predict(later.astype(np.float32))
    assert np.mean(found == [f"class {label}" for label in wanted]) > 0.85


def test_the_network_of_integers_answers_as_the_trained_one(monkeypatch):
    from snnlp_lava.train.loop import evaluate
    from snnlp_lava.train.methods.rate import learner as module

    rng = np.random.default_rng(4)
    vectors, labels = clusters(5, 40, rng, rng.normal(size=(5, 24)) / 2)
    before, after = [], []

    class Watched(module.RateLearner):
        def finalise(self):
            inputs = self.inputs(self.data.features["train"])
            before.append(evaluate(self.module, inputs)[1].argmax(axis=1))
            final = super().finalise()
            layer = final.network.layers[0]
            on, off = np.split(layer.weight[:-8, :48], 2, axis=1)
            np.testing.assert_array_equal(on, -off)
            assert np.count_nonzero(on) <= 0.3 * on.size + 1
            counts, scores = final.module.evaluate(self.inputs(self.data.features["train"]))
            np.testing.assert_array_equal(counts.sum(axis=1), 1)
            after.append(scores.argmax(axis=1))
            return final

    monkeypatch.setattr(module, "RateLearner", Watched)
    SpikingTextClassifier("snn-rate", hidden=(32,), kept=0.3).fit(vectors.astype(np.float32), [f"c{x}" for x in labels])
    assert np.mean(before[0] == after[0]) > 0.97
