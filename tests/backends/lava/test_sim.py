"""Lava's simulator gives the emulator's spikes, and nothing is left behind when it does not end well."""

import contextlib
import os
import signal
import uuid
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava.backends.base import BrokenRunError
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava import process as lava_run
from snnlp_lava.backends.lava import sim
from snnlp_lava.encode.calibration import FIXED_ONE
from strategies import saf_samples

MARK = "SNNLP_LAVA_TEST"


@pytest.fixture(autouse=True)
def _marked(monkeypatch):
    monkeypatch.setenv(MARK, uuid.uuid4().hex)


def workers():
    """Process ids of this test's Lava workers and their children, the first worker first."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes() and b"lava.worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return sorted(found)


def shared_memory():
    """Shared memory that no living worker, of this test or another, owns."""
    blocks = [path.name for path in Path("/dev/shm").glob("sl??????_*")]
    return [name for name in blocks if not Path(f"/proc/{int(name[2:8], 16)}").exists()]


@pytest.fixture
def saved(tmp_path, random_network, save_network):
    network = random_network((20, 16, 8, 3), seed=5)
    return network, save_network(tmp_path / "a.net", network, window=10, period=10)


@pytest.mark.parametrize(
    ("window", "period", "jobs"),
    [(10, 16, 2), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((10, 10, 1), (1, 1, 1)))],
)
def test_lava_and_emulator_agree_spike_for_spike(tmp_path, random_network, save_network, window, period, jobs):
    network = random_network((20, 16, 8, 3), seed=window + period)
    path = save_network(tmp_path / "a.net", network, window=window, period=period)
    values = np.random.default_rng(period).integers(0, FIXED_ONE + 1, (7, 20), dtype=np.int32)
    values[0] = FIXED_ONE
    expected = run_emulator(network, saf_samples(values, window), period, keep_trains=7)
    read = sim.run_simulator(path, network, saf_samples(values, window), period, jobs)
    assert list(read.trains) == [0, 1, 2, 3]
    for index, theirs in read.trains.items():
        np.testing.assert_array_equal(expected.trains[index], theirs)
    found = sim.run_sim(path, network, saf_samples(values, window), period, jobs=jobs, keep_trains=7)
    for ours, theirs in zip(expected.trains, found.trains, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(expected.output_counts, found.output_counts)
    for ours, theirs in zip(expected.layers, found.layers, strict=True):
        for field in ("spikes", "synops", "synops_nonzero", "neuron_updates", "active_updates", "wraps", "clips"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
    for ours, theirs in zip(expected.neuron_spikes, found.neuron_spikes, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert sum(tally.spikes.sum() for tally in found.layers) > 0
    assert found.steps == 7 * period + jobs * len(network.layers)
    assert not workers()
    assert not shared_memory()


def test_a_killed_worker_loses_no_finished_sample(saved):
    network, path = saved
    values = np.random.default_rng(0).integers(0, FIXED_ONE + 1, (4000, 20), dtype=np.int32)
    done = 0

    def kill_after_some(count):
        nonlocal done
        done += count
        if done >= 20:
            os.kill(workers()[0], signal.SIGKILL)

    with pytest.raises(BrokenRunError, match=r"exit code -9 at step \d+ of 40003 \(sample \d+ of 4000\)") as caught:
        sim.run_sim(path, network, saf_samples(values, 10), 10, progress=kill_after_some)
    finished = caught.value.finished
    assert 20 <= len(finished) < 4000
    expected = run_emulator(network, saf_samples(values, 10).take(finished), 10)
    np.testing.assert_array_equal(caught.value.result.output_counts, expected.output_counts)
    assert not workers()
    assert not shared_memory()


@pytest.mark.slow
def test_a_worker_that_fails_at_once_says_why(tmp_path, saved):
    network, path = saved
    values = np.full((3, 20), FIXED_ONE // 2, dtype=np.int32)
    (tmp_path / "b.net").write_bytes(path.read_bytes()[:2000])
    with pytest.raises(
        BrokenRunError, match=r"exit code 1 at step 0 of 33 \(sample 1 of 3\); its last words: .+"
    ) as caught:
        sim.run_sim(tmp_path / "b.net", network, saf_samples(values, 10), 10)
    assert caught.value.result is None
    assert not workers()
    assert not shared_memory()


def test_a_hung_worker_is_ended(saved, monkeypatch):
    network, path = saved
    monkeypatch.setattr(lava_run, "STALL_SECONDS", 2.0)
    values = np.full((4000, 20), FIXED_ONE // 2, dtype=np.int32)
    stopped = []

    def stop_after_some(count):
        if count and not stopped:
            stopped.append(True)
            os.killpg(workers()[0], signal.SIGSTOP)

    with pytest.raises(BrokenRunError, match="made no step for 2 s at step"):
        sim.run_sim(path, network, saf_samples(values, 10), 10, progress=stop_after_some)
    assert not workers()
    assert not shared_memory()


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_is_done(saved):
    network, path = saved
    values = np.full((4000, 20), FIXED_ONE // 2, dtype=np.int32)

    def interrupt(count):
        if count:
            raise KeyboardInterrupt

    with pytest.raises(BrokenRunError) as caught:
        sim.run_sim(path, network, saf_samples(values, 10), 10, progress=interrupt)
    assert caught.value.exit_code == 130
    assert 0 < caught.value.result.samples < 4000
    assert not workers()
