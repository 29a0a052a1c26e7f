"""SAF as a Lava Process gives the closed form's spikes, bit for bit, in both arithmetics."""

import numpy as np
import pytest

from backends.lava.sources import spikes_of
from snnlp_lava.backends.lava.processes.sources import SAF
from snnlp_lava.encode.calibration import FIXED_ONE, Calibration
from snnlp_lava.encode.saf import SafEncoder, saf_spikes


@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize(("window", "period"), [(12, 12), (9, 16)])
def test_lava_and_closed_form_agree(tmp_path, tag, window, period):
    rng = np.random.default_rng(window)
    edges = np.array([0, 1, FIXED_ONE // 3, FIXED_ONE // 2, FIXED_ONE - 1, FIXED_ONE], dtype=np.int32)
    values = np.stack([edges, *rng.integers(0, FIXED_ONE + 1, (3, len(edges)), dtype=np.int32)])

    def make(recording):
        return SAF(values=values, window=window, period=period, recording=recording)

    train = spikes_of(make, len(edges), len(values) * period + 5, tmp_path, tag)
    own = train[: len(values) * period].reshape(len(values), period, -1)
    np.testing.assert_array_equal(own[:, :window], saf_spikes(values, window))
    assert not own[:, window:].any()
    assert not train[len(values) * period :].any()


def test_a_schedule_runs_behind_fewer_steps_of_the_neurons(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.integers(0, FIXED_ONE + 1, (4, 5), dtype=np.int32)
    schedule = (rng.random((7, 2)) < 0.5).astype(np.uint8)
    encoder = SafEncoder(Calibration("paper", np.ones(5), np.zeros(5)), 3, schedule, ("bias", "ramp"))

    def make(recording):
        return SAF(values=values, window=7, period=9, recording=recording, steps=3, schedule=schedule)

    train = spikes_of(make, 7, 4 * 9 + 2, tmp_path)
    own = train[:36].reshape(4, 9, 7)
    np.testing.assert_array_equal(own[:, :7], encoder.encode(values, 7))
    assert not own[:, 7:].any()
    assert not train[36:].any()


def test_a_window_longer_than_the_period_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        SAF(values=np.zeros((1, 2), dtype=np.int32), window=5, period=4, recording=None)
