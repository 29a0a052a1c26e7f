import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from snnlp_lava.embed import binarise as module
from snnlp_lava.embed.binarise import code_quality, spearman
from snnlp_lava.embed.word_codes import codes_of

VALUES = arrays("f8", 12, elements=st.integers(0, 6).map(float))


@given(VALUES, VALUES)
def test_spearman_is_scipys_and_0_for_a_constant(left, right):
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        assert spearman(left, right) == 0
    else:
        assert spearman(left, right) == pytest.approx(spearmanr(left, right).statistic)


def test_codes_that_say_what_the_vectors_say_lose_nothing(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 64)
    # Of 64 signs the last ones count a little more, so that no two neighbours are equally near.
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (500, 64)).astype(bool)
    quality = code_quality((2.0 * bits - 1) * np.linspace(1, 1.001, 64), codes_of(bits), 64, 0)
    assert quality["spearman_random"] > 0.99
    assert quality["spearman_near"] > 0.99
    assert quality["neighbours_kept"] > 0.8  # equally many equal bits: any of these may be the tenth


def test_codes_that_say_nothing_keep_nothing():
    rng = np.random.default_rng(0)
    quality = code_quality(rng.normal(size=(3000, 20)), codes_of(rng.integers(0, 2, (3000, 64)).astype(bool)), 64, 0)
    assert abs(quality["spearman_random"]) < 0.05
    assert abs(quality["spearman_near"]) < 0.05
    assert quality["neighbours_kept"] < 0.02


@given(st.integers(0, 1000), st.integers(1, 40))
def test_neighbours_are_the_nearest_whatever_the_size_of_a_block(seed, block):
    points = np.random.default_rng(seed).normal(size=(30, 4)).astype(np.float32)
    queries = np.random.default_rng(seed).permutation(30)[:7]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        found = module._nearest(lambda rows: points[rows], queries, 30)
    alike = points[queries] @ points.T
    alike[np.arange(7), queries] = -np.inf
    assert [sorted(row) for row in found.tolist()] == np.sort(np.argsort(-alike, axis=1)[:, :10], axis=1).tolist()


def test_lengths_of_vectors_and_inverted_bits_do_not_matter():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 8))
    bits = rng.integers(0, 2, (200, 16)).astype(bool)
    lengths = 2.0 ** rng.integers(-3, 4, (200, 1))
    first = code_quality(vectors, codes_of(bits), 16, 0)
    assert code_quality(vectors * lengths, codes_of(bits ^ (np.arange(16) % 3 == 0)), 16, 0) == pytest.approx(first)


def test_equal_vectors_are_no_reason_to_fail():
    quality = code_quality(np.ones((11, 2)), np.zeros(11, np.uint64), 64, 0)
    assert quality == {"spearman_random": 0, "spearman_near": 0, "neighbours_kept": 1}
