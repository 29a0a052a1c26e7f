import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.reference import run_reference
from strategies import SEEDS, dense, layers


@st.composite
def runs(draw):
    """A layer and the spikes of one to three samples: silent, sparse, dense or saturated."""
    neurons, inputs = draw(st.integers(1, 12)), draw(st.integers(1, 12) | st.just(64))
    samples, steps = draw(st.integers(1, 3)), draw(st.integers(1, 40))
    rates = draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=samples, max_size=samples))
    random = np.random.default_rng(draw(SEEDS)).random((samples, steps, inputs))
    return draw(layers(neurons, inputs)), (random < np.reshape(rates, (-1, 1, 1))).astype(np.uint8)


def lava_model_spikes(layer, drive):
    """Spikes of Lava's own fixed-point LIF model for the sums (steps, neurons) that arrive."""
    from lava.proc.lif.models import PyLifModelBitAcc

    model = PyLifModelBitAcc({})
    model.u, model.v = np.zeros((2, layer.neurons), dtype=np.int32)
    model.du, model.dv, model.vth = layer.neuron.current_decay - 1, layer.neuron.voltage_decay, layer.neuron.threshold
    model.bias_mant, model.bias_exp = layer.neuron.bias, np.full(layer.neurons, 6)
    model.scale_bias()
    model.scale_threshold()
    spikes = []
    for sums in drive:
        model.subthr_dynamics(sums.astype(np.int32))
        spikes.append(model.spiking_activation())
        model.reset_voltage(spikes[-1])
    return np.array(spikes)


@settings(max_examples=60)
@given(runs())
def test_layer_equals_the_equations_with_wraps_and_clips(run):
    layer, spikes = run
    result = layer.run(spikes)
    for sample, arriving in enumerate(spikes.tolist()):
        expected, *counts, _ = run_reference(layer, arriving)
        np.testing.assert_array_equal(result.spikes[sample], expected)
        assert [result.wraps[sample], result.clips[sample], result.active[sample]] == counts


@settings(max_examples=40)
@given(runs())
def test_layer_equals_lavas_fixed_point_model(run):
    layer, spikes = run
    result = layer.run(spikes)
    for sample, arriving in enumerate(spikes.astype(np.int64)):
        np.testing.assert_array_equal(result.spikes[sample], lava_model_spikes(layer, arriving @ layer.weight.T))


def test_saturated_layer_wraps_and_clips_as_the_equations_do():
    sign = np.where(np.arange(64) % 2, -1, 1)[:4, None]
    layer = dense(254 * sign * np.ones((4, 64), int), [4095, -4096, -4096, 4095], 1, 0, (1 << 17) - 1)
    spikes = np.ones((1, 40, 64), dtype=np.uint8)
    result = layer.run(spikes)
    expected, wraps, clips, _, _ = run_reference(layer, spikes[0].tolist())
    assert (wraps, clips) == (result.wraps[0], result.clips[0])
    assert wraps > 4 and clips > 4
    np.testing.assert_array_equal(result.spikes[0], expected)
    # Without the 24-bit registers the neuron would spike otherwise: the test sees the difference.
    total = np.cumsum(np.full(40, 64 * 254 * 64))
    assert not np.array_equal(result.spikes[0, :, 0], np.cumsum(total + 4095 * 64) > 0)


@pytest.mark.parametrize("sums", [1 << 17, (1 << 17) - 1, (1 << 17) + 1, 3 << 17, (3 << 17) + 1, 1 << 20])
@pytest.mark.parametrize("sign", [1, -1])
def test_ends_of_the_24_bit_current_are_lavas(sums, sign):
    whole, rest = divmod(sums, 128)
    layer = dense([[*[sign * 128] * whole, sign * 2, -sign * 2]] * 2, [0, -4096], 4096, 4096, 100)
    spikes = np.ones((1, 3, whole + 2), dtype=np.uint8)
    spikes[:, :, whole:] = (rest == 1, rest == 127)
    spikes[0, 1] = 0
    drive = spikes[0].astype(np.int64) @ layer.weight.T
    np.testing.assert_array_equal(layer.run(spikes).spikes[0], lava_model_spikes(layer, drive))
    assert layer.run(spikes).wraps[0] == 4 * (sign * drive[0, 0] > 1 << 17 or drive[0, 0] == -(1 << 17))


@given(runs(), st.data())
def test_a_sample_runs_the_same_alone_as_in_a_batch(run, data):
    layer, spikes = run
    together = layer.run(spikes)
    order = data.draw(st.permutations(range(len(spikes))))
    for sample in order:
        alone = layer.run(spikes[sample : sample + 1])
        for one, all_samples in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[0], all_samples[sample])


@given(st.integers(1, 254))
def test_threshold_itself_is_not_crossed(threshold):
    layer = dense([[threshold], [threshold + 1]], [0, 0], 4096, 4096, threshold)
    assert layer.run(np.ones((1, 1, 1), np.uint8)).spikes.tolist() == [[[0, 1]]]


def test_sums_too_large_for_float32_are_exact():
    rng = np.random.default_rng(1)
    up = 2 * rng.integers(1, 128, 400_000)
    weight = np.stack([np.concatenate([up, -rng.permutation(up), [last]]) for last in (2, 0)])
    layer = dense(weight, [0, 0], 4096, 4096, 1)
    assert layer.run(np.ones((1, 2, weight.shape[1]), np.uint8)).spikes.tolist() == [[[1, 0], [1, 0]]]


@pytest.mark.parametrize("decays", [(1, 1), (40, 7), (500, 3), (1024, 123), (3, 2000)])
def test_decay_rounds_towards_zero_as_many_steps_show(decays):
    rng = np.random.default_rng(sum(decays))
    layer = dense(2 * rng.integers(-8, 9, (24, 16)), rng.integers(-3, 4, 24), *decays, 2)
    spikes = (rng.random((1, 400, 16)) < 0.1).astype(np.uint8)
    expected, *_ = run_reference(layer, spikes[0].tolist())
    np.testing.assert_array_equal(layer.run(spikes).spikes[0], expected)


def test_a_voltage_that_stays_at_the_end_of_its_range_is_not_clipped_again():
    layer = dense([[-256] * 511 + [2]], [0], 4096, 0, 1)
    spikes = np.zeros((1, 6, 512), np.uint8)
    spikes[0, :2, :511] = 1  # v is about -2^23 after the first, clipped to -2^23 + 1 at the second
    assert layer.run(spikes).clips.tolist() == [run_reference(layer, spikes[0].tolist())[2]] == [1]


def test_active_updates_by_hand():
    """u falls from 128 to 0 by halves within 8 steps of the spike, v within one; the second neuron hears nothing."""
    layer = dense([[2, 0], [0, 2]], [0, 0], 2048, 4096, 100)
    spikes = np.zeros((2, 20, 2), np.uint8)
    spikes[0, 3, 0] = 1
    # Active where the spike arrives, then while u = 128, 64, ..., 1 or v, which is u of the step before, is left.
    assert layer.run(spikes).active.tolist() == [1 + 8, 0]
    biased = dense([[2, 0], [0, 2]], [0, 1], 2048, 4096, 100)
    assert biased.run(spikes).active.tolist() == [1 + 8 + 20, 20]
