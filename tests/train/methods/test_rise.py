"""The rise: which class crosses first, on the integers and on the emulator."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.metrics import tie_broken_counts
from snnlp_lava.network import limits
from snnlp_lava.train.methods.spike_embedding.rise import RiseLoss, mirrored_rise
from strategies import dense

even = st.integers(-120, 120).map(lambda value: 2 * value)


def on_the_emulator(weight, rise, present):
    """Answers of one layer whose lines are `weight` and the start lines; -1 where nothing spikes."""
    start = rise.start_weight
    layer = dense(np.concatenate([weight, start]).T, rise.bias, limits.DECAY_UNITY, 0, rise.threshold)
    spikes = np.zeros((len(present), rise.steps, layer.inputs), dtype=np.uint8)
    spikes[:, 0, : len(weight)] = present
    spikes[:, 0, len(weight) :] = 1
    scores = tie_broken_counts(layer.run(spikes).spikes)
    return np.where(scores.max(axis=1) > 0, scores.argmax(axis=1), -1)


@given(st.data(), st.integers(3, 6), st.integers(1, 9))
def test_the_network_answers_as_the_rule_says(data, classes, steps):
    weight = data.draw(arrays(np.int64, (5, classes), elements=even))
    assume((weight > 0).any())
    offset = data.draw(arrays(np.int64, classes, elements=st.integers(-500, 500).map(lambda value: 2 * value)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    present = rng.random((40, 5)) < 0.5
    sums = present @ weight
    for _, rise in RiseLoss(sums, offset, rng.integers(0, classes, 40)).best(steps):
        assert rise.steps == steps
        np.testing.assert_array_equal(on_the_emulator(weight, rise, present), rise.answers(sums))


@given(arrays(np.int64, (5, 1), elements=even), st.integers(-2000, 2000).map(lambda value: 2 * value))
def test_two_classes_are_told_apart_exactly_and_one_of_them_always_spikes(weight, offset):
    assume(weight.any())
    present = (np.arange(32)[:, None] >> np.arange(5)) & 1
    rise = mirrored_rise(offset)
    wanted = (present @ weight[:, 0] + offset > 0).astype(int)
    np.testing.assert_array_equal(rise.answers(present @ np.concatenate([-weight, weight], axis=1)), wanted)
    np.testing.assert_array_equal(on_the_emulator(np.concatenate([-weight, weight], axis=1), rise, present), wanted)


def test_with_a_start_line_the_first_level_above_the_runner_up_decides():
    """Evidence apart by more than a spacing is never confused, whatever the offsets."""
    rng = np.random.default_rng(0)
    sums, offset = 2 * rng.integers(-100, 100, (200, 5)), 2 * rng.integers(-200, 200, 5)
    evidence = sums + offset
    rises = [rise for _, rise in RiseLoss(sums, offset, evidence.argmax(axis=1)).best(16)]
    (rise,) = [rise for rise in rises if rise.offsets == "all"]
    two = np.sort(evidence, axis=1)
    apart = two[:, -1] - two[:, -2] > rise.bias[0]
    below = two[:, -2] <= rise.threshold - rise.bias[0] + (offset - rise.start)[0]
    answers = rise.answers(sums)
    assert (apart & below).sum() > 50
    np.testing.assert_array_equal(answers[apart & below], evidence.argmax(axis=1)[apart & below])


def test_start_lines_for_some_classes_leave_out_offsets_within_half_a_step_of_the_most_common():
    rng = np.random.default_rng(0)
    sums, offset = 2 * rng.integers(-100, 100, (300, 6)), np.array([0, 2, -2, 0, 300, -300])
    (some,) = [rise for _, rise in RiseLoss(sums, offset, sums.argmax(axis=1)).best(8) if rise.offsets == "some"]
    assert some.start.tolist() == [0, 0, 0, 0, 300, -300]
    assert some.start_synops == 4  # on two lines, since a weight is 254 at most


def test_more_steps_lose_less():
    rng = np.random.default_rng(0)
    sums = 2 * rng.integers(-60, 60, (3000, 6))
    loss = RiseLoss(sums, np.zeros(6, dtype=np.int64), sums.argmax(axis=1))
    losses = [min(found for found, _ in loss.best(steps)) for steps in (2, 6, 24)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] == pytest.approx(0, abs=0.05)
