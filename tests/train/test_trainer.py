"""Training into a folder: resumed, on few texts, with labels that training never saw."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import snnlp_lava
from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import TextData
from snnlp_lava.train import loop, trainer
from snnlp_lava.train.model_folder import CHECKPOINT, HISTORY, WEIGHTS, load_spiking

SMALL = {"method": "ann", "hidden": (4,), "epochs": 4}
SPLITS = np.array(["train"] * 20 + ["validation"] * 8 + ["test"] * 8)


class InterruptedHereError(Exception):
    pass


@pytest.fixture
def prepared(tmp_path):
    """Data of two classes with vectors: prepared(labels, vectors)."""
    rng = np.random.default_rng(0)
    labels = np.arange(36) % 2
    vectors = rng.normal(size=(36, 5)).astype(np.float32) + labels[:, None]

    def make(change_labels=(), change_vectors=()):
        own_labels, own_vectors = labels.copy(), vectors.copy()
        own_labels[list(change_labels)] ^= 1
        own_vectors[list(change_vectors)] += 1
        np.save(tmp_path / "v.npy", own_vectors)
        data = TextData("own", [f"text {row}" for row in range(36)], own_labels, ("dull", "fine"), SPLITS)
        return snnlp_lava.prepare_data(data, vectors=tmp_path / "v.npy", **SMALL)

    return make


def stopped(data, folder, after):
    """A training that is interrupted after some epochs."""

    def on_epoch(row):
        if row["epoch"] == after:
            raise InterruptedHereError

    with pytest.raises(InterruptedHereError):
        snnlp_lava.train_model(data, folder, on_epoch=on_epoch)
    assert (folder / CHECKPOINT).exists()


def test_a_training_is_resumed_on_the_same_data(prepared, tmp_path):
    snnlp_lava.train_model(prepared(), tmp_path / "whole")
    stopped(prepared(), tmp_path / "two", 2)
    snnlp_lava.train_model(prepared(), tmp_path / "two")
    for name in (WEIGHTS, HISTORY):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"change_labels": range(3)},
        {"change_vectors": [5]},
        {"change_labels": range(20, 28)},
        {"change_vectors": [22]},
    ],
    ids=["training labels", "training vectors", "validation labels", "validation vectors"],
)
def test_a_training_is_not_resumed_on_other_data(prepared, tmp_path, change):
    stopped(prepared(), tmp_path / "m", 2)
    before = (tmp_path / "m" / CHECKPOINT).read_bytes()
    with pytest.raises(InputError, match="belongs to a training with other options or data"):
        snnlp_lava.train_model(prepared(**change), tmp_path / "m")
    assert (tmp_path / "m" / CHECKPOINT).read_bytes() == before


def test_a_training_is_not_resumed_with_other_options_or_by_another_version(prepared, tmp_path, monkeypatch):
    stopped(prepared(), tmp_path / "m", 2)
    with pytest.raises(InputError, match="belongs to a training with other options or data"):
        snnlp_lava.train_model(prepared(), tmp_path / "m", epochs=5)
    monkeypatch.setattr(loop, "__version__", "99.0")
    with pytest.raises(InputError, match=r"was written by version .*, not 99\.0; resume with that version"):
        snnlp_lava.train_model(prepared(), tmp_path / "m")


def test_sixty_short_texts_are_trained_on_with_a_warning(tmp_path, caplog):
    """Words of one text each: no score is large, and yet there is a network."""
    texts = [f"word{row} word{row + 100}" for row in range(80)]
    splits = np.array(["train"] * 60 + ["validation"] * 10 + ["test"] * 10)
    data = TextData("few", texts, np.arange(80) % 2, ("dull", "fine"), splits)
    snnlp_lava.train_model(snnlp_lava.prepare_data(data, "spike-embedding", tokens="pairs"), tmp_path / "m")
    assert "60 training texts: their words say little about 2 classes" in caplog.text
    _, model = load_spiking(tmp_path / "m")
    assert model.network.outputs == 2
    with (tmp_path / "m" / HISTORY).open() as file:
        assert len(list(csv.DictReader(file))) >= 1


@pytest.mark.parametrize("method", ["spike-embedding", "ann"])
def test_a_label_that_training_never_saw_counts_as_wrong(tmp_path, method):
    """Of four test texts one is of a class of its own; the record names it, the network has no neuron for it."""
    words = ("bad", "good", "odd")
    labels = np.array([0, 1] * 12 + [0, 1] * 4 + [0, 1, 1, 2])
    splits = np.array(["train"] * 24 + ["validation"] * 8 + ["test"] * 4)
    data = TextData("own", [f"a {words[label]} film" for label in labels], labels, ("dull", "fine", "grim"), splits)
    vectors = {"vectors": tmp_path / "v.npy"} if method == "ann" else {}
    np.save(tmp_path / "v.npy", np.eye(3, dtype=np.float32)[labels])
    prepared = snnlp_lava.prepare_data(data, method, seed=1, **vectors)
    record = snnlp_lava.train_model(prepared, tmp_path / "m")
    assert (record.label_names, record.sizes[-1]) == (("dull", "fine"), 2)
    assert record.scores.test.accuracy == 0.75
    assert record.baselines["tfidf"].test.accuracy == 0.75
    written = json.loads((tmp_path / "m" / "config.json").read_text())["data"]
    assert written["unseen_labels"] == {"test": {"grim": 1}}


def test_malloc_of_a_program_that_trains_is_left_alone(prepared, tmp_path, monkeypatch):
    def changed():
        raise AssertionError("malloc was changed")

    monkeypatch.setattr(trainer, "keep_freed_memory", changed)
    snnlp_lava.train_model(prepared(), tmp_path / "m")
    assert Path(tmp_path / "m").is_dir()
