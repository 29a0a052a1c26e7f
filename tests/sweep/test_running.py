"""Real sweeps of three small cells: interrupted and resumed, with workers killed, and on a Dask cluster."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import torch
from click.testing import CliRunner

from processes import WAIT, dask_cluster, start, wait_until
from snnlp_lava.cli.main import main
from snnlp_lava.errors import InputError
from snnlp_lava.sweep.cell import run_cell
from snnlp_lava.sweep.grid import read_grid
from snnlp_lava.sweep.results import canonical
from snnlp_lava.sweep.runner import SweepState, cell_tasks
from snnlp_lava.workers import Failed, Finished, Started, run_local, run_on_cluster

pytestmark = pytest.mark.slow

GRID = """
data = "demo"
limit = 30
[grid]
method = ["ann", "snn-rate"]
window = [16, 32]
epochs = 1
"""
NAMES = [
    "demo-sentence-ann-s42-epochs1",
    "demo-sentence-snn-rate-t16-s42-epochs1",
    "demo-sentence-snn-rate-t32-s42-epochs1",
]
CELLS = "snnlp_lava.sweep.cell:cell_runner"


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "g.toml"
    path.write_text(GRID, "utf-8")
    return path


def command(grid):
    return [sys.executable, "-m", "snnlp_lava.cli.main", "sweep", grid.name, "--jobs", "2", "-o", "local"]


def gone(processes):
    return all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in processes)


def results(folder):
    """What stands in the results line of each result file, byte for byte."""
    lines = {path.stem: path.read_bytes().splitlines() for path in folder.glob("*.json")}
    return {name: next(line for line in of if line.startswith(b'"results":')) for name, of in lines.items()}


@pytest.fixture(scope="module")
def local(grid, _cache_of_the_tests):
    """A local sweep that was interrupted after its first cell and then resumed: its folder, and what was seen."""
    process = start(command(grid), grid.parent, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    first = [process.stderr.readline() for _ in range(2)]
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT)
    left_over = [path.name for path in sorted((grid.parent / "local").iterdir())]
    stamps = {path: path.stat().st_mtime_ns for path in (grid.parent / "local").iterdir()}
    before = Path.cwd()
    os.chdir(grid.parent)
    try:
        resumed = CliRunner().invoke(main, [*command(grid)[3:], "--resume"], catch_exceptions=False)
    finally:
        os.chdir(before)
    return {
        "folder": grid.parent / "local",
        "stopped": (process.returncode, out, "".join(first) + err),
        "workers": workers,
        "left over": left_over,
        "stamps": stamps,
        "resumed": resumed,
    }


def test_an_interrupted_sweep_keeps_what_is_done_and_leaves_no_process(local):
    code, out, err = local["stopped"]
    assert (code, out) == (130, "")
    lines = err.splitlines()
    assert lines[0] == "3 cells"
    assert lines[1].startswith("done 1 of 3  demo-sentence-")
    done = len(local["left over"])
    assert (
        lines[-1]
        == f"error: interrupted; {done} of 3 cells are done; the same command with --resume continues in local"
    )
    assert "Traceback" not in err
    assert 1 <= done < 3
    assert set(local["left over"]) < {f"{name}.json" for name in NAMES}
    assert len(local["workers"]) == 2
    assert gone(local["workers"])


def test_a_resumed_sweep_runs_the_others_and_shows_all(local):
    result = local["resumed"]
    assert result.exit_code == 0, result.stderr
    done = len(local["left over"])
    lines = result.stderr.splitlines()
    assert lines[0] == f"3 cells, {done} of them already done"
    assert [line.split("  ")[0] for line in lines[1:-1]] == [f"done {k} of 3" for k in range(done + 1, 4)]
    assert lines[-1] == "results: local"
    folder = local["folder"]
    assert sorted(path.name for path in folder.iterdir()) == [*(f"{name}.json" for name in NAMES), "results.csv"]
    for path, stamp in local["stamps"].items():
        assert path.stat().st_mtime_ns == stamp
    table = [line.split() for line in result.stdout.splitlines()]
    assert [row[0:3] for row in table if "demo" in row] == [
        ["ann", "sentence", "demo"],
        ["snn-rate", "sentence", "demo"],
        ["snn-rate", "sentence", "demo"],
    ]
    assert len((folder / "results.csv").read_text("utf-8").splitlines()) == 4


def test_a_result_says_what_was_trained_on_what_with_what(local):
    for name in NAMES:
        document = json.loads((local["folder"] / f"{name}.json").read_bytes())
        assert document["cell"]["name"] == name
        assert document["data"]["rows"] == {"train": 30, "validation": 30, "test": 30}
        assert document["data"]["embedding"]["name"] == "all-MiniLM-L6-v2"
        assert len(document["data"]["sha256"]) == 64
        found = document["results"]
        assert (found["samples"], found["best_epoch"], len(found["history"])) == (30, 1, 1)
        if document["cell"]["train"]["method"] == "ann":
            assert found["macs"] == 384 * 256 + 256 * 128 + 128 * 6
            continue
        emulator = found["emulator"]
        layers = emulator["layers"]
        assert {score: emulator[score] for score in ("accuracy", "mrr")} == found["test"]
        assert emulator["window"] == document["cell"]["train"]["window"]
        assert layers[0]["spikes"] > 0
        assert [layer["synops"] for layer in layers[1:]] == [
            before["spikes"] * layer["neurons"] for before, layer in pairwise(layers)
        ]


def test_a_cell_whose_worker_dies_is_begun_three_times_at_most(grid):
    cells = read_grid(grid)[:2]
    unlucky, doomed = cells[0].name, cells[1].name
    began, ends = Counter(), []

    def on_event(event):
        if isinstance(event, Started):
            began[event.name] += 1
            if event.name == doomed or began[event.name] == 1:
                os.kill(event.pid, signal.SIGKILL)
        else:
            ends.append(event)

    run_local(2, CELLS, None, cell_tasks(cells), on_event)
    assert began == {unlucky: 2, doomed: 3}
    assert sorted((event.name, type(event)) for event in ends) == [(unlucky, Finished), (doomed, Failed)]
    (failed,) = (event for event in ends if isinstance(event, Failed))
    assert failed.reason == "tried 3 times; its worker was killed by SIGKILL; last log line: none"


def test_workers_do_not_outlive_a_killed_sweep(grid, tmp_path):
    arguments = [*command(grid)[:-1], str(tmp_path / "out")]
    with start(arguments, grid.parent, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        workers = wait_until(lambda: psutil.Process(process.pid).children(recursive=True))
        process.kill()
    wait_until(lambda: gone(workers))
    assert list((tmp_path / "out").iterdir()) == []


def test_cells_in_threads_of_one_process_have_the_same_results(grid, local):
    cells = {cell.name: cell for cell in read_grid(grid)}
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(cells, pool.map(run_cell, cells.values()), strict=True))
    assert torch.get_num_threads() == threads
    lines = {name: f'"results":{canonical(record.results.to_dict())},'.encode() for name, record in found.items()}
    assert lines == results(local["folder"])


@pytest.fixture
def cluster(tmp_path, _cache_of_the_tests):
    """A Dask scheduler and three worker processes: the scheduler's address, and the workers."""
    with dask_cluster(tmp_path, 3) as found:
        yield found


def test_a_cluster_that_loses_a_worker_has_the_same_results(grid, local, cluster, tmp_path):
    address, workers = cluster
    state = SweepState(read_grid(grid), tmp_path / "cluster", resume=False)
    began, ended, killed = Counter(), Counter(), []

    def on_event(event):
        event = state.record(event)
        (began if isinstance(event, Started) else ended)[event.name] += 1
        if isinstance(event, Started) and not killed:
            killed.append((event.name, event.pid))
            os.kill(event.pid, signal.SIGKILL)

    run_on_cluster(address, CELLS, None, cell_tasks(state.left), on_event)
    ((name, pid),) = killed
    assert [worker.pid for worker in workers if worker.poll() == -signal.SIGKILL] == [pid]
    assert began == {**dict.fromkeys(NAMES, 1), name: 2}
    assert ended == dict.fromkeys(NAMES, 1)
    assert (state.failed, state.left) == ({}, [])
    assert results(tmp_path / "cluster") == results(local["folder"])
    assert sorted(results(tmp_path / "cluster")) == NAMES


@pytest.mark.parametrize("address", ["localhost", "tcp://localhost:1", "http://localhost:8786"])
def test_an_address_without_a_scheduler_is_refused(grid, address, monkeypatch):
    monkeypatch.setattr("snnlp_lava.workers.CONNECT_SECONDS", 1)
    with pytest.raises(InputError, match=f"scheduler {address}: no Dask scheduler answers there"):
        run_on_cluster(address, CELLS, None, cell_tasks(read_grid(grid)), print)
