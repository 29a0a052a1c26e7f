"""Lava's simulator gives the emulator's spikes, and nothing is left behind when it does not end well."""

import contextlib
import os
import re
import signal
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava import process as lava_run
from snnlp_lava.backends.lava.sim import Simulator
from snnlp_lava.encode.calibration import FIXED_ONE
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.progress import no_advance
from strategies import saf_samples

MARK = "SNNLP_LAVA_TEST"


def record(path, samples, period, jobs=1, progress=no_advance):
    simulator = Simulator(Simulator.options.of(jobs=jobs))
    return simulator.record(read_network(path), samples, period, progress)


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
    done = []
    read = record(path, saf_samples(values, window), period, jobs, done.append)
    assert list(read.trains) == [0, 1, 2, 3]
    assert read.finished.tolist() == list(range(7))
    for index, theirs in read.trains.items():
        np.testing.assert_array_equal(expected.trains[index], theirs)
    assert expected.output_counts.sum() > 0
    assert (read.steps, sum(done), read.broken) == (7 * period + jobs * len(network.layers), 7, None)
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

    read = record(path, saf_samples(values, 10), 10, progress=kill_after_some)
    assert re.search(r"code -9 at step \d+ of 40003 \(sample \d+ of 4000\)", read.broken)
    assert not read.interrupted
    assert 20 <= len(read.finished) < 4000
    expected = run_emulator(network, saf_samples(values, 10).take(read.finished), 10, keep_trains=4000)
    np.testing.assert_array_equal(expected.trains[-1], read.trains[3])
    assert not workers()
    assert not shared_memory()


@pytest.mark.slow
def test_a_worker_that_fails_at_once_says_why(tmp_path, saved):
    _, path = saved
    values = np.full((3, 20), FIXED_ONE // 2, dtype=np.int32)
    (tmp_path / "b.net").write_bytes(path.read_bytes()[:2000])
    file = replace(read_network(path), path=tmp_path / "b.net")
    read = Simulator(Simulator.options.of()).record(file, saf_samples(values, 10), 10, no_advance)
    assert re.search(r"code 1 at step 0 of 33 \(sample 1 of 3\); .+: .+", read.broken)
    assert len(read.finished) == 0
    assert not workers()
    assert not shared_memory()


def test_a_hung_worker_is_ended(saved, monkeypatch):
    _, path = saved
    monkeypatch.setattr(lava_run, "STALL_TIMEOUT", 2.0)
    values = np.full((4000, 20), FIXED_ONE // 2, dtype=np.int32)
    stopped = []

    def stop_after_some(count):
        if count and not stopped:
            stopped.append(True)
            os.killpg(workers()[0], signal.SIGSTOP)

    read = record(path, saf_samples(values, 10), 10, progress=stop_after_some)
    assert "made no step for 2 s at step" in read.broken
    assert not workers()
    assert not shared_memory()


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_is_done(saved):
    _, path = saved
    values = np.full((4000, 20), FIXED_ONE // 2, dtype=np.int32)

    def interrupt(count):
        if count:
            raise KeyboardInterrupt

    read = record(path, saf_samples(values, 10), 10, progress=interrupt)
    assert read.interrupted
    assert 0 < len(read.finished) < 4000
    assert not workers()
