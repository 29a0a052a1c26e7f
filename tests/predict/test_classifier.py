"""The classifier: scikit-learn's conventions, the same integers as the emulator, nothing answered without evidence."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from predict.conftest import sayings
from snnlp_lava import InputError, SpikingTextClassifier, read_network
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.cli.main import main
from snnlp_lava.encode.base import EncodedSamples


def test_it_learns_and_answers_with_the_labels_it_was_given(fitted):
    texts, labels = sayings(100, seed=1)
    assert fitted.score(texts, labels) > 0.9
    assert fitted.classes_.tolist() == ["complaint", "praise", "question"]
    assert fitted.predict(["rude waiter, cold soup"]).tolist() == ["complaint"]
    probabilities = fitted.predict_proba(texts)
    assert probabilities.shape == (100, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.max() > 0.8


def test_predictions_are_the_emulator_s_integers(fitted):
    texts, _ = sayings(60, seed=2)
    card, network = fitted.card, fitted.network
    result = run_emulator(
        network, EncodedSamples(np.array(texts, dtype=object), card.encoder, card.window), card.period
    )
    predicted = fitted.predictor.predict(texts)
    np.testing.assert_array_equal(predicted.classes, result.output_scores.argmax(axis=1))
    np.testing.assert_array_equal(predicted.output_spikes, result.output_counts.sum(axis=1))
    np.testing.assert_array_equal(predicted.synops, sum(layer.synops_nonzero for layer in result.layers))


def test_a_text_without_evidence_is_unknown_and_never_right(fitted):
    texts = ["xyzzy plugh", "", "  ", "lovely soup"]
    assert fitted.predict(texts).tolist() == [None, None, None, "praise"]
    np.testing.assert_allclose(fitted.predict_proba(["xyzzy"]), 1 / 3)
    assert fitted.score(["xyzzy", "lovely soup"], ["complaint", "praise"]) == 0.5


def test_answers_below_a_probability_are_rejected(fitted):
    texts, _ = sayings(50, seed=3)
    best = fitted.predict_proba(texts).max(axis=1)
    limit = float(np.median(best))
    strict = SpikingTextClassifier.load(_exported(fitted))
    strict.set_params(reject_below=limit)
    assert [label is None for label in strict.predict(texts)] == (best < limit).tolist()


def _exported(classifier):
    import tempfile
    from pathlib import Path

    path = Path(tempfile.mkdtemp()) / "x.net"
    classifier.export(path)
    return path


def test_a_file_answers_as_the_object_and_as_the_commands(fitted, tmp_path):
    texts, _ = sayings(20, seed=4)
    fitted.export(tmp_path / "x.net")
    again = SpikingTextClassifier.load(tmp_path / "x.net")
    np.testing.assert_array_equal(again.predict(texts), fitted.predict(texts))
    np.testing.assert_array_equal(again.predict_proba(texts), fitted.predict_proba(texts))
    runner = CliRunner()
    found = runner.invoke(main, ["predict", str(tmp_path / "x.net"), "--json", *texts], catch_exceptions=False)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [row["label"] for row in rows] == fitted.predict(texts).tolist()
    np.testing.assert_allclose([row["probability"] for row in rows], fitted.predict_proba(texts).max(axis=1), atol=1e-6)
    options = [argument for text in texts for argument in ("--text", text)]
    ran = runner.invoke(main, ["run", str(tmp_path / "x.net"), "--json", *options], catch_exceptions=False)
    names = read_network(tmp_path / "x.net").card.label_names
    assert [names[index] for index in json.loads(ran.stdout)["predictions"]] == fitted.predict(texts).tolist()


def test_a_saved_model_is_a_model_folder(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    assert SpikingTextClassifier.load(tmp_path / "model").predict(["lovely soup"]).tolist() == ["praise"]
    with pytest.raises(InputError, match="finished model"):
        fitted.save(tmp_path / "model")
    fitted.export(tmp_path / "x.net")
    with pytest.raises(InputError, match="export"):
        SpikingTextClassifier.load(tmp_path / "x.net").save(tmp_path / "other")


def test_an_explanation_names_entries_and_the_step_that_decided(fitted):
    found = fitted.explain("lovely soup")
    assert found["label"] == "praise"
    assert "lovely" in [row["entry"] for row in found["entries"]]
    (lovely,) = [row for row in found["entries"] if row["entry"] == "lovely"]
    assert lovely["weights"]["praise"] > 0
    assert 0 <= found["decided_at"] < fitted.card.window
    assert found["synops"] == fitted.predictor.predict(["lovely soup"]).synops[0]
    assert fitted.explain("xyzzy")["label"] is None


def test_integer_and_bool_labels_come_back_as_they_are():
    texts, labels = sayings(200)
    numbers = [{"praise": 10, "complaint": 2, "question": 7}[label] for label in labels]
    found = SpikingTextClassifier().fit(texts, numbers)
    assert found.classes_.tolist() == [2, 7, 10]
    assert found.predict(["lovely soup"]).tolist() == [10]
    pairs = [(text, label == "praise") for text, label in zip(texts, labels, strict=True) if label != "question"]
    two = SpikingTextClassifier().fit(*map(list, zip(*pairs, strict=True)))
    assert two.predict(["lovely place again", "rude waiter and cold soup"]).tolist() == [True, False]
    assert SpikingTextClassifier.load(_exported(found)).classes_.tolist() == [2, 7, 10]


def test_vectors_and_validation_rows_of_one_s_own():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=240)
    vectors = (np.eye(12)[labels * 4] * 3 + rng.normal(size=(240, 12))).astype(np.float32)
    classifier = SpikingTextClassifier("snn-rate", hidden=(32,), window=24, epochs=12, batch_size=16)
    classifier.fit(vectors[:200], labels[:200], validation=(vectors[200:220], labels[200:220]))
    assert classifier.score(vectors[220:], labels[220:]) > 0.8
    with pytest.raises(InputError, match="texts"):
        SpikingTextClassifier().fit(vectors, labels)


@pytest.mark.parametrize(
    ("texts", "labels", "told"),
    [
        ([], [], "no rows"),
        (["a b"] * 20, ["x"] * 20, "two classes"),
        (["a b"] * 20, ["x", 1] * 10, "one type"),
        (["a b"] * 20, [1.5, 2.5] * 10, "float"),
        (["a b", 3] * 10, ["x", "y"] * 10, "text 2"),
        (["a b"] * 20, ["x", "y"] * 9, "20 and 18"),
        ("one text", ["x"], "list of texts"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_one_line(texts, labels, told):
    with pytest.raises(InputError) as caught:
        SpikingTextClassifier().fit(texts, labels)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_parameters_and_unfitted_objects_are_refused():
    with pytest.raises(InputError, match="hidden"):
        SpikingTextClassifier(hidden=(3,)).fit(*sayings(30))
    with pytest.raises(InputError, match="unknown"):
        SpikingTextClassifier("no-such-method").get_params()
    with pytest.raises(InputError, match="not fitted"):
        SpikingTextClassifier().predict(["a"])
    with pytest.raises(InputError, match="no such file"):
        SpikingTextClassifier.load("absent.net")


def test_the_same_seed_gives_the_same_network():
    texts, labels = sayings(120)
    one, other = (SpikingTextClassifier(seed=7).fit(texts, labels) for _ in range(2))
    assert one.network == other.network
    assert one.card.to_dict() == other.card.to_dict()


def test_scikit_learn_takes_it_as_one_of_its_own():
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.utils.validation import check_is_fitted

    texts, labels = sayings(150)
    classifier = SpikingTextClassifier(synop_budget=200)
    assert is_classifier(classifier)
    copy = clone(classifier)
    assert copy.get_params() == classifier.get_params()
    assert copy.get_params()["synop_budget"] == 200
    assert cross_val_score(classifier, texts, labels, cv=2).min() > 0.6
    search = GridSearchCV(classifier, {"synop_budget": [100, 400]}, cv=2).fit(texts, labels)
    assert search.best_params_["synop_budget"] in (100, 400)
    lower = FunctionTransformer(lambda rows: [row.lower() for row in rows])
    assert make_pipeline(lower, classifier).fit(texts, labels).score(texts, labels) > 0.8
    check_is_fitted(classifier)


def test_predicting_imports_neither_torch_nor_lava(fitted, tmp_path):
    fitted.export(tmp_path / "x.net")
    code = (
        "import sys; from snnlp_lava import SpikingTextClassifier\n"
        f"print(SpikingTextClassifier.load({str(tmp_path / 'x.net')!r}).predict(['lovely soup'])[0])\n"
        "assert not {'torch', 'lava', 'sklearn', 'sentence_transformers', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "praise", done.stderr


def test_an_included_name_means_the_included_network_whatever_lies_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()  # as `snnlp-lava demo` leaves it
    assert "joy" in SpikingTextClassifier.load("demo").classes_
    with pytest.raises(InputError, match=r"demo"):
        SpikingTextClassifier.load("./demo/x")
