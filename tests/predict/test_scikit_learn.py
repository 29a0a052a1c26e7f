import warnings

import numpy as np
import pytest

from snnlp_lava import InputError, SpikingTextClassifier

checks = pytest.importorskip("sklearn.utils.estimator_checks", reason="the checks are scikit-learn's, 1.6 or later")
if not hasattr(checks, "estimator_checks_generator"):
    pytest.skip("scikit-learn 1.6 or later has a list of its checks", allow_module_level=True)

# scikit-learn's checks pass tables of numbers, and none to an estimator of texts, so here tables become texts.
NONE = "an unknown answer is None, which the check cannot compare"
WORDS = "refused, not with scikit-learn's words"
NAMED_FIRST = "parameters depend on the method, so its name is checked at once"
FLOATS = "the labels of this check are floats; labels must be text, integers or bool"
NOT_OURS = {
    "check_fit_score_takes_y": "the arguments are named texts and labels, not X and y",
    "check_do_not_raise_errors_in_init_or_set_params": NAMED_FIRST,
    "check_set_params": NAMED_FIRST,
    "check_estimators_nan_inf": FLOATS,
    "check_classifiers_one_label": FLOATS,
    "check_complex_data": WORDS,
    "check_classifiers_regression_target": WORDS,
    "check_requires_y_none": WORDS,
    "check_estimators_empty_data_messages": WORDS,
    "check_fit2d_1sample": WORDS,
    "check_fit2d_predict1d": WORDS,
    "check_n_features_in_after_fitting": WORDS,
    "check_supervised_y_2d": "labels have one axis; a column is refused",
    "check_methods_sample_order_invariance": NONE,
    "check_methods_subset_invariance": NONE,
    "check_classifier_data_not_an_array": NONE,
    "check_classifiers_train": f"texts have no number of features; of vectors {NONE}",
}
ONLY_TEXTS = {"check_n_features_in": "texts have no number of features"}
ONLY_VECTORS = {"check_estimators_pickle": NONE, "check_fit_idempotent": NONE}


def as_texts(rows):
    """Make a text of each row of numbers: a word for each place and rounded value."""
    if hasattr(rows, "toarray") or isinstance(rows, str):
        return rows
    table = np.asarray(rows)
    if table.ndim != 2:
        return rows
    return [" ".join(f"place{place}is{float(value):.0f}" for place, value in enumerate(row)) for row in table]


class OfVectors(SpikingTextClassifier):
    """Says that it takes tables, so that scikit-learn gives it some."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
        return tags


class OfTexts(OfVectors):
    """Makes texts of tables."""

    def fit(self, texts, labels, validation=None):
        return super().fit(as_texts(texts), labels, validation)

    def predict(self, texts):
        return super().predict(as_texts(texts))

    def predict_proba(self, texts):
        return super().predict_proba(as_texts(texts))

    def score(self, texts, labels):
        return super().score(as_texts(texts), labels)


TEXTS = OfTexts()
VECTORS = OfVectors("snn-rate", epochs=1, window=2, hidden=(4,))


def listed(estimator, left_out):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [check for _, check in checks.estimator_checks_generator(estimator)]
    names = [check.func.__name__ for check in found]
    assert left_out <= set(names), f"scikit-learn no longer has {left_out - set(names)}"
    return [
        pytest.param(estimator, check, id=f"{name}-{type(estimator).__name__}-{number}")
        for number, (name, check) in enumerate(zip(names, found, strict=True))
        if name not in left_out
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        *listed(TEXTS, {*NOT_OURS, *ONLY_TEXTS}),
        *listed(VECTORS, {*NOT_OURS, *ONLY_VECTORS}),
    ],
)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_are_finite(bad):
    vectors = np.random.default_rng(0).standard_normal((20, 3))
    vectors[3, 1] = bad
    with pytest.raises(InputError, match="NaN"):
        SpikingTextClassifier("snn-rate").fit(vectors, [0, 1] * 10)


def test_an_unfitted_classifier_raises_scikit_learn_s_error():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        SpikingTextClassifier().predict(["a"])


def test_a_column_of_a_table_and_lists_of_numbers_are_taken():
    pd = pytest.importorskip("pandas")

    table = pd.DataFrame({"text": ["good soup", "bad soup"] * 20, "label": ["yes", "no"] * 20})
    fitted = SpikingTextClassifier().fit(table["text"], table["label"])
    assert fitted.predict(table["text"][:2]).tolist() == ["yes", "no"]
    rows = np.random.default_rng(0).standard_normal((40, 3))
    of_lists = SpikingTextClassifier("snn-rate", epochs=1, hidden=(4,)).fit(rows.tolist(), [0, 1] * 20)
    assert of_lists.n_features_in_ == 3
