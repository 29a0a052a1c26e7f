"""What a cell answers when it does not go well."""

import json

import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.records import build
from snnlp_lava.sweep import cell as cell_module
from snnlp_lava.sweep.cell import cell_runner, data_identity
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import CellRecord, canonical
from snnlp_lava.sweep.runner import run_sweep
from snnlp_lava.train.methods.ann import Ann
from snnlp_lava.train.methods.base import Trained
from snnlp_lava.train.methods.make import make_method
from snnlp_lava.workers import Failed, answer_of


@pytest.fixture
def own(tmp_path):
    """Twelve texts of two classes, and vectors for them."""
    rows = [f"text {i},{i % 2},{part}" for i, part in enumerate(["train", "validation", "test"] * 4)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n", "utf-8")
    np.save(tmp_path / "own.npy", np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32))
    return Source(str(tmp_path / "own.csv"), vectors=str(tmp_path / "own.npy"))


def answer(cell):
    """What a worker answers."""
    return answer_of(cell_runner(None), cell.pack())


def test_a_refusal_is_answered_in_its_own_words(tmp_path):
    missing = Cell(Source(str(tmp_path / "none.csv")), make_method())
    assert answer(missing) == {"error": f"data {tmp_path}/none.csv: no such file", "bad_input": True}


def test_what_the_machine_lacks_is_answered_in_one_line(own, monkeypatch):
    def fail(cell):
        raise MemoryError("1 GB\nis too much")

    monkeypatch.setattr(cell_module, "run_cell", fail)
    assert answer(Cell(own, make_method())) == {"error": "MemoryError: 1 GB"}


def test_a_bug_of_ours_keeps_its_traceback(own, monkeypatch, tmp_path, caplog):
    def fit_badly(*arguments):
        return {}["oops"]

    monkeypatch.setattr(Ann, "fit", fit_badly)
    cell = Cell(own, make_method("ann"))
    found = answer(cell)
    assert found["error"] == "KeyError: 'oops'"
    assert "in fit_badly" in found["traceback"]

    def run_local(jobs, work, common, tasks, on_event):
        on_event(Failed(cell.name, found["error"], found["traceback"]))

    monkeypatch.setattr("snnlp_lava.sweep.runner.run_local", run_local)
    state = run_sweep([cell], tmp_path / "out")
    assert state.failed == {cell.name: "KeyError: 'oops'"}
    assert f"cell {cell.name}: Traceback" in caplog.text
    assert "in fit_badly" in caplog.text


def test_a_training_that_diverged_has_a_result(own, monkeypatch):
    scores = {part: {"accuracy": 0.5, "mrr": 0.75} for part in ("validation", "test")}
    epoch = {"epoch": 1, "train_spikes": 0.0, "validation_accuracy": 0.5}
    history = [{**epoch, "train_loss": float("nan"), "validation_loss": float("inf")}]
    diverged = Trained({}, {}, None, (5, 4, 2), {"best_epoch": 1, **scores}, history)
    monkeypatch.setattr(Ann, "fit", lambda *arguments: diverged)
    document = answer(Cell(own, make_method("ann")))["answer"]
    build(CellRecord, document)
    (row,) = json.loads(canonical(document["results"]))["history"]
    assert row == {**epoch, "train_loss": None, "validation_loss": None}
    assert document["data"]["embedding"] == {"name": None, "sha256": None, "dimension": 5}
    assert data_identity(own).to_dict().items() <= document["data"].items()


def test_data_is_known_by_its_texts_and_vectors(own, tmp_path):
    before = data_identity(own)
    assert before.name == "own"
    np.save(tmp_path / "own.npy", np.ones((12, 5), dtype=np.float32))
    with_other_vectors = data_identity(own)
    assert with_other_vectors.vectors != before.vectors
    assert with_other_vectors == before.replace(vectors=with_other_vectors.vectors)
    path = tmp_path / "own.csv"
    path.write_text(path.read_text("utf-8").replace("text 3", "text three"), "utf-8")
    assert data_identity(own).sha256 != before.sha256
    np.save(tmp_path / "own.npy", np.ones((11, 5)))
    with pytest.raises(InputError, match="12 texts, got 11 rows"):
        data_identity(own)
