"""Eight sweeps at once: one writes a folder at a time, and one cache serves all."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.records import load
from snnlp_lava.sweep.grid import read_grid
from snnlp_lava.sweep.results import CSV, CellRecord, DataIdentity
from snnlp_lava.sweep.runner import run_sweep
from snnlp_lava.workers import Finished

EIGHT = 8


def test_one_of_eight_sweeps_into_a_folder_runs_and_seven_are_refused(tmp_path, cell, document, monkeypatch):
    cells = [cell("ann", seed=seed) for seed in range(3)]
    names = DataIdentity.__struct_fields__
    identity = DataIdentity(**{name: document(cells[0])["data"][name] for name in names})
    all_there, others_refused = Barrier(EIGHT), Event()

    def run_local(jobs, work, common, tasks, on_event):
        assert others_refused.wait(60)
        for one in cells:
            on_event(Finished(one.name, document(one)))

    monkeypatch.setattr("snnlp_lava.sweep.runner.run_local", run_local)
    monkeypatch.setattr("snnlp_lava.sweep.runner.prepare_features", lambda cells, progress: None)
    monkeypatch.setattr("snnlp_lava.sweep.runner.data_identity", lambda source: identity)
    refused = []

    def run(_):
        all_there.wait(60)
        try:
            return run_sweep(cells, tmp_path / "out")
        except InputError as error:
            refused.append(str(error))
            if len(refused) == EIGHT - 1:
                others_refused.set()
            return None

    with ThreadPoolExecutor(EIGHT) as pool:
        (state,) = [state for state in pool.map(run, range(EIGHT)) if state is not None]
    assert list(state.done) == [one.name for one in cells]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*(f"{name}.json" for name in state.done), CSV]
    assert len(refused) == EIGHT - 1
    for line in refused:
        assert f"sweep {tmp_path / 'out'}: another process is writing it" in line
        assert "\n" not in line


@pytest.fixture
def together(tmp_path, cache_folder):
    """Start eight sweeps of two cells at once, on an empty cache: together(folders) -> exit code and stderr of each."""
    rows = [f"so {'bright' if i % 2 else 'grey'} it is {i},{i % 2},{split}" for i, split in enumerate(_SPLITS)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n", "utf-8")
    rng = np.random.default_rng(0)
    words = [
        f"{word} {' '.join(map(str, rng.standard_normal(6).round(3)))}" for word in ("bright", "grey", *"abcdefghij")
    ]
    (tmp_path / "words.txt").write_text("\n".join(words) + "\n", "utf-8")
    (tmp_path / "g.toml").write_text(
        'data = "own.csv"\nwords = "words.txt"\n[grid]\nlevel = "word"\nmethod = ["ann", "snn-bin"]\n'
        "epochs = 1\nhidden = [4]\n",
        "utf-8",
    )

    def start(folder):
        command = [sys.executable, "-m", "snnlp_lava.cli.main", "sweep", "g.toml", "--resume", "-o", folder]
        return subprocess.Popen(
            command, cwd=tmp_path, env=os.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(folders):
        processes = [start(folder) for folder in folders]
        errors = [process.communicate(timeout=300)[1] for process in processes]
        return [(process.returncode, error) for process, error in zip(processes, errors, strict=True)]

    return run


_SPLITS = ["train"] * 12 + ["validation"] * 6 + ["test"] * 6


def records(tmp_path, folder):
    """Finished cells of a folder, which must be all of them and hold nothing else but results.csv."""
    names = [cell.name for cell in read_grid(tmp_path / "g.toml")]
    assert sorted(path.name for path in (tmp_path / folder).iterdir()) == sorted(
        [*(f"{name}.json" for name in names), CSV]
    )
    return {name: load(CellRecord, tmp_path / folder / f"{name}.json", name) for name in names}


@pytest.mark.slow
def test_eight_processes_with_one_folder_lose_nothing(together, tmp_path):
    ended = together(["out"] * EIGHT)
    assert len(records(tmp_path, "out")) == 2
    assert {code for code, _ in ended} <= {0, 2}
    assert any("2 cells\n" in error for code, error in ended if code == 0)
    for code, error in ended:
        if code == 2:
            assert error.startswith("error: sweep out: another process is writing it")
            assert error.count("\n") == 1


@pytest.mark.slow
def test_eight_processes_with_one_cache_have_the_same_results(together, tmp_path, cache_folder):
    folders = [f"out{number}" for number in range(EIGHT)]
    ended = together(folders)
    assert [code for code, _ in ended] == [0] * EIGHT, [error for _, error in ended]
    first, *others = ({name: one.results for name, one in records(tmp_path, folder).items()} for folder in folders)
    assert all(other == first for other in others)
    left = sorted(path.name for path in cache_folder.iterdir())
    assert [name for name in left if name.startswith(".")] == []
