"""A spike embedding, trained: the membrane is the logit, the race says who won, the budget is kept."""

import numpy as np
import pytest
import torch

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.errors import InputError
from snnlp_lava.train.methods.base import make_method
from snnlp_lava.train.methods.spike_embedding.learner import (
    IntegratorClassifier,
    draft_spike_embedding,
    finish_spike_embedding,
)
from snnlp_lava.train.methods.spike_embedding.word_scores import fit_word_scores

CLASSES = 4
WORDS = [f"w{number}" for number in range(60)]


def made_texts(count, seed):
    """Texts of words that say a little about a class each, some nothing, and their classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    told = rng.random((count, 9)) < 0.4
    words = np.where(told, labels[:, None] * 8 + rng.integers(0, 8, (count, 9)), rng.integers(32, 60, (count, 9)))
    return np.array([" ".join(WORDS[word] for word in row) for row in words], dtype=object), labels


@pytest.fixture(scope="module")
def texts():
    return *made_texts(400, 0), *made_texts(200, 1)


def draft(texts, **config):
    chosen = make_method("spike-embedding", **config)
    return chosen, draft_spike_embedding(fit_word_scores(*texts, CLASSES), chosen)


def test_the_race_finds_the_class_with_the_highest_membrane(texts):
    config, drafted = draft(texts)
    _, _, validation, labels = texts
    with torch.no_grad():
        logits = drafted.module.eval().logits(drafted.line_counts(validation)).numpy()
    encoder, module = finish_spike_embedding(drafted, config)
    run = run_emulator(module.to_network(), EncodedSamples(validation, encoder, config.window), config.window)
    two = np.sort(logits, axis=1)
    clear = two[:, -1] - two[:, -2] > 0.1
    assert clear.sum() > 150
    agree = run.output_scores.argmax(axis=1) == logits.argmax(axis=1)
    assert agree[clear].mean() > 0.98
    assert (run.output_scores.argmax(axis=1) == labels).mean() > 0.9


def test_the_membrane_of_slayers_block_is_the_logit(texts):
    config, drafted = draft(texts)
    module = drafted.module.eval()
    spikes = drafted.encoder.encode(drafted.encoder.quantise(texts[2], config.window), config.window)
    seen = []
    neuron = module.block.neuron
    dynamics = neuron.dynamics
    neuron.dynamics = lambda drive: seen.append(dynamics(drive)) or seen[-1]
    with torch.no_grad():
        module.block(torch.from_numpy(spikes.transpose(0, 2, 1)).float())
        logits = module.logits(drafted.line_counts(texts[2]))
    held = seen[0][1][:, :, -1] / module.scale + module.offset
    never_spiked = (seen[0][1] < neuron.threshold).all(dim=(1)).all(dim=1)
    assert never_spiked.float().mean() > 0.9
    torch.testing.assert_close(held[never_spiked], logits[never_spiked], atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("budget", [32, 1000])
def test_the_synops_of_training_texts_stay_within_the_budget(texts, budget):
    config, drafted = draft(texts, synop_budget=budget)
    encoder, module = finish_spike_embedding(drafted, config)
    run = run_emulator(module.to_network(), EncodedSamples(texts[0], encoder, config.window), config.window)
    spent = run.layers[-1].synops_nonzero.mean()
    assert spent <= budget
    assert spent > 0.5 * min(budget, 60)


def test_a_budget_that_no_network_keeps_is_refused_by_name(texts):
    with pytest.raises(InputError, match="synop budget 3: no network decides between 4 classes"):
        draft(texts, synop_budget=3)


def test_texts_that_say_little_are_trained_on_with_a_warning(caplog):
    """Ten texts without a word in common: every word says a little about its own text's class."""
    texts = np.array([f"one{number} two{number}" for number in range(14)], dtype=object)
    labels = np.arange(14) % CLASSES
    config, drafted = draft((texts[:10], labels[:10], texts[10:], labels[10:]))
    assert "10 training texts: their words say little about 4 classes" in caplog.text
    _encoder, module = finish_spike_embedding(drafted, config)
    assert module.to_network().sizes[1] == CLASSES


def test_a_window_too_short_for_the_race_is_refused(texts):
    config, drafted = draft(texts, window=2)
    with pytest.raises(InputError, match=r"window must be more than the .* steps of the ramp, got 2"):
        finish_spike_embedding(drafted, config)


def test_negligible_weights_are_zero_and_stay_so(texts):
    _, drafted = draft(texts)
    gone = drafted.module.kept == 0
    assert gone.any()
    optimizer = torch.optim.SGD(drafted.module.parameters(), lr=1.0)
    drafted.module.logits(drafted.line_counts(texts[0][:50])).square().sum().backward()
    optimizer.step()
    weight, offset = drafted.module.integers()
    assert (weight.T[gone.flatten(1).numpy()] == 0).all()
    assert offset.max() == 0
    assert not (offset % 2).any()


def test_training_loses_spikes_and_evaluation_does_not():
    config = make_method("spike-embedding")
    module = IntegratorClassifier(np.eye(3), np.zeros(3), 64.0, config)
    counts = np.full((500, 3), 8, dtype=np.float32)
    torch.manual_seed(0)
    with torch.no_grad():
        trained, evaluated = module.train().logits(counts), module.eval().logits(counts)
    assert evaluated.unique().tolist() == [8.0]
    assert trained.std() > 1
    assert trained.mean() == pytest.approx(8, abs=0.3)
    assert module.spikes_counted == pytest.approx(6000, rel=0.05)


def test_a_class_that_starts_lower_than_a_weight_can_say_is_told(texts, caplog):
    """As where a class is rare, which SLAYER's float offsets can say and the ramp's first weight cannot."""
    config, drafted = draft(texts, window=99)
    finish_spike_embedding(drafted, config)
    assert "win too often" not in caplog.text
    with torch.no_grad():
        drafted.module.offset[2] -= 1000 / drafted.module.scale / 64
    finish_spike_embedding(drafted, config)
    assert f"1 of {CLASSES} classes start at -256, the least that a weight can be" in caplog.text
