"""Sparse codes: what they stand for, what a spike may cost, and when the empty code is right."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.train.methods.spike_embedding.codebook import _pursuit, fit_codebook


def cost(vectors, rate, codes, weight, price):
    distance = ((vectors - codes @ weight) ** 2).sum(axis=1)
    return float(rate @ (distance + price * codes.sum(axis=1)))


@given(seed=st.integers(0, 1000), price=st.sampled_from([0.01, 0.3, 2.0]))
def test_one_line_is_chosen_exactly_where_it_pays(seed, price):
    """With one line the pursuit is the whole search: both codes are tried here."""
    rng = np.random.default_rng(seed)
    vectors, weight = rng.normal(size=(20, 3)).astype(np.float32), rng.normal(size=(1, 3)).astype(np.float32)
    pays = ((vectors - weight) ** 2).sum(axis=1) + price < (vectors**2).sum(axis=1)
    np.testing.assert_array_equal(_pursuit(vectors, weight, price)[:, 0], pays)


def test_vectors_made_of_few_weights_are_found_again():
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(4, 6)).astype(np.float32)
    codes = np.array(list(itertools.product([0, 1], repeat=4)))[rng.integers(0, 16, 400)]
    vectors = (codes @ weight).astype(np.float32)
    rate = np.ones(400)
    book = fit_codebook(vectors, rate, 16, 1e-4, seed=1)
    assert cost(vectors, rate, book.codes, book.weight, 1e-4) < 0.02 * (vectors**2).sum()


def test_a_dearer_spike_is_a_rarer_one_and_the_dearest_never_comes():
    rng = np.random.default_rng(0)
    vectors, rate = rng.normal(size=(300, 4)).astype(np.float32), rng.random(300)
    spikes = [float(rate @ fit_codebook(vectors, rate, 8, price, 0).codes.sum(axis=1)) for price in (0.01, 0.5, 3, 1e4)]
    assert spikes == sorted(spikes, reverse=True)
    assert spikes[0] > 2 * spikes[2] > 0
    assert spikes[3] == 0


def test_what_is_presented_often_is_coded_best():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 6)).astype(np.float32)
    rate = np.where(np.arange(200) < 20, 100.0, 0.01)
    book = fit_codebook(vectors, rate, 12, 0.01, 0)
    distance = ((vectors - book.codes @ book.weight) ** 2).sum(axis=1)
    assert distance[:20].mean() < 0.5 * distance[20:].mean()


def test_same_seed_same_codes():
    rng = np.random.default_rng(0)
    vectors, rate = rng.normal(size=(100, 4)).astype(np.float32), rng.random(100)
    one, two = (fit_codebook(vectors, rate, 8, 0.1, seed) for seed in (3, 3))
    np.testing.assert_array_equal(one.codes, two.codes)
    np.testing.assert_array_equal(one.weight, two.weight)
    assert (fit_codebook(vectors, rate, 8, 0.1, 4).weight != one.weight).any()


@pytest.mark.parametrize("lines", [1, 3])
def test_fewer_lines_than_spikes_are_no_trouble(lines):
    vectors = np.array([[5, 0], [0, 5], [5, 5]], dtype=np.float32)
    assert fit_codebook(vectors, np.ones(3), lines, 0.01, 0).codes.shape == (3, lines)
