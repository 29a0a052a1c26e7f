"""The player gives the spikes of its file, and silence in between and after."""

import numpy as np
import pytest

from backends.lava.sources import spikes_of
from snnlp_lava.backends.lava.processes.sources import Player


@pytest.mark.parametrize(("window", "period"), [(6, 6), (5, 8)])
def test_what_is_played_is_what_was_given(tmp_path, window, period):
    trains = np.random.default_rng(window).random((3, window, 11)) < 0.4

    def make(recording):
        return Player(trains=np.packbits(trains, axis=2), shape=(11,), period=period, recording=recording)

    played = spikes_of(make, 11, 3 * period + 4, tmp_path)
    own = played[: 3 * period].reshape(3, period, 11)
    np.testing.assert_array_equal(own[:, :window], trains)
    assert not own[:, window:].any()
    assert not played[3 * period :].any()


def test_a_window_longer_than_the_period_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        Player(trains=np.zeros((1, 5, 1), dtype=np.uint8), shape=(8,), period=4, recording=None)
