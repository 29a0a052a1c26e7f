"""The player gives the spikes of its file, and silence in between and after."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

from snnlp_lava.processes.player import SpikePlayer
from snnlp_lava.processes.recorder import SpikeRecorder, recorder_model


@pytest.mark.parametrize(("window", "period"), [(6, 6), (5, 8)])
def test_what_is_played_is_what_was_given(tmp_path, window, period):
    trains = np.random.default_rng(window).random((3, window, 11)) < 0.4
    steps = 3 * period + 4
    files = [tmp_path / "train.npy"]
    np.save(files[0], np.zeros((steps, 2), dtype=np.uint8))
    np.save(tmp_path / "step.npy", np.zeros(1, dtype=np.int64))
    player = SpikePlayer(trains=np.packbits(trains, axis=2), channels=11, period=period)
    recorder = SpikeRecorder(sizes=[11], files=files, step_file=tmp_path / "step.npy")
    player.s_out.connect(recorder.in_0)
    config = Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map={recorder: recorder_model(1)})
    try:
        recorder.run(condition=RunSteps(num_steps=steps), run_cfg=config)
    finally:
        recorder.stop()
    played = np.unpackbits(np.load(files[0]), axis=1, count=11)
    own = played[: 3 * period].reshape(3, period, 11)
    np.testing.assert_array_equal(own[:, :window], trains)
    assert not own[:, window:].any()
    assert not played[3 * period :].any()


def test_a_window_longer_than_the_period_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        SpikePlayer(trains=np.zeros((1, 5, 1), dtype=np.uint8), channels=8, period=4)
