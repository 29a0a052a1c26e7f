"""Temperatures and calibration errors, by hand and by law."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.network.readout import calibration_error, class_probabilities, fit_temperature


@given(st.floats(0.5, 300), st.integers(0, 50))
def test_the_temperature_that_drew_the_labels_is_found(temperature, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(6000, 4)) * 2
    scores = logits * temperature
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (rng.random((6000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    assert abs(np.log(fit_temperature(scores, labels) / temperature)) < 0.15


def test_probabilities_of_an_unknown_text_are_equal():
    found = class_probabilities(np.array([[4, 0], [4, 0]]), np.array([0, -1]), 2.0)
    np.testing.assert_allclose(found, [[1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))], [0.5, 0.5]])


def test_calibration_error_by_hand():
    # Two bins: 0.9 said and 0.5 right of four, 0.5 said and 0.5 right of two.
    probabilities = np.array([0.9, 0.9, 0.9, 0.9, 0.5, 0.5])
    right = np.array([True, True, False, False, True, False])
    np.testing.assert_allclose(calibration_error(probabilities, right), 0.4 * 4 / 6)


def test_scores_that_say_nothing_have_a_temperature():
    assert fit_temperature(np.zeros((5, 3)), np.zeros(5, dtype=int)) == 1
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=int)) == 1


def test_scores_far_apart_are_probabilities_without_overflow():
    found = class_probabilities(np.array([[2000.0, 0.0, 1999.0]]), np.array([0]), 0.5)
    np.testing.assert_allclose(found, [[1 / (1 + np.exp(-2)), 0, 1 / (1 + np.exp(2))]], atol=1e-12)
