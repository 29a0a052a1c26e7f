"""A run whose batches are spread over processes or a cluster is the run of one process."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import psutil
import pyarrow as pa
import pytest
from msgspec import msgpack
from pyarrow import parquet

from processes import WAIT, dask_cluster, start, wait_until
from snnlp_lava import workers
from snnlp_lava.backends.base import Emulator
from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.errors import BackendError, InputError
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.run.execute import EXECUTOR, BatchExecutor
from snnlp_lava.run.runner import run_network
from strategies import card_for

ROWS = 50
WORDS = ("bright", "grey", "such", "more")


@pytest.fixture
def of_vectors(tmp_path, random_network, monkeypatch):
    """A network, texts with ready vectors as keywords of `run_network`, and batches of 8 samples."""
    monkeypatch.setattr(Emulator, "batch", 8)
    network = random_network((12, 10, 3), seed=5)
    card = card_for(network, window=6, period=8, embedding=card_for(network).embedding.__class__(None, None, 12))
    write_network(tmp_path / "a.net", network, card)
    labels = [f"class {row % 4}" for row in range(ROWS)]  # of which the network lacks one
    texts = [f"text {row}" for row in range(ROWS)]
    parquet.write_table(pa.table({"text": texts, "label": labels}), tmp_path / "a.parquet")
    np.save(tmp_path / "a.npy", np.random.default_rng(1).normal(size=(ROWS, 12)).astype(np.float32))
    return tmp_path / "a.net", {"data": tmp_path / "a.parquet", "vectors": tmp_path / "a.npy", "split": "all"}


@pytest.fixture
def of_texts(tmp_path, random_network, monkeypatch):
    """The same for a network that takes texts."""
    monkeypatch.setattr(Emulator, "batch", 8)
    encoder = WordCodeEncoder(list(WORDS), np.random.default_rng(2).integers(1, 1 << 60, len(WORDS), np.uint64))
    network = random_network((64, 10, 3), seed=6)
    embedding = EmbeddingInfo(None, None, encoder.dimension)
    card = card_for(network, window=8, period=8, encoder=encoder, embedding=embedding)
    write_network(tmp_path / "t.net", network, card)
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(WORDS, 3)) for _ in range(ROWS)]
    parquet.write_table(pa.table({"text": texts}), tmp_path / "t.parquet")
    return tmp_path / "t.net", {"data": tmp_path / "t.parquet", "no_labels": True}


def outcome(folder):
    """All that a run folder holds, byte for byte, but times."""
    record = json.loads((folder / "result.json").read_text("utf-8"))
    del record["seconds"]
    return record, (folder / "samples.parquet").read_bytes(), (folder / "trains.safetensors").read_bytes()


@pytest.fixture
def in_process(monkeypatch):
    """Let --jobs run what workers do in this process, last batch first; in_process(f) changes what they share."""
    changes = [lambda common: common]

    def spread(jobs, work, common, tasks, on_event):
        opening = workers._opening(work, changes[-1](common))
        for task in reversed(list(tasks)):
            answer = workers._answer(opening, msgpack.encode(task.content))
            on_event(workers._event(task.name, msgpack.decode(answer)))

    monkeypatch.setattr("snnlp_lava.backends.base.run_local", spread)
    return changes.append


@pytest.mark.parametrize("kind", ["of_vectors", "of_texts"])
def test_batches_that_workers_ran_in_any_order_make_the_same_run(kind, request, in_process, tmp_path):
    path, inputs = request.getfixturevalue(kind)
    run_network(path, **inputs, folder=tmp_path / "one", keep_trains=20)
    run_network(path, **inputs, folder=tmp_path / "spread", keep_trains=20, jobs=2)
    assert outcome(tmp_path / "spread") == outcome(tmp_path / "one")
    in_memory, one = (run_network(path, **inputs, keep_trains=20, **jobs) for jobs in ({"jobs": 2}, {}))
    np.testing.assert_array_equal(in_memory.output_counts, one.output_counts)
    assert in_memory.record.replace(seconds=0.0) == one.record.replace(seconds=0.0)
    assert all(np.array_equal(*trains) for trains in zip(in_memory.trains, one.trains, strict=True))
    assert not (tmp_path / "spread.partial").exists()


def test_a_batch_that_fails_ends_the_run_and_the_others_are_kept(of_texts, in_process, tmp_path, monkeypatch, caplog):
    path, inputs = of_texts
    run_network(path, **inputs, folder=tmp_path / "one")
    execute = BatchExecutor.execute

    def fail_on_second(self, batch, numbers, *others):
        return {}["oops"] if numbers[0] == 8 else execute(self, batch, numbers, *others)

    with monkeypatch.context() as patch:
        patch.setattr(BatchExecutor, "execute", fail_on_second)
        with pytest.raises(BackendError, match=r"batch from sample 9: KeyError: 'oops'; 34 of 50 samples are done"):
            run_network(path, **inputs, folder=tmp_path / "part", jobs=2)
    assert "in fail_on_second" in caplog.text
    run_network(path, **inputs, folder=tmp_path / "part", jobs=2, resume=True)
    assert outcome(tmp_path / "part") == outcome(tmp_path / "one")


def test_a_worker_with_another_network_file_is_refused(of_texts, in_process, tmp_path):
    path, inputs = of_texts
    in_process(lambda common: {**common, "network": common["network"] + b"x"})
    with pytest.raises(InputError, match=r"network t\.net: changed while it was run"):
        run_network(path, **inputs, folder=tmp_path / "run", jobs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.net", "t.parquet"]


def test_a_worker_of_another_version_is_refused(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(workers, "__version__", "99.1")
        opening = workers._opening(EXECUTOR, None)
    answer = msgpack.decode(workers._answer(opening, msgpack.encode({})))
    assert answer["bad_input"]
    assert f"has snnlp-lava {workers.__version__}, not 99.1" in answer["error"]


def test_what_cannot_be_spread_is_refused_and_leaves_nothing(of_vectors, tmp_path, monkeypatch):
    monkeypatch.setattr("snnlp_lava.workers.CONNECT_SECONDS", 1)
    path, inputs = of_vectors
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="scheduler tcp://localhost:1: no Dask scheduler answers there"):
        run_network(path, **inputs, folder=tmp_path / "run", scheduler="tcp://localhost:1")
    with pytest.raises(InputError, match="jobs must be an integer >= 1, got 0"):
        run_network(path, **inputs, folder=tmp_path / "run", jobs=0)
    assert sorted(tmp_path.iterdir()) == before
    np.save(tmp_path / "s.npy", np.ones((3, 6, 12), np.uint8))
    with pytest.raises(InputError, match="not --spikes"):
        run_network(path, spikes=tmp_path / "s.npy", jobs=2)


def killing(pids):
    """A progress report that kills a process as soon as there are results."""
    killed = []

    def report(stage, done, total):
        if stage == "emulator" and done and not killed:
            killed.append(pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    return report, killed


@pytest.mark.slow
def test_processes_of_which_one_is_killed_make_the_same_run(of_vectors, tmp_path):
    path, inputs = of_vectors
    run_network(path, **inputs, folder=tmp_path / "one", keep_trains=20)
    report, killed = killing(lambda: [child.pid for child in psutil.Process().children()])
    run_network(path, **inputs, folder=tmp_path / "two", keep_trains=20, jobs=2, progress=report)
    assert len(killed) == 1
    assert outcome(tmp_path / "two") == outcome(tmp_path / "one")


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_makes_the_same_run(of_vectors, tmp_path, monkeypatch):
    path, inputs = of_vectors
    run_network(path, **inputs, folder=tmp_path / "one", keep_trains=20)
    with dask_cluster(tmp_path, 2) as (address, started):
        report, killed = killing(lambda: [process.pid for process in started])
        run_network(path, **inputs, folder=tmp_path / "two", keep_trains=20, scheduler=address, progress=report)
        assert [process.pid for process in started if process.poll() is not None] == killed
    assert outcome(tmp_path / "two") == outcome(tmp_path / "one")


@pytest.mark.slow
def test_an_interrupted_run_on_processes_keeps_what_is_done_and_goes_on(of_texts, tmp_path):
    path, _ = of_texts
    rng = np.random.default_rng(4)
    rows = pa.table({"text": [" ".join(rng.choice(WORDS, 3)) for _ in range(60_000)]})
    parquet.write_table(rows, tmp_path / "many.parquet")
    command = [sys.executable, "-m", "snnlp_lava.cli.main", "run", path, "--data", "many.parquet", "--no-labels"]
    command += ["--jobs", "2", "-o", "part"]
    process = start(command, tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until(lambda: list((tmp_path / "part.partial").glob("*.parquet")))
    children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert "of 60000 samples are done; add --resume to continue" in err
    assert "Traceback" not in err, err
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "part.partial").glob("*.parquet")}
    assert 1 <= len(kept) < 8
    subprocess.run([*command, "--resume"], cwd=tmp_path, check=True, capture_output=True)
    one = start([*command[:-4], "-o", "one"], tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert one.wait(WAIT) == 0
    assert outcome(tmp_path / "part") == outcome(tmp_path / "one")
