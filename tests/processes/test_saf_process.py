"""SAF as a Lava Process gives the closed form's spikes, bit for bit, in both arithmetics."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg

from snnlp_lava.encode.saf import ONE, saf_spikes
from snnlp_lava.processes.recorder import SpikeRecorder, recorder_model
from snnlp_lava.processes.saf import SAF


@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize(("window", "period"), [(12, 12), (9, 16)])
def test_lava_and_closed_form_agree(tmp_path, tag, window, period):
    rng = np.random.default_rng(window)
    edges = np.array([0, 1, ONE // 3, ONE // 2, ONE - 1, ONE], dtype=np.int32)
    values = np.stack([edges, *rng.integers(0, ONE + 1, (3, len(edges)), dtype=np.int32)])
    steps = len(values) * period + 5
    files = [tmp_path / "train.npy"]
    np.save(files[0], np.zeros((steps, 1), dtype=np.uint8))
    np.save(tmp_path / "step.npy", np.zeros(1, dtype=np.int64))

    saf = SAF(values=values, window=window, period=period)
    recorder = SpikeRecorder(sizes=[len(edges)], files=files, step_file=tmp_path / "step.npy")
    saf.s_out.connect(recorder.in_0)
    config = Loihi2SimCfg(select_tag=tag, exception_proc_model_map={recorder: recorder_model(1)})
    try:
        recorder.run(condition=RunSteps(num_steps=steps), run_cfg=config)
    finally:
        recorder.stop()

    train = np.unpackbits(np.load(files[0]), axis=1, count=len(edges))
    own = train[: len(values) * period].reshape(len(values), period, -1)
    np.testing.assert_array_equal(own[:, :window], saf_spikes(values, window))
    assert not own[:, window:].any()
    assert not train[len(values) * period :].any()
    assert np.load(tmp_path / "step.npy")[0] == steps


def test_a_window_longer_than_the_period_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        SAF(values=np.zeros((1, 2), dtype=np.int32), window=5, period=4)
