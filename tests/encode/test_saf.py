import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.encode.base import MAX_WINDOW
from snnlp_lava.encode.calibration import FIXED_ONE, FRACTION_BITS, Calibration, to_fixed_point
from snnlp_lava.encode.saf import SafEncoder, saf_spikes
from snnlp_lava.errors import InputError

GRID = np.arange(FIXED_ONE + 1)


def accumulate_and_fire(values, window):
    """The neuron itself: add the input, fire at 1, keep the remainder."""
    accumulator = np.zeros(values.shape, dtype=np.int64)
    for _ in range(window):
        accumulator += values
        fires = accumulator >= FIXED_ONE
        accumulator[fires] -= FIXED_ONE
        yield fires


@pytest.mark.parametrize("window", [1, 2, 7, 25, 64])
def test_every_value_of_the_grid_fires_like_the_accumulator(window):
    spikes = saf_spikes(GRID, window)
    assert spikes.dtype == np.uint8
    for step, fires in enumerate(accumulate_and_fire(GRID, window)):
        np.testing.assert_array_equal(spikes[step], fires)


@given(arrays(np.int32, st.tuples(*[st.integers(1, 4)] * 3), elements=st.integers(0, FIXED_ONE)), st.integers(1, 300))
def test_the_count_is_the_floor_of_window_times_value_in_any_shape(values, window):
    spikes = saf_spikes(values, window)
    assert spikes.shape == (*values.shape[:-1], window, values.shape[-1])
    np.testing.assert_array_equal(spikes.sum(axis=-2), values.astype(np.int64) * window // FIXED_ONE)


def test_longest_window_does_not_overflow():
    values = np.array([0, 1, 3, FIXED_ONE // 3, FIXED_ONE - 1, FIXED_ONE], dtype=np.int32)
    spikes = saf_spikes(values, MAX_WINDOW)
    np.testing.assert_array_equal(spikes.sum(axis=0), [value * MAX_WINDOW // FIXED_ONE for value in values.tolist()])
    assert spikes.max() == 1


@pytest.mark.parametrize("window", [0, -1, MAX_WINDOW + 1])
def test_window_out_of_range_is_refused(window):
    with pytest.raises(ValueError, match=f"1 to {MAX_WINDOW} steps, got {window}"):
        saf_spikes(GRID, window)


@given(arrays(np.float64, 20, elements=st.floats(-2, 2) | st.floats(allow_nan=False)))
def test_grid_is_the_nearest_multiple_within_0_and_1(x):
    grid = to_fixed_point(x)
    assert grid.dtype == np.int32
    assert (np.abs(grid / FIXED_ONE - np.clip(x, 0, 1)) <= 2.0 ** -(FRACTION_BITS + 1)).all()


def test_grid_keeps_its_own_values():
    np.testing.assert_array_equal(to_fixed_point(GRID / FIXED_ONE), GRID)


RAMP = np.array([[1, 0], [0, 0], [0, 1], [0, 1]], dtype=np.uint8)


def scheduled(**parts):
    parts = {"steps": 2, "schedule": RAMP, "scheduled_lines": ("bias", "ramp"), **parts}
    return SafEncoder(Calibration("paper", np.ones(3), np.zeros(3)), **parts)


def test_scheduled_lines_spike_in_every_text_behind_the_neurons():
    encoder = scheduled()
    values = encoder.quantise(np.array([[0.5, 0.3, 1.0], [0.0, 0.9, 0.7]]), 4)
    spikes = encoder.encode(values, 4)
    assert (spikes.shape, encoder.lines, encoder.window) == ((2, 4, 5), 5, 4)
    np.testing.assert_array_equal(spikes[:, :2, :3], saf_spikes(values, 2))
    assert not spikes[:, 2:, :3].any()
    np.testing.assert_array_equal(spikes[:, :, 3:], [RAMP, RAMP])
    again = SafEncoder.from_parts(encoder.to_dict(), encoder.arrays())
    np.testing.assert_array_equal(again.encode(values, 4), spikes)
    with pytest.raises(InputError, match=r"window must be 4.*got 5"):
        encoder.encode(values, 5)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"schedule": 2 * RAMP}, "schedule must be a table of 0 and 1"),
        ({"schedule": RAMP.astype(float)}, "schedule must be a table of 0 and 1"),
        ({"scheduled_lines": ("ramp",)}, r"schedule of shape \(4, 2\) for 1 scheduled lines"),
        ({"steps": 5}, "steps must be an integer from 1 to 4, got 5"),
        ({"steps": None}, "steps must be an integer from 1 to 4, got None"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused(parts, message):
    with pytest.raises(InputError, match=f"encoder: {message}"):
        scheduled(**parts)
