"""Run a source Process alone: what it sent, and what it wrote down."""

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer

from snnlp_lava.backends.lava.processes.recorders import Recording


def spikes_of(make, channels, steps, folder, tag="fixed_pt"):
    """Spikes (steps, channels) that make(recording) sends, which must be those that it writes down."""
    np.save(folder / "train.npy", np.zeros((steps, (channels + 7) // 8), dtype=np.uint8))
    np.save(folder / "step.npy", np.zeros(3, dtype=np.int64))
    source = make(Recording(folder / "train.npy", folder / "step.npy", 1))
    sink = RingBuffer(shape=(channels,), buffer=steps)
    source.s_out.connect(sink.a_in)
    try:
        source.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag=tag))
        sent = sink.data.get().T
    finally:
        source.stop()
    np.testing.assert_array_equal(np.unpackbits(np.load(folder / "train.npy"), axis=1, count=channels), sent)
    assert np.load(folder / "step.npy").tolist() == [0, steps, 0]
    return sent
