"""The two ways of training: ours, and the one of the paper's published code."""

import numpy as np
import pytest
import torch

from snnlp_lava.errors import InputError
from snnlp_lava.train.loop import recipe_for
from snnlp_lava.train.methods.make import make_method
from snnlp_lava.train.slayer import import_slayer

PAPERS = ("ann", "snn-rate", "snn-rate-rand", "snn-bin")


def test_spike_embedding_which_the_paper_does_not_have_has_no_reference():
    with pytest.raises(InputError, match=r"^reference True only applies to method .*, not spike-embedding$"):
        make_method("spike-embedding", reference=True)


def test_the_reference_has_the_papers_settings():
    for method in PAPERS:
        config = make_method(method, reference=True)
        assert (config.learning_rate, config.batch_size, config.epochs) == (1e-5, 15, 50)
        assert config.dropout == (0 if method == "ann" else 0.05)
        recipe = recipe_for(config, 0.125)
        assert (recipe.shuffle, recipe.weight_decay, recipe.by_loss) == (False, 1e-5, True)
        assert recipe.rate(config, 0.0) == recipe.rate(config, 49.9) == 1e-5
        assert recipe.order(5, np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]


def test_ours_shuffles_and_falls_to_0():
    config = make_method()
    recipe = recipe_for(config, 0.125)
    assert recipe.rate(config, 0) == config.learning_rate
    assert recipe.rate(config, config.epochs / 2) == pytest.approx(config.learning_rate / 2)
    assert recipe.rate(config, config.epochs) == pytest.approx(0)
    order = recipe.order(100, np.random.default_rng(0))
    assert sorted(order) == list(range(100))
    assert order.tolist() != list(range(100))


def test_the_reference_loss_is_slayers_spike_rate():
    """Of counts over 20 steps with a temperature of 2.5; SLAYER takes the spikes themselves."""
    spikes = (np.random.default_rng(0).random((7, 20, 3)) < 0.3).astype(np.float32)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    slayer = import_slayer()
    theirs = slayer.loss.SpikeRate(true_rate=0.75, false_rate=0.05, reduction="sum")(
        torch.from_numpy(spikes).transpose(1, 2), labels
    )
    recipe = recipe_for(make_method("snn-rate", reference=True), 2.5 / 20)
    ours = recipe.loss(torch.from_numpy(spikes.sum(axis=1) / 2.5), labels)
    torch.testing.assert_close(ours, theirs)


def test_word_codes_need_words_and_two_steps():
    assert make_method("snn-bin").unit == "word"
    with pytest.raises(InputError, match=r"level sentence only applies to method .*, not snn-bin"):
        make_method("snn-bin", level="sentence")
    with pytest.raises(InputError, match="window must be an integer >= 2, got 1"):
        make_method("snn-bin", window=1)
