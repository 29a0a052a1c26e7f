"""Samples are the same spikes however they are asked for, and what is no spike is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.base import SpikeSamples
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


@pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, np.inf])
def test_what_is_no_spike_is_named_with_its_sample(value):
    trains = np.zeros((5, 2, 2))
    trains[3, 1, 0] = value
    with pytest.raises(InputError, match=f"sample 4: spikes must be 0 or 1, got {value}"):
        SpikeSamples(trains).spikes(np.array([1, 3]))


@pytest.mark.parametrize("value", [32768, -32769, 0.5, np.nan, np.inf])
def test_messages_are_integers_of_16_bits(value):
    trains = np.array([[[-32768.0, 32767.0, 0.0]], [[0.0, value, 0.0]]])
    samples = SpikeSamples(trains, "messages m.npy", graded=True)
    found = samples.take(np.array([0])).spikes(np.array([0]))
    assert (found.dtype, found.tolist()) == (np.int32, [[[-32768, 32767, 0]]])
    with pytest.raises(InputError, match=rf"^messages m\.npy: sample 2: .* -32768 to 32767, got {value:g}"):
        samples.take(np.array([0, 1])).spikes(np.array([1]))
