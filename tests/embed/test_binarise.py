from dataclasses import replace

import numpy as np
import pytest
import torch

from snnlp_lava.embed import binarise as module
from snnlp_lava.embed.binarise import binarise, code_quality
from snnlp_lava.embed.word_codes import bits_of, codes_of
from snnlp_lava.embed.word_vectors import WordVectors
from snnlp_lava.errors import InputError
from snnlp_lava.progress import no_advance


def vectors_of(values):
    values = np.asarray(values, dtype=np.float32)
    return WordVectors({f"w{row}": row for row in range(len(values))}, values, "test", "0" * 64)


def topics(count=600, dimension=20, seed=0):
    """Word vectors as they are: a few directions hold most of what differs."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dimension)) * np.linspace(1, 0.1, dimension)


def learn(values, bits=16, epochs=30, **options):
    """Codes of a small vocabulary, which needs more epochs than a large one."""
    codes = binarise(vectors_of(values), bits=bits, epochs=epochs, **options)
    return codes, codes.quality


@pytest.fixture(scope="module")
def learned():
    return learn(topics())


def test_codes_are_those_of_the_words_and_the_same_for_the_same_seed(learned):
    codes, quality = learned
    assert (codes.name, codes.bits, len(codes.codes)) == ("test/16-bit", 16, 600)
    assert codes.words["w599"] == 599
    assert codes.codes.max() < 1 << 16
    again, same = learn(topics())
    assert (again.sha256, same) == (codes.sha256, quality)
    assert learn(topics(), seed=1)[0].sha256 != codes.sha256


def test_learned_codes_keep_more_than_random_hyperplanes_and_than_untrained_ones(learned):
    _, quality = learned
    values = topics()
    for seed in range(5):
        planes = np.random.default_rng(seed).normal(size=(20, 16))
        chance = code_quality(values, codes_of(values @ planes > 0), 16, 42)
        assert all(quality[name] > chance[name] + 0.05 for name in chance)
    _, untrained = learn(values, epochs=0)
    assert quality["reconstruction_mse"] < 0.2 * untrained["reconstruction_mse"]
    assert quality["reconstruction_cosine"] > 0.7 > untrained["reconstruction_cosine"]


def test_bits_are_balanced_and_say_different_things(learned):
    bits = bits_of(learned[0].codes)[:, :16].astype(float)
    assert (np.abs(bits.mean(axis=0) - 0.5) < 0.1).all()
    correlation = np.corrcoef(bits.T)
    assert np.abs(correlation - np.eye(16)).max() < 0.45


def test_the_regulariser_draws_the_rows_of_the_encoder_to_unit_length_and_right_angles(monkeypatch):
    monkeypatch.setattr(module, "_LAMBDA", 1.0)
    weight, _ = module._learn(module._scaled(topics().astype(np.float32)), 16, 42, 30, no_advance)
    np.testing.assert_allclose(weight @ weight.T, np.eye(16), atol=0.05)


def test_a_code_does_not_depend_on_the_length_of_its_vector(learned):
    lengths = 2.0 ** np.random.default_rng(0).integers(-4, 5, (600, 1))
    codes, quality = learn(topics() * lengths)
    np.testing.assert_array_equal(codes.codes, learned[0].codes)
    assert quality == pytest.approx(learned[1])


def test_zero_vectors_get_the_code_zero_and_change_nothing_else(learned):
    codes, quality = learn(np.insert(topics(), [0, 300], 0, axis=0))
    assert codes.codes[[0, 301]].tolist() == [0, 0]
    np.testing.assert_array_equal(np.delete(codes.codes, [0, 301]), learned[0].codes)
    assert quality == learned[1]


def test_of_many_words_the_first_are_learned_from_and_all_are_encoded(learned, monkeypatch):
    monkeypatch.setattr(module, "_LEARNED_FROM", 600)
    monkeypatch.setattr(module, "_BLOCK", 250)
    more = np.vstack([topics(), -topics()])
    codes, quality = learn(more)
    assert quality == learned[1]
    np.testing.assert_array_equal(codes.codes[:600], learned[0].codes)
    np.testing.assert_array_equal(bits_of(codes.codes[600:])[:, :16], 1 - bits_of(codes.codes[:600])[:, :16])


def test_progress_is_told_after_each_epoch_and_torch_keeps_its_threads():
    threads, done = torch.get_num_threads(), []
    torch.set_num_threads(2)
    try:
        learn(topics(20, 3), epochs=3, progress=done.append)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert done == [1, 1, 1]


def test_equal_vectors_are_no_reason_to_fail():
    codes, quality = learn(np.ones((11, 2)))
    assert len(set(codes.codes.tolist())) == 1
    assert np.isfinite(list(quality.values())).all()


@pytest.mark.parametrize("bits", [0, 65])
def test_a_code_that_does_not_fit_is_refused(bits):
    with pytest.raises(InputError, match=f"^word codes of test: .* 1 to 64, got {bits}$"):
        learn(topics(20), bits=bits)


def test_too_few_words_are_refused():
    values = np.ones((12, 2))
    values[:2] = 0
    with pytest.raises(InputError, match=r"^word vectors test: .* 11 or more words .* 10$"):
        learn(values)


def test_words_that_no_text_has_get_no_code():
    """So that what is written can be read again: GloVe has words with spaces."""
    values = vectors_of(topics(60))
    words = {("a b" if row == 3 else "a\tb" if row == 9 else word): row for word, row in values.words.items()}
    spaced = binarise(replace(values, words=words), epochs=1)
    plain = binarise(values, epochs=1)
    kept = [row for row in range(60) if row not in (3, 9)]
    assert list(spaced.words) == [f"w{row}" for row in kept]
    np.testing.assert_array_equal(spaced.codes, plain.codes[kept])
