"""`verify` finds a planted difference at its very place, and none where there is none; it holds one batch."""

import gc
import subprocess
import sys
import weakref
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from snnlp_lava.backends.base import BACKENDS, Backend, Recording
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import SpikeSamples
from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.errors import BackendError, InputError, StoppedError
from snnlp_lava.network.network import Network
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.run import verify as module
from snnlp_lava.run.verify import verify
from strategies import card_for, dense

WINDOW, PERIOD, SAMPLES = 9, 12, 5


class Planted(Backend):
    """The emulator, recorded, with spikes flipped: (layer, sample, step, neuron), samples numbered over the run."""

    name = "planted"
    help = "a test"
    batch = 2
    flips = ()
    ends = MappingProxyType({})
    alive = 0
    most_alive = 0

    def __init__(self, options):
        self.start = 0

    def record(self, file, samples, period, progress):
        gc.collect()
        result = run_emulator(file.network, samples, period, keep_trains=len(samples))
        trains = [train.copy() for train in result.trains]
        for layer, sample, step, neuron in self.flips:
            if self.start <= sample < self.start + len(samples):
                trains[layer][sample - self.start, step, neuron // 8] ^= 0x80 >> neuron % 8
        self.start += len(samples)
        progress(len(samples))
        recording = Recording(np.arange(len(samples)), dict(enumerate(trains)), result.steps, **self.ends)
        type(self).alive += 1
        weakref.finalize(recording, self.freed)
        type(self).most_alive = max(self.alive, self.most_alive)
        return recording

    @classmethod
    def freed(cls):
        cls.alive -= 1


@pytest.fixture
def planted(tmp_path, monkeypatch, random_network, save_network):
    """verify() with such a backend: planted((layer, sample, step, neuron), ...) -> found, network, samples."""
    monkeypatch.setitem(BACKENDS._loaded, "planted", Planted)
    network = random_network((20, 16, 8, 3), seed=11)
    path = save_network(tmp_path / "a.net", network, window=WINDOW, period=PERIOD)
    spikes = np.random.default_rng(1).random((SAMPLES, WINDOW, 20)) < 0.4
    np.save(tmp_path / "s.npy", spikes)

    def run(*flips, samples=None, **ends):
        monkeypatch.setattr(Planted, "flips", flips)
        monkeypatch.setattr(Planted, "ends", ends)
        if samples:
            np.save(tmp_path / "s.npy", np.resize(spikes, (samples, WINDOW, 20)))
        return verify(path, backend="planted", spikes=tmp_path / "s.npy"), network, SpikeSamples(spikes)

    return run


def test_no_difference_where_there_is_none(planted):
    found, network, samples = planted()
    assert (found.differences, found.first, found.samples) == (0, None, SAMPLES)
    assert found.compared_with == ("planted",)
    expected = run_emulator(network, samples, PERIOD)
    assert [layer.spikes for layer in found.layers] == [int(layer.spikes.sum()) for layer in expected.layers]


@pytest.mark.parametrize("flip", [(0, 3, 2, 19), (1, 0, 0, 15), (2, 4, PERIOD - 1, 0), (3, 1, 5, 2)])
def test_a_planted_difference_is_found_at_its_place(planted, flip):
    layer, sample, step, neuron = flip
    found, network, _ = planted(flip)
    assert found.differences == 1
    first = found.first
    assert (first.layer, first.sample, first.step, first.neuron) == (network.layer_names[layer], sample, step, neuron)
    # Both sides were driven by the same spikes, so the states of the layers behind the input are the same.
    assert first.emulator_state == first.peer_state


def test_the_earliest_layer_then_the_earliest_sample_and_step_is_named(planted):
    found, _, _ = planted((3, 0, 0, 0), (2, 2, 6, 1), (2, 2, 4, 7), (2, 3, 0, 0))
    assert found.differences == 4
    assert (found.first.layer, found.first.sample, found.first.step, found.first.neuron) == ("hidden2", 2, 4, 7)


def test_the_states_it_names_are_the_neurons(planted):
    """After the named step v is over the threshold exactly where the emulator spiked."""
    for flip in [(1, 0, step, 3) for step in range(WINDOW)]:
        found, network, samples = planted(flip)
        result = run_emulator(network, samples, PERIOD, keep_trains=1)
        spiked = np.unpackbits(result.trains[1], axis=2, count=16)[0, flip[2], 3]
        assert (found.first.emulator_state[1] > network.layers[0].neuron.threshold << 6) == bool(spiked)


def test_one_batch_is_held_at_a_time(planted):
    Planted.alive = Planted.most_alive = 0
    assert planted(samples=40)[0].samples == 40
    assert Planted.most_alive <= 2  # of 20: the one before, until the next is there


def test_a_backend_that_ends_early_ends_it(planted):
    with pytest.raises(BackendError, match="no chip"):
        planted(broken="no chip")
    with pytest.raises(StoppedError, match="interrupted"):
        planted(broken="interrupted", interrupted=True)


def test_the_emulator_with_itself_is_no_comparison(planted, tmp_path):
    planted()
    with pytest.raises(InputError, match="nothing to compare"):
        verify(tmp_path / "a.net", backend="emulator", spikes=tmp_path / "s.npy")


def test_slayer_is_asked_and_what_it_says_counts(planted, tmp_path, monkeypatch):
    """A stand-in for the model: the emulator's own layers, one spike changed in the last of them."""

    class Slayer:
        wrong = False

        def __call__(self, spikes):
            trains = run_emulator(network, SpikeSamples(spikes), WINDOW, keep_trains=len(spikes)).trains[1:]
            unpacked = [np.unpackbits(t, axis=2, count=n) for t, n in zip(trains, network.sizes[1:], strict=True)]
            unpacked[-1][-1, 4, 1] ^= self.wrong
            return unpacked

    _, network, _ = planted()
    monkeypatch.setattr(module, "_load_slayer", lambda model, file: Slayer())
    arguments = {"model": tmp_path, "spikes": tmp_path / "s.npy", "limit": 2}
    for backend, compared_with in (("emulator", ("slayer",)), ("planted", ("planted", "slayer"))):
        monkeypatch.setattr(Slayer, "wrong", False)
        found = verify(tmp_path / "a.net", backend=backend, **arguments)
        assert (found.compared_with, found.differences) == (compared_with, 0)
        monkeypatch.setattr(Slayer, "wrong", True)
        found = verify(tmp_path / "a.net", backend=backend, **arguments)
        assert found.layers[-1].differences == {**dict.fromkeys(compared_with, 0), "slayer": 1}
        assert (found.first.peer, found.first.layer, found.first.sample, found.first.step) == ("slayer", "output", 1, 4)


def test_a_network_without_card_runs_on_spikes_alone(tmp_path, random_network):
    write_network(tmp_path / "a.net", random_network((4, 3), seed=0), None)
    with pytest.raises(InputError, match="has no group /snnlp"):
        verify(tmp_path / "a.net", data="demo")


IMDB = Path(__file__).parents[3] / "shared" / "data" / "imdb.parquet"


@pytest.mark.slow
@pytest.mark.skipif(not IMDB.exists(), reason="../shared/data/imdb.parquet is absent")
def test_many_long_texts_are_verified_in_little_memory(tmp_path):
    """15,000 texts of 50 steps, each spike of a backend and of SLAYER compared (both played by the emulator)."""
    program = """if True:
        import re, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[1])
        from run import test_verify as own
        samples = own.verify_many(sys.argv[2], sys.argv[3])
        # Not ru_maxrss, which is that of the process that started this one where that was larger.
        peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
        print(samples, int(peak[1]) >> 10)
    """
    arguments = [str(Path(__file__).parents[1]), str(tmp_path), str(IMDB)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    samples, megabytes = map(int, done.stdout.split()[-2:])
    assert samples == 15_000
    assert megabytes < 1_000


def verify_many(folder, data):
    """Verify 15,000 rows of the data; how many were compared without a difference."""
    rng = np.random.default_rng(0)
    sizes = (768, 256, 128, 2)
    weights = [2 * rng.integers(-40, 60, (after, before)) for before, after in pairwise(sizes)]
    network = Network([dense(weight, np.zeros(len(weight), int), 1024, 123, 80) for weight in weights])
    encoder = SafEncoder(Calibration("onoff", np.full(384, 3.0), np.zeros(384)))
    changes = {"label_names": ("a", "b"), "window": 50, "period": 50, "embedding": EmbeddingInfo(None, None, 384)}
    write_network(f"{folder}/a.net", network, card_for(network, encoder=encoder, **changes))

    def slayer(spikes):
        trains = run_emulator(network, SpikeSamples(spikes), 50, keep_trains=len(spikes)).trains[1:]
        return [np.unpackbits(train, axis=2, count=size) for train, size in zip(trains, sizes[1:], strict=True)]

    class Recorded(Planted):
        batch = 1024

    module._load_slayer = lambda model, file: slayer
    BACKENDS._loaded["recorded"] = Recorded
    inputs = {"data": data, "vectors": data.replace(".parquet", "-all-MiniLM-L6-v2.npy"), "limit": 15_000}
    found = verify(f"{folder}/a.net", backend="recorded", model="model", no_labels=True, **inputs)
    assert found.differences == 0
    assert found.layers[-1].spikes > 0
    return found.samples
