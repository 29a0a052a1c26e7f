"""SAF as a Lava Process gives the closed form's spikes, bit for bit, in both arithmetics."""

import numpy as np
import pytest

from backends.lava.sources import spikes_of
from snnlp_lava.backends.lava.processes.sources import SAF
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.encode.saf import saf_spikes


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


def test_a_window_longer_than_the_period_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        SAF(values=np.zeros((1, 2), dtype=np.int32), window=5, period=4, recording=None)
