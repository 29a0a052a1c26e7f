"""The race: levels that separate, weights that lift to them, and the class with most evidence spiking first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlp_lava.network import limits
from snnlp_lava.train.methods.spike_embedding.learner import ramp_levels, ramp_weights
from strategies import dense

even = st.integers(-400, 400).map(lambda value: 2 * value)


def evidence_of(draw_rows):
    return np.array([*draw_rows, [0] * (len(draw_rows[0]) - 1) + [-6]])


@st.composite
def tables(draw):
    classes = draw(st.integers(2, 5))
    rows = draw(st.lists(st.lists(even, min_size=classes, max_size=classes), min_size=1, max_size=40))
    return evidence_of(rows)


@given(tables())
@settings(deadline=None)
def test_levels_separate_all_that_can_be_separated_cheaply(evidence):
    levels = ramp_levels(evidence)
    assert (np.diff(levels) < 0).all()
    assert (levels % 2 == 0).all()
    assert levels[-1] < evidence[-1].max()  # a text without evidence has an answer, too
    top = np.sort(evidence, axis=1)[:, ::-1]
    separated = ((top[:, :1] > levels) & (top[:, 1:2] <= levels)).any(axis=1)
    assert separated[top[:, 0] > top[:, 1]].all()  # fewer than a thousand texts: each one counts


@given(tables(), st.integers(1, 3))
@settings(deadline=None)
def test_no_more_levels_than_allowed(evidence, at_most):
    assert 1 <= len(ramp_levels(evidence, at_most)) <= at_most
    assert ramp_levels(evidence, at_most)[-1] < evidence[-1].max()


def test_one_level_is_enough_for_two_opposite_classes():
    half = 2 * np.arange(1, 200)
    evidence = np.stack([half, -half], axis=1) * np.where(np.arange(199) % 2, 1, -1)[:, None]
    levels = ramp_levels(np.concatenate([evidence, [[0, -2]]]))
    assert levels.tolist() == [-2]


@given(
    levels=st.lists(even, min_size=1, max_size=8, unique=True).map(lambda found: np.array(sorted(found)[::-1])),
    offset=st.lists(st.integers(-100, 0).map(lambda value: 2 * value), min_size=2, max_size=5),
    evidence=st.lists(even, min_size=5, max_size=5),
)
@settings(deadline=None)
def test_a_neuron_spikes_when_the_race_reaches_its_evidence(levels, offset, evidence):
    """On the integer neuron: evidence as the weights of a first spike, then the race."""
    offset = np.array(offset) - max(offset)
    threshold = 1024
    race = ramp_weights(levels, offset, threshold)
    assert (race % 2 == 0).all()
    assert race.min() >= limits.WEIGHT_MIN
    assert race.max() <= limits.WEIGHT_MAX
    held = np.array(evidence[: len(offset)])
    # Weights end at 254: what is held comes in four spikes.
    parts = [held // 8 * 2] * 3
    parts.append(held - sum(parts))
    weight = np.concatenate([np.array(parts), race, [np.full(len(offset), 2)]])
    steps = len(weight) - 1
    layer = dense(weight.T, np.zeros(len(offset), dtype=np.int64), 4096, 0, threshold)
    spikes = layer.run(np.eye(len(weight), dtype=np.uint8)[None, :steps]).spikes[0]
    lifted = threshold - np.cumsum(race - np.where(np.arange(len(race))[:, None] == 0, offset, 0), axis=0)[:, 0]
    assert set(levels.tolist()) <= set(lifted.tolist())
    for neuron, own in enumerate(held + offset):
        first = np.flatnonzero(own > lifted)
        came = np.flatnonzero(spikes[4:, neuron])
        assert (first[0] if len(first) else None) == (came[0] if len(came) else None)


def test_a_level_above_the_threshold_needs_no_lift():
    assert ramp_weights(np.array([1100, 0]), np.array([0, 0]), 508).tolist() == [[254, 254], [254, 254]]


@pytest.mark.parametrize("low", [-1000, -4000])
def test_offsets_too_low_for_a_weight_end_at_the_lowest(low):
    weights = ramp_weights(np.array([0]), np.array([0, low]), 1024)
    assert weights[0].tolist() == [254, max(254 + low, -256)]
