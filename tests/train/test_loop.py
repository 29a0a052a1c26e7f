"""The loop: same seed same weights, interrupted or not, and the best epoch's weights at the end."""

import numpy as np
import pytest
import torch

from snnlp_lava.errors import InputError
from snnlp_lava.train.baselines import AnnClassifier
from snnlp_lava.train.loop import Examples, choose_device, evaluate, fit
from snnlp_lava.train.methods.make import make_method

OPTIONS = make_method("ann", epochs=6, batch_size=16, seed=3, dropout=0.2)


def examples(count, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    return Examples((rng.normal(size=(count, 8)) + labels[:, None]).astype(np.float32), labels)


TRAIN, VALIDATION = examples(120, 0), examples(60, 1)


class InterruptedHereError(Exception):
    pass


def train(checkpoint=None, stop_after=None, fingerprint="same"):
    torch.manual_seed(3)
    model = AnnClassifier((8, 12, 3), OPTIONS.dropout)
    rows = []

    def on_epoch(row):
        rows.append(row)
        if row["epoch"] == stop_after:
            raise InterruptedHereError

    progress = fit(model, TRAIN, VALIDATION, OPTIONS, checkpoint=checkpoint, fingerprint=fingerprint, on_epoch=on_epoch)
    return model, progress, rows


def same_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_resumed_training_ends_with_the_same_weights(tmp_path, stop_after):
    undisturbed, progress, rows = train()
    checkpoint = tmp_path / "checkpoint.safetensors"
    with pytest.raises(InterruptedHereError):
        train(checkpoint, stop_after)
    resumed, again, all_rows = train(checkpoint)
    assert same_weights(undisturbed, resumed)
    assert again == progress
    assert all_rows == rows


def test_the_best_epochs_weights_are_kept():
    model, progress, rows = train()
    accuracies = [row["validation_accuracy"] for row in rows]
    assert accuracies[progress.best_epoch - 1] == max(accuracies)
    found = (evaluate(model, VALIDATION.inputs)[1].argmax(axis=1) == VALIDATION.labels).mean()
    assert found == accuracies[progress.best_epoch - 1]


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    with pytest.raises(InterruptedHereError):
        train(tmp_path / "c", 2)
    with pytest.raises(InputError, match="other options or data"):
        train(tmp_path / "c", fingerprint="another")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"no", lambda data: b""])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    path = tmp_path / "c"
    with pytest.raises(InterruptedHereError):
        train(path, 1)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match="is damaged"):
        train(path)


def test_cuda_without_cuda_is_refused():
    if torch.cuda.is_available():
        assert choose_device("cuda").type == "cuda"
    else:
        with pytest.raises(InputError, match="--device cpu"):
            choose_device("cuda")
    assert choose_device("cpu").type == "cpu"
