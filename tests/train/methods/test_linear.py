"""Linear models by coordinate descent: the optimum that scikit-learn's solver finds, and masks that hold."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.svm import LinearSVC

from snnlp_lava.train.methods.spike_embedding.linear import (
    fit,
    fit_full,
    naive_bayes_penalty,
    naive_bayes_ratios,
    tfidf_penalty,
)
from strategies import random_occurrences


def objective(weight, offset, there, labels, penalty):
    scores = there @ weight + offset
    sign = (
        np.where(labels[:, None] == np.arange(scores.shape[1]), 1, -1)
        if scores.shape[1] > 1
        else 2 * labels[:, None] - 1
    )
    return (np.maximum(0, 1 - sign * scores) ** 2).sum() + 0.5 * (penalty * weight**2).sum()


@pytest.mark.parametrize("classes", [2, 4])
def test_the_optimum_is_that_of_scikit_learn(classes):
    """Its offset is the weight of a feature of great value, hence hardly penalised."""
    occurrences, there, labels = random_occurrences(classes=classes)
    columns = 1 if classes == 2 else classes
    penalty = np.ones((25, columns), dtype=np.float32)
    ours = fit_full(occurrences, labels, penalty, classes, 200, 0)
    theirs = LinearSVC(C=1.0, intercept_scaling=100, tol=1e-6, max_iter=100_000).fit(there, labels)
    found = objective(ours.dense(), ours.offset, there, labels, penalty)
    wanted = objective(theirs.coef_.T, theirs.intercept_, there, labels, penalty)
    assert found == pytest.approx(wanted, rel=1e-3)
    np.testing.assert_allclose(ours.dense(), theirs.coef_.T, atol=0.02)
    np.testing.assert_allclose(ours.scores(occurrences), there @ ours.dense() + ours.offset, atol=1e-4)


@pytest.mark.parametrize("kept", [0.1, 0.7])
def test_a_mask_holds_and_the_rest_is_fitted_again(kept):
    occurrences, there, labels = random_occurrences(classes=12)
    penalty = naive_bayes_penalty(occurrences, labels, 12, 1)
    model = fit_full(occurrences, labels, penalty, 12, 10, 0)
    mask = np.random.default_rng(1).random(len(model.weight)) < kept
    before = model.keep(mask)
    lost = objective(before.dense(), before.offset, there, labels, penalty)
    scores = fit(before, occurrences, labels, penalty, 20, 1)
    assert not before.dense().ravel()[~mask].any()
    assert objective(before.dense(), before.offset, there, labels, penalty) < lost
    np.testing.assert_allclose(scores, there @ before.dense() + before.offset, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_naive_bayes_ratios_by_hand(classes):
    occurrences, there, labels = random_occurrences(entries=4, classes=classes)
    ratios = naive_bayes_ratios(occurrences, labels, classes)
    for column, label in enumerate(range(classes) if classes > 2 else [1]):
        inside, outside = (there[rows].sum(axis=0) + 1 for rows in (labels == label, labels != label))
        wanted = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
        np.testing.assert_allclose(ratios[:, column], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_tfidf_model_is_scikit_learns_and_answers_binary_texts_alike(classes):
    occurrences, there, labels = random_occurrences(classes=classes)
    penalty, norms = tfidf_penalty(occurrences, 1 if classes == 2 else classes)
    ours = fit_full(occurrences, labels, penalty, classes, 400, 0, norms)
    idf = TfidfTransformer().fit(there).idf_
    length = np.linalg.norm(there * idf, axis=1, keepdims=True)
    some = length[:, 0] > 0
    rows = np.hstack([there * idf, np.full_like(length, 1000)])[some] / length[some]  # the offset, hardly penalised
    theirs = LinearSVC(fit_intercept=False, tol=1e-6, max_iter=1_000_000).fit(rows, labels[some])
    unit = np.median(length[some])
    np.testing.assert_allclose(ours.dense() * unit / idf[:, None], theirs.coef_[:, :-1].T, atol=0.03)
