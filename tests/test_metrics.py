"""Ranks and scores by hand, and the rule for ties."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.metrics import AccuracyOverTime, accuracy_and_mrr, tie_broken_counts
from strategies import SEEDS


def test_of_equal_counts_the_earlier_wins():
    train = np.zeros((1, 6, 4), dtype=np.uint8)
    train[0, [1, 5], 0] = 1
    train[0, [3, 4], 1] = 1
    train[0, [0], 2] = 1
    scores = tie_broken_counts(train)
    assert np.floor(scores).tolist() == [[2, 2, 1, 0]]
    assert np.argsort(-scores[0]).tolist() == [1, 0, 2, 3]
    assert scores[0, 3] == 0


@given(SEEDS, st.integers(1, 40), st.integers(2, 6))
def test_scores_never_change_the_order_of_counts(seed, steps, classes):
    rng = np.random.default_rng(seed)
    train = (rng.random((5, steps, classes)) < rng.random()).astype(np.uint8)
    scores = tie_broken_counts(train)
    np.testing.assert_array_equal(np.floor(scores), train.sum(axis=1))
    for one, count in zip(scores, train.sum(axis=1), strict=True):
        order = np.argsort(-one, kind="stable")
        assert (np.diff(count[order].astype(int)) <= 0).all()


def test_accuracy_and_mrr_by_hand():
    scores = np.array([[3, 1, 2], [1, 1, 1], [0, 5, 5]])
    assert accuracy_and_mrr(scores, np.array([0, 2, 2])) == {"accuracy": 1 / 3, "mrr": (1 + 1 / 3 + 1 / 2) / 3}


@given(SEEDS, st.integers(1, 30), st.integers(2, 6))
def test_right_over_time_is_what_a_shorter_window_would_have_found(seed, steps, classes):
    rng = np.random.default_rng(seed)
    train = (rng.random((7, steps, classes)) < rng.random()).astype(np.uint8)
    labels = rng.integers(0, classes, 7)
    by_rule, by_counts = (AccuracyOverTime(labels, steps, ignore_ties=alone) for alone in (False, True))
    pause = np.ones((7, 2, classes), dtype=np.uint8)  # behind the window
    for some in (slice(0, 3), slice(3, 7)):
        by_rule.add(np.concatenate([train, pause], axis=1)[some])
        by_counts.add(train[some])
    for step in range(steps):
        so_far = train[:, : step + 1]
        assert by_rule.counts[step] == (tie_broken_counts(so_far).argmax(axis=1) == labels).sum()
        assert by_counts.counts[step] == (so_far.sum(axis=1, dtype=int).argmax(axis=1) == labels).sum()
