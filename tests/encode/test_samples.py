"""Samples are the same spikes however they are asked for, and files of spikes are read or refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import SpikeSamples, load_spikes
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.encode.saf import saf_spikes
from snnlp_lava.errors import InputError
from strategies import SEEDS, saf_samples


@given(SEEDS, st.integers(1, 40), st.permutations(range(6)))
def test_saf_samples_are_the_closed_forms_spikes_in_any_order(seed, window, order):
    values = np.random.default_rng(seed).integers(0, FIXED_ONE + 1, (6, 5))
    samples = saf_samples(values, window)
    assert len(samples) == 6
    np.testing.assert_array_equal(samples.quantised(np.arange(6)), values)
    np.testing.assert_array_equal(samples.spikes(np.array(order)), saf_spikes(values[order], window))


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float16, np.float64])
def test_spikes_of_any_type_of_number_are_read(tmp_path, kind):
    trains = np.random.default_rng(0).random((4, 7, 3)) < 0.4
    np.save(tmp_path / "s.npy", trains.astype(kind))
    samples = load_spikes(tmp_path / "s.npy", 3)
    assert (len(samples), samples.window) == (4, 7)
    found = samples.spikes(np.array([2, 0]))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, trains[[2, 0]])
    np.save(tmp_path / "one.npy", trains[1].astype(kind))
    np.testing.assert_array_equal(load_spikes(tmp_path / "one.npy", 3).spikes(np.arange(1)), trains[1:2])


@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, np.inf])
def test_what_is_no_spike_is_named_with_its_sample(value):
    trains = np.zeros((5, 2, 2))
    trains[3, 1, 0] = value
    with pytest.raises(InputError, match=f"sample 4: spikes must be 0 or 1, got {value}"):
        SpikeSamples(trains).spikes(np.array([1, 3]))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 7, 2)), r"numbers of shape \(samples, steps, 3\), got float64 of shape \(4, 7, 2\)"),
        (np.zeros((4, 3, 7)), r"shape \(4, 3, 7\)"),
        (np.zeros((0, 7, 3)), r"shape \(0, 7, 3\)"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((1, 1, 7, 3)), r"shape \(1, 1, 7, 3\)"),
        (np.array([["a", "b", "c"]]), "got <U1 of shape"),
        (np.zeros((1, 2, 3), complex), "got complex128"),
        (np.zeros((1, 16385, 3), bool), "at most 16384 steps, got 16385"),
    ],
)
def test_files_of_another_shape_are_refused(tmp_path, array, message):
    np.save(tmp_path / "s.npy", array)
    with pytest.raises(InputError, match=rf"^spikes .*s\.npy: .*{message}"):
        load_spikes(tmp_path / "s.npy", 3)


def test_files_that_are_no_arrays_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_spikes(tmp_path / "none.npy", 3)
    (tmp_path / "text.npy").write_text("0 1 0")
    with pytest.raises(InputError, match=r"\.npy file of numbers"):
        load_spikes(tmp_path / "text.npy", 3)
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"\.npy file of numbers"):
        load_spikes(tmp_path / "objects.npy", 3)
