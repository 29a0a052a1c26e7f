import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.encode.calibration import FITTED, FIXED_ONE, N_SIGMA, Calibration, fit_calibration
from snnlp_lava.encode.saf import saf_spikes
from snnlp_lava.errors import InputError
from strategies import SEEDS


@st.composite
def vectors(draw):
    """(n, d) floats whose dimensions lie and spread differently."""
    rows, dimension = draw(st.integers(3, 40)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(SEEDS))
    return rng.normal(rng.normal(0, 2, dimension), rng.uniform(0.5, 2, dimension), (rows, dimension))


ANY_ROW = st.floats(-1e6, 1e6)


@given(vectors(), st.data())
def test_paper_maps_minus_one_to_one_onto_zero_to_one(fitted, data):
    v = data.draw(arrays(np.float64, (4, fitted.shape[1]), elements=st.floats(-1.5, 1.5)))
    values = fit_calibration("paper", fitted)(v)
    np.testing.assert_array_equal(values, np.rint(np.clip((v + 1) / 2, 0, 1) * FIXED_ONE))


@given(vectors())
def test_range_spreads_the_1st_to_the_99th_percentile(fitted):
    calibration = fit_calibration("range", fitted)
    low, high = np.percentile(fitted, [1, 99], axis=0)
    ends = calibration(np.stack([low - 1, low, (low + high) / 2, high, high + 1]))
    np.testing.assert_allclose(ends, np.outer([0, 0, FIXED_ONE // 2, FIXED_ONE, FIXED_ONE], np.ones(len(low))), atol=1)


@given(vectors())
def test_onoff_is_silent_at_the_mean_and_full_at_its_reach(fitted):
    calibration = fit_calibration("onoff", fitted)
    mean, reach = fitted.mean(axis=0), N_SIGMA * fitted.std(axis=0)
    on, off = np.split(calibration(np.stack([mean, mean + reach, mean + reach / 2, mean - reach])), 2, axis=1)
    full = np.full_like(on[0], FIXED_ONE)
    np.testing.assert_allclose(on, [0 * full, full, full / 2, 0 * full], atol=1)
    np.testing.assert_allclose(off, [0 * full, 0 * full, 0 * full, full], atol=1)


@given(vectors(), st.data())
def test_on_and_off_of_a_dimension_never_both_fire(fitted, data):
    v = data.draw(arrays(np.float64, (5, fitted.shape[1]), elements=ANY_ROW))
    spikes = saf_spikes(fit_calibration("onoff", fitted)(np.concatenate([v, fitted])), 16)
    on, off = np.split(spikes.any(axis=1), 2, axis=1)
    assert not (on & off).any()


@given(vectors())
def test_onoff_of_the_mirrored_vectors_swaps_the_channels(fitted):
    on, off = np.split(fit_calibration("onoff", fitted)(fitted), 2, axis=1)
    mirrored = fit_calibration("onoff", -fitted)(-fitted)
    np.testing.assert_array_equal(mirrored, np.concatenate([off, on], axis=1))


@given(vectors(), st.floats(0.1, 10), st.floats(-10, 10), st.sampled_from(["range", "onoff"]))
def test_fitted_calibrations_do_not_see_scale_and_shift(fitted, scale, shift, name):
    moved = scale * fitted + shift
    np.testing.assert_allclose(fit_calibration(name, moved)(moved), fit_calibration(name, fitted)(fitted), atol=1)


@given(vectors(), st.data())
def test_constant_dimensions_stay_silent_whatever_comes(fitted, data):
    dimension = fitted.shape[1]
    # Up to half of the dimensions: `test_vectors_that_are_mostly_constant...` takes more.
    constant = data.draw(st.lists(st.integers(0, dimension - 1), max_size=(dimension - 1) // 2))
    fitted[:, constant] = data.draw(st.floats(-100, 100))
    later = data.draw(arrays(np.float64, (3, dimension), elements=ANY_ROW))
    for name in ("range", "onoff"):
        values = fit_calibration(name, fitted)(np.concatenate([fitted, later]))
        silent = ~values.reshape(len(values), -1, dimension).any(axis=(0, 1))
        assert silent[constant].all()
        assert silent.sum() == len(set(constant))


@given(vectors(), st.sampled_from(["range", "onoff"]), st.floats(-100, 100), st.integers(1, 6))
def test_vectors_that_are_mostly_constant_leave_those_dimensions_silent(fitted, name, value, constant):
    fitted[:, :constant] = value
    values = fit_calibration(name, fitted)(np.concatenate([fitted, fitted + 1]))
    assert not values.reshape(len(values), -1, fitted.shape[1])[:, :, :constant].any()


@given(vectors(), st.sampled_from(FITTED))
def test_a_vector_is_mapped_alone_as_among_others_in_any_float(fitted, name):
    fitted = fitted.astype(np.float32)
    calibration = fit_calibration(name, fitted)
    together = calibration(fitted)
    assert together.shape == (len(fitted), calibration.lines)
    for row in range(len(fitted)):
        np.testing.assert_array_equal(calibration(fitted[row : row + 1].astype(np.float64))[0], together[row])


@given(vectors(), st.sampled_from(FITTED))
def test_a_fitted_calibration_depends_on_the_given_vectors_at_that_time_only(fitted, name):
    held_out = np.concatenate([fitted, 1e6 * np.ones_like(fitted)])
    train = held_out[: len(fitted)]
    calibration = fit_calibration(name, train)
    before = calibration(fitted)
    held_out[:] = 7
    np.testing.assert_array_equal(calibration(fitted), before)
    np.testing.assert_array_equal(fit_calibration(name, fitted)(fitted), before)


@pytest.mark.parametrize("name", FITTED)
def test_vectors_of_another_dimension_are_refused(name):
    calibration = fit_calibration(name, np.random.default_rng(0).random((5, 4)))
    for vectors in (np.zeros((2, 3)), np.zeros((2, 5)), np.zeros(4)):
        with pytest.raises(InputError, match=r"shape \(n, 4\)"):
            calibration(vectors)


@pytest.mark.parametrize("name", FITTED)
def test_nan_in_a_vector_is_refused(name):
    calibration = fit_calibration(name, np.random.default_rng(0).random((5, 4)))
    with pytest.raises(InputError, match=r"NaN|finite"):
        calibration(np.full((1, 4), np.nan))


@pytest.mark.parametrize("name", ["range", "onoff"])
def test_fitting_on_nan_is_refused(name):
    with pytest.raises(InputError, match=f"calibration {name}: .* one finite number for each dimension"):
        fit_calibration(name, np.full((5, 4), np.nan))


@pytest.mark.parametrize(
    ("gain", "offset", "message"),
    [
        ([np.inf], [0], "gain must be one finite number for each dimension"),
        ([1], [np.nan], "offset must be one finite number for each dimension"),
        ([[1]], [0], "gain must be one finite number for each dimension"),
        ([1, 1], [0], "2 gains .*1 offsets"),
        ([], [], "0 gains .*0 offsets"),
    ],
)
def test_a_calibration_holds_one_finite_gain_and_offset_per_dimension(gain, offset, message):
    with pytest.raises(InputError, match=message):
        Calibration("range", np.array(gain), np.array(offset))


def test_an_unknown_calibration_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"calibration 'zscore' is unknown \(known: onoff, range, paper, learned\)"):
        fit_calibration("zscore", np.zeros((2, 2)))


def test_a_learned_calibration_has_a_slope_of_its_own_for_each_line():
    learned = Calibration("learned", np.array([1.0, 2.0, -1.0, -4.0]), np.array([0.1, 0.0, 0.2, 1.0]))
    assert (learned.dimension, learned.lines) == (2, 4)
    wanted = np.array([[0.3 + 0.1, 0.2, 0, 1 - 0.4], [0, 0.6, 0.5, 0]])
    np.testing.assert_allclose(learned(np.array([[0.3, 0.1], [-0.3, 0.3]])) / FIXED_ONE, wanted, atol=1 / FIXED_ONE)
    with pytest.raises(InputError, match="calibration learned: 3 gains; an even number is needed"):
        Calibration("learned", np.ones(3), np.ones(3))
