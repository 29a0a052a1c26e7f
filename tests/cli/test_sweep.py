"""The sweep command: what it prints, and what it refuses before any work."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from snnlp_lava.cli.sweep import event_line, progress_table
from snnlp_lava.sweep.cell import data_identity
from snnlp_lava.sweep.grid import Cell, read_grid
from snnlp_lava.sweep.runner import SweepState
from snnlp_lava.workers import Failed, Finished, Started

GRID = """data = "demo"
[grid]
method = ["ann", "snn-rate"]
window = [8, 16]
seed = [1, 2]
"""
ANN, SNN = "demo-sentence-ann-s{}", "demo-sentence-snn-rate-t{}-s{}"


def answer(cell, accuracy):
    """A result as a worker returns it."""
    scores = {"accuracy": accuracy, "mrr": 0.75}
    epoch = {"epoch": 1, "train_loss": 0.5, "train_spikes": 90, "validation_loss": 0.5, "validation_accuracy": 0.5}
    results = {"samples": 10, "best_epoch": 1, "history": [epoch], "validation": scores, "test": scores}
    results["sizes"] = [384, 6]
    if not cell.train.spiking:
        results["macs"] = 8
    else:
        counts = {"synops": 20_000, "synops_nonzero": 9, "neuron_updates": 9, "wraps": 0, "clips": 0}
        results["emulator"] = {**scores, "layers": [{"name": "input", "neurons": 384, "spikes": 12_340, **counts}]}
        results["emulator"] |= {"window": 8, "period": 8, "paper_operations": 1234.0}
    data = data_identity(cell.source).to_dict()
    data |= {"rows": {"train": 10}, "embedding": {"name": None, "sha256": None, "dimension": 384}}
    host = {"system": "Linux", "machine": "x86_64", "cores": 2, "device": "cpu"}
    about = {"versions": {}, "date": "2024-01-31", "seconds": 61.0, "host": host}
    return {"format": 1, "cell": cell.to_dict(), "data": data, "results": results, **about}


@pytest.fixture
def sweep(snnlp_lava, monkeypatch):
    """Run the command in an empty folder, its cells as `behave(cell, on_event)` has them."""
    Path("g.toml").write_text(GRID, "utf-8")
    monkeypatch.setattr("snnlp_lava.sweep.runner.prepare_features", lambda cells, progress: None)

    def run(*arguments, behave=None):
        def run_local(jobs, work, common, tasks, on_event):
            for cell in (Cell.unpack(task.content) for task in tasks):
                on_event(Started(cell.name, 1))
                behave(cell, on_event)

        monkeypatch.setattr("snnlp_lava.sweep.runner.run_local", run_local)
        return snnlp_lava("sweep", *arguments)

    return run


def test_the_command_is_listed(snnlp_lava):
    assert " sweep " in snnlp_lava("--help").stdout
    assert "--scheduler tcp://HOST:PORT" in snnlp_lava("sweep", "--help").stdout


def finish(cell, on_event):
    on_event(Finished(cell.name, answer(cell, 0.5 + cell.train.seed / 10)))


def test_a_sweep_prints_a_line_for_each_cell_and_a_table_over_the_seeds(sweep):
    result = sweep("g.toml", behave=finish)
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert (lines[0], lines[1], lines[-1]) == (
        "6 cells",
        "done 1 of 6  demo-sentence-ann-s1  accuracy 60.00%  MRR 0.750  61 s",
        "results: sweeps/g",
    )
    assert len(lines) == 8
    rows = [line.split() for line in result.stdout.splitlines() if " demo " in line]
    assert rows == [
        ["ann", "sentence", "demo", "2", "65.0%", "±", "7.1", "0.750"],
        ["snn-rate", "sentence", "demo", "8", "2", "65.0%", "±", "7.1", "0.750", "1,234", "2,000"],
        ["snn-rate", "sentence", "demo", "16", "2", "65.0%", "±", "7.1", "0.750", "1,234", "2,000"],
    ]
    names = {ANN.format(1), ANN.format(2), *(SNN.format(t, s) for t in (8, 16) for s in (1, 2))}
    assert {path.name for path in Path("sweeps/g").iterdir()} == {*(f"{name}.json" for name in names), "results.csv"}
    assert sweep("g.toml").exit_code == 2
    again = sweep("g.toml", "--resume")
    assert (again.exit_code, again.stdout) == (0, result.stdout)
    assert again.stderr == "6 cells, 6 of them already done\nresults: sweeps/g\n"


def test_failed_cells_are_named_at_the_end_and_tried_again(sweep):
    def some_fail(cell, on_event):
        if cell.train.options().get("window") == 8:
            on_event(Failed(cell.name, "no [room] left"))
        else:
            finish(cell, on_event)

    result = sweep("g.toml", "-o", "out", behave=some_fail)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    failed = [SNN.format(8, seed) for seed in (1, 2)]
    assert f"failed 3 of 6  {failed[0]}: no [room] left" in lines
    assert lines[-2] == "results: out"
    assert lines[-1] == (
        f"error: 2 of 6 cells failed: {', '.join(failed)}; the same command with --resume tries them again"
    )
    assert len([line for line in result.stdout.splitlines() if " demo " in line]) == 2
    tried = []
    again = sweep(
        "g.toml", "-o", "out", "--resume", behave=lambda cell, on: (tried.append(cell.name), finish(cell, on))
    )
    assert (again.exit_code, tried) == (0, failed)


def test_a_sweep_in_which_all_fails_has_no_table(sweep):
    result = sweep("g.toml", behave=lambda cell, on_event: on_event(Failed(cell.name, "because")))
    assert (result.exit_code, result.stdout) == (1, "")
    assert not Path("sweeps").exists()


def test_an_interrupted_sweep_says_how_to_go_on(sweep):
    def interrupted(cell, on_event):
        if cell.train.seed == 2:
            raise KeyboardInterrupt
        finish(cell, on_event)

    result = sweep("g.toml", behave=interrupted)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.splitlines()[-1] == (
        "error: interrupted; 1 of 6 cells are done; the same command with --resume continues in sweeps/g"
    )
    assert [path.name for path in Path("sweeps/g").iterdir()] == ["demo-sentence-ann-s1.json"]


def test_a_lost_worker_is_mentioned(sweep):
    def again(cell, on_event):
        if cell.name == ANN.format(1):
            on_event(Started(cell.name, 2))
        finish(cell, on_event)

    result = sweep("g.toml", behave=again)
    assert result.stderr.splitlines()[1] == "restarted demo-sentence-ann-s1: its worker was lost"
    assert result.stderr.count("restarted") == 1


def test_a_terminal_sees_where_the_sweep_stands(snnlp_lava, tmp_path):
    Path("g.toml").write_text(GRID, "utf-8")
    cells = read_grid(Path("g.toml"))
    state = SweepState(cells, tmp_path / "out", resume=False)

    def screen():
        console = Console(file=io.StringIO(), width=100)
        console.print(progress_table(state))
        return [re.split("  +", line.strip()) for line in console.file.getvalue().splitlines()]

    assert screen()[0] == ["0 of 6 cells done, 0 running, 6 waiting"]
    for cell in cells[:3]:
        state.record(Started(cell.name, 1))
    state.record(Finished(cells[0].name, answer(cells[0], 0.625)))
    state.record(Failed(cells[1].name, "because"))
    (headline,), *rows = screen()
    assert headline.startswith("1 of 6 cells done, 1 running, 3 waiting, 1 failed; about 0 min 0")
    assert rows == [[cells[0].name, "accuracy 62.50%", "MRR 0.750", "61 s"], [cells[2].name, "running"]]
    assert event_line(state, Started("x", 1)) is None


REFUSED = {
    "no grid": (("none.toml",), "cannot read none.toml: No such file"),
    "grid": (("bad.toml",), "grid bad.toml: window must be an integer >= 1, got 0"),
    "jobs and scheduler": (("g.toml", "--jobs", 2, "--scheduler", "tcp://a:1"), "either --jobs or --scheduler"),
    "no data": (("no_data.toml",), "none.csv: no such file"),
    "no vectors": (("no_vectors.toml",), "none.npy: no such file"),
    "output a file": (("g.toml", "-o", "g.toml"), "sweep g.toml: is a file; choose another folder with -o"),
    "output with a result": (
        ("g.toml", "-o", "old"),
        "sweep old: contains 1 results; add --resume to continue, or choose",
    ),
    "another sweep's": (("g.toml", "-o", "old", "--resume"), "old/demo-sentence-ann-s1.json: belongs to another conf"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(sweep, arguments, message):
    Path("bad.toml").write_text(GRID.replace("8", "0"), "utf-8")
    Path("no_data.toml").write_text(GRID.replace("demo", "none.csv"), "utf-8")
    Path("no_vectors.toml").write_text('vectors = "none.npy"\n' + GRID, "utf-8")
    Path("old").mkdir()
    (ann, *_) = read_grid(Path("g.toml"))
    other = answer(ann, 0.5)
    other["cell"]["split_scheme"] = "paper"
    Path("old/demo-sentence-ann-s1.json").write_text(json.dumps(other), "utf-8")
    before = {path: path.read_bytes() for path in Path().rglob("*.*")}
    result = sweep(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert {path: path.read_bytes() for path in Path().rglob("*.*")} == before
