"""The emulator's batches and periods change nothing, and its memory is bounded."""

import subprocess
import sys

import numpy as np

from snnlp_lava.backends import emulator
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.calibration import FIXED_ONE
from strategies import saf_samples


def test_results_do_not_depend_on_the_batch_size(random_network, monkeypatch):
    network = random_network((20, 16, 3), seed=1)
    values = np.random.default_rng(1).integers(0, FIXED_ONE + 1, (23, 20), dtype=np.int32)
    whole = run_emulator(network, saf_samples(values, 8), 10, keep_trains=9)
    monkeypatch.setattr(emulator, "_BATCH_BYTES", 8 * 10 * 20 * 4)
    parts = run_emulator(network, saf_samples(values, 8), 10, keep_trains=9)
    np.testing.assert_array_equal(whole.output_counts, parts.output_counts)
    for one, other in zip(whole.trains, parts.trains, strict=True):
        assert len(one) == 9
        np.testing.assert_array_equal(one, other)
    for one, other in zip(whole.layers, parts.layers, strict=True):
        np.testing.assert_array_equal(one.synops_nonzero, other.synops_nonzero)
        np.testing.assert_array_equal(one.active_updates, other.active_updates)
    for one, other, tally in zip(whole.neuron_spikes, parts.neuron_spikes, whole.layers, strict=True):
        np.testing.assert_array_equal(one, other)
        assert (len(one), one.sum()) == (tally.neurons, tally.spikes.sum())


def test_the_period_changes_no_answer(random_network):
    network = random_network((20, 16, 3), seed=2)
    values = np.random.default_rng(2).integers(0, FIXED_ONE + 1, (9, 20), dtype=np.int32)
    np.testing.assert_array_equal(
        run_emulator(network, saf_samples(values, 8), 8).output_counts,
        run_emulator(network, saf_samples(values, 8), 16).output_counts,
    )


def test_rows_are_run_as_if_alone(random_network):
    network = random_network((20, 16, 3), seed=4)
    samples = saf_samples(np.random.default_rng(4).integers(0, FIXED_ONE + 1, (9, 20)), 8)
    whole = run_emulator(network, samples, 8)
    some = run_emulator(network, samples.take(np.array([7, 2, 3])), 8)
    np.testing.assert_array_equal(some.output_counts, whole.output_counts[[7, 2, 3]])
    np.testing.assert_array_equal(some.layers[1].spikes, whole.layers[1].spikes[[7, 2, 3]])


def test_every_batch_is_shown_in_order(random_network, monkeypatch):
    network = random_network((20, 16, 3), seed=6)
    samples = saf_samples(np.random.default_rng(6).integers(0, FIXED_ONE + 1, (9, 20)), 8)
    monkeypatch.setattr(emulator, "_BATCH_BYTES", 8 * 10 * 20 * 2)
    seen = []
    whole = run_emulator(network, samples, 10, inspect=seen.append)
    assert len(seen) > 1
    sent, hidden, output = (np.concatenate(batches) for batches in zip(*seen, strict=True))
    assert (sent.shape, output.shape) == ((9, 10, 20), (9, 10, 3))
    for train, tally in zip((sent, hidden, output), whole.layers, strict=True):
        np.testing.assert_array_equal(train.sum(axis=(1, 2)), tally.spikes)
    np.testing.assert_array_equal(output[:, :8].sum(axis=1), whole.output_counts)


MILLION = """
import re
from pathlib import Path
import numpy as np
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.encode.base import SpikeSamples

class Samples(SpikeSamples):
    def __len__(self):
        return 1_000_000

    def spikes(self, rows):
        return super().spikes(rows % len(self.trains))

random = np.random.default_rng(0)
shapes = (32, 64), (2, 32)
neurons = [Neuron(np.zeros(shape[0], int), 1024, 123, 80) for shape in shapes]
layers = [Dense(2 * random.integers(-40, 60, shape), neuron) for shape, neuron in zip(shapes, neurons)]
samples = Samples((random.random((1000, 4, 64)) < 0.3).astype(np.uint8))
result = run_emulator(Network(layers), samples, 4)
assert result.output_counts[:1000].any() and np.array_equal(result.output_counts[:1000], result.output_counts[-1000:])
# Not ru_maxrss, which is that of the process that started this one where that was larger.
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(int(peak[1]) // 1024)
"""


def test_a_million_samples_need_less_than_a_gigabyte():
    done = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1000
