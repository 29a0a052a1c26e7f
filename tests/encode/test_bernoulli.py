"""Random rates: exact probabilities, and trains that depend on sample and seed alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.encode.bernoulli import BernoulliEncoder, bernoulli_spikes, seeded_bernoulli_spikes
from snnlp_lava.encode.calibration import FIXED_ONE, Calibration
from strategies import SEEDS


def plain(seed=0, reference=False, dimension=5):
    return BernoulliEncoder(Calibration("range", np.ones(dimension), np.zeros(dimension)), seed, reference)


@given(SEEDS, st.integers(1, 50))
def test_0_never_spikes_and_1_always_does(seed, window):
    values = np.array([[0, FIXED_ONE, 0, FIXED_ONE]])
    for spikes in (
        bernoulli_spikes(values, window, np.random.default_rng(seed)),
        seeded_bernoulli_spikes(values, window, seed),
    ):
        assert spikes.shape == (1, window, 4)
        assert spikes.sum(axis=1).tolist() == [[0, window, 0, window]]


def test_every_16_bit_number_below_the_value_is_a_spike_and_no_other():
    class AllNumbers:
        def integers(self, low, high, shape, dtype):
            assert (low, high, shape, dtype) == (0, FIXED_ONE, (3, FIXED_ONE, 1), np.uint16)
            return np.broadcast_to(np.arange(FIXED_ONE, dtype=np.uint16)[None, :, None], shape)

    values = np.array([[1], [12345], [FIXED_ONE - 1]])
    assert bernoulli_spikes(values, FIXED_ONE, AllNumbers()).sum(axis=1).ravel().tolist() == [1, 12345, FIXED_ONE - 1]


def test_rates_are_binomial():
    values = np.repeat(np.array([[FIXED_ONE // 10, FIXED_ONE // 2, 9 * FIXED_ONE // 10]]), 2000, axis=0)
    counts = bernoulli_spikes(values, 50, np.random.default_rng(1)).sum(axis=1)
    p = np.array([0.1, 0.5, 0.9])
    assert (np.abs(counts.mean(axis=0) - 50 * p) < 4 * np.sqrt(50 * p * (1 - p) / 2000)).all()
    np.testing.assert_allclose(counts.var(axis=0), 50 * p * (1 - p), rtol=0.15)


@given(SEEDS, st.permutations(range(6)), st.integers(1, 40))
def test_a_samples_train_is_the_same_in_every_order_and_batch(seed, order, window):
    values = np.random.default_rng(seed).integers(0, FIXED_ONE + 1, (6, 5), dtype=np.int32)
    whole = seeded_bernoulli_spikes(values, window, seed)
    np.testing.assert_array_equal(seeded_bernoulli_spikes(values[order], window, seed), whole[order])
    for row in range(6):
        np.testing.assert_array_equal(seeded_bernoulli_spikes(values[row : row + 1], window, seed)[0], whole[row])


def test_seeds_samples_and_steps_have_trains_of_their_own():
    values = np.full((2, 400), FIXED_ONE // 2, dtype=np.int32)
    values[1, 0] += 1
    trains = [seeded_bernoulli_spikes(values, 8, seed) for seed in (1, 2)]
    differ = [trains[0][0] != trains[1][0], trains[0][0] != trains[0][1], trains[0][0, 1:] != trains[0][0, :-1]]
    for one in differ:
        assert 0.45 < one.mean() < 0.55


def test_training_draws_anew_and_the_reference_does_not():
    vectors = np.random.default_rng(0).random((3, 5))
    encoder = plain()
    inputs = encoder.quantise(vectors, 20)
    drawn = [encoder.encode(inputs, 20, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    frozen = plain(reference=True)
    inputs = frozen.quantise(vectors, 20)
    np.testing.assert_array_equal(frozen.encode(inputs, 20, np.random.default_rng(1)), frozen.encode(inputs, 20))


def test_the_reference_spikes_with_the_reversed_probability():
    vectors = np.array([[-1.0, 0.0, 0.25, 1.0, 2.0]])
    assert plain().quantise(vectors, 9).tolist() == [[0, 0, FIXED_ONE // 4, FIXED_ONE, FIXED_ONE]]
    assert plain(reference=True).quantise(vectors, 9).tolist() == [[FIXED_ONE, FIXED_ONE, 3 * FIXED_ONE // 4, 0, 0]]
