"""What a cell answers when it does not go well."""

import json

import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.sweep import cell as cell_module
from snnlp_lava.sweep.cell import attempt, identify
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import canonical, check_result
from snnlp_lava.train.methods.base import TrainConfig
from snnlp_lava.train.trainer import Trained


@pytest.fixture
def own(tmp_path):
    """Twelve texts of two classes, and vectors for them."""
    rows = [f"text {i},{i % 2},{part}" for i, part in enumerate(["train", "validation", "test"] * 4)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label,split", *rows]) + "\n", "utf-8")
    np.save(tmp_path / "own.npy", np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32))
    return Source(str(tmp_path / "own.csv"), vectors=str(tmp_path / "own.npy"))


def test_a_refusal_is_answered_in_its_own_words(tmp_path):
    missing = Cell(Source(str(tmp_path / "none.csv")), TrainConfig())
    assert attempt(missing.to_dict()) == {"error": f"data {tmp_path}/none.csv: no such file"}


def test_any_other_error_is_answered_in_one_line(monkeypatch):
    def fail(cell):
        raise MemoryError("1 GB\nis too much")

    monkeypatch.setattr(cell_module, "run_cell", fail)
    assert attempt({}) == {"error": "MemoryError: 1 GB"}


def test_a_training_that_diverged_has_a_result(own, monkeypatch):
    scores = {part: {"accuracy": 0.5, "mrr": 0.75} for part in ("validation", "test")}
    history = [{"epoch": 1, "train_loss": float("nan"), "validation_loss": float("inf"), "validation_accuracy": 0.5}]
    diverged = Trained({}, {}, None, (5, 4, 2), {"best_epoch": 1, **scores}, history)
    monkeypatch.setattr("snnlp_lava.train.trainer.train_classifier", lambda *arguments: diverged)
    document = attempt(Cell(own, TrainConfig.defaults_for("ann")).to_dict())["document"]
    check_result(document)
    (row,) = json.loads(canonical(document["results"]))["history"]
    assert row == {"epoch": 1, "train_loss": None, "validation_loss": None, "validation_accuracy": 0.5}
    assert document["data"]["embedding"] == {"name": None, "sha256": None, "dimension": 5}
    assert identify(own).items() <= document["data"].items()


def test_data_is_known_by_its_texts_and_vectors(own, tmp_path):
    before = identify(own)
    assert before["name"] == "own"
    np.save(tmp_path / "own.npy", np.ones((12, 5), dtype=np.float32))
    with_other_vectors = identify(own)
    assert with_other_vectors == {**before, "vectors": with_other_vectors["vectors"]}
    assert with_other_vectors["vectors"] != before["vectors"]
    path = tmp_path / "own.csv"
    path.write_text(path.read_text("utf-8").replace("text 3", "text three"), "utf-8")
    assert identify(own)["sha256"] != before["sha256"]
    np.save(tmp_path / "own.npy", np.ones((11, 5)))
    with pytest.raises(InputError, match="has 11 rows, the data 12"):
        identify(own)
