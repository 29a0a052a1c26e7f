"""The law of equal spikes, trainer's part: our kernels are SLAYER's, and the chip's integers are SLAYER's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snnlp_lava.encode.calibration import FIXED_ONE, Calibration
from snnlp_lava.encode.saf import SafEncoder, saf_spikes
from snnlp_lava.train.methods.base import NeuronOptions
from snnlp_lava.train.methods.snn import SnnRateCounts


def classifier(sizes, seed, *, gain=4.0, **options):
    """A classifier with random weights that make every layer fire."""
    torch.manual_seed(seed)
    encoder = SafEncoder(Calibration("paper", np.ones(sizes[0]), np.zeros(sizes[0])))
    model = SnnRateCounts(**options).untrained(sizes, encoder).eval()
    with torch.no_grad():
        for block in model.blocks:
            block.synapse.weight.mul_(gain)
    return model


@given(
    seed=st.integers(0, 1000),
    sizes=st.lists(st.integers(1, 40), min_size=2, max_size=4).map(tuple),
    window=st.integers(1, 40),
    density=st.floats(0, 1),
    scale=st.sampled_from([1.0, 2.5, 8.0]),
    neuron=st.builds(
        NeuronOptions,
        threshold=st.sampled_from([0.5, 1.25]),
        current_decay=st.floats(0.01, 1),
        voltage_decay=st.floats(0, 1),
    ),
)
@settings(max_examples=40, deadline=None)
def test_kernel_spikes_are_slayers_bit_for_bit(seed, sizes, window, density, scale, neuron):
    model = classifier(sizes, seed, window=window, threshold_scale=scale, neuron=neuron)
    spikes = torch.from_numpy((np.random.default_rng(seed).random((3, window, sizes[0])) < density).astype(np.float32))
    with torch.no_grad():
        for ours, theirs in zip(model(spikes), model.slayer_trains(spikes), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("seed", range(4))
def test_kernel_gradients_are_slayers(seed):
    sizes = (30, 20, 12, 4)
    model = classifier(sizes, seed, window=24)
    spikes = torch.from_numpy((np.random.default_rng(seed).random((5, 24, 30)) < 0.3).astype(np.float32))
    weights = [block.synapse.weight for block in model.blocks]
    mix = torch.randn(5, 24, 4)
    ours = torch.autograd.grad((model(spikes)[-1] * mix).sum(), weights)
    theirs = torch.autograd.grad((model.slayer_trains(spikes)[-1] * mix).sum(), weights)
    for own, their in zip(ours, theirs, strict=True):
        assert their.abs().max() > 0
        torch.testing.assert_close(own, their, rtol=1e-5, atol=1e-5 * float(their.abs().max()))


@given(seed=st.integers(0, 1000), window=st.integers(1, 64), gain=st.sampled_from([0.5, 1.0, 3.0]))
@settings(max_examples=25, deadline=None)
def test_exported_integers_give_slayers_spikes(seed, window, gain):
    model = classifier((48, 32, 16, 5), seed, gain=gain, window=window)
    values = np.random.default_rng(seed).integers(0, FIXED_ONE + 1, (4, 48), dtype=np.int32)
    current = saf_spikes(values, window)
    with torch.no_grad():
        trains = model(torch.from_numpy(current).float())
        logits = model.logits(values)
    for layer, train in zip(model.to_network().layers, trains, strict=True):
        run = layer.run(current)
        assert run.wraps.sum() == run.clips.sum() == 0
        np.testing.assert_array_equal(run.spikes, train.numpy())
        current = run.spikes
    np.testing.assert_array_equal(current.sum(axis=1), np.rint(logits.numpy() * model.temperature))


def test_dropout_is_off_in_eval_and_on_in_training():
    model = classifier((20, 30, 3), 0, window=16, dropout=0.5)
    spikes = torch.ones(2, 16, 20)
    with torch.no_grad():
        whole = model(spikes)[0].transpose(1, 2)
        assert torch.equal(whole, model(spikes)[0].transpose(1, 2))
        model.train()
        dropped = model(spikes)[0].transpose(1, 2)
    fires = whole.sum(dim=2) > 0
    silenced = fires & (dropped.sum(dim=2) == 0)
    assert 0.2 < silenced.sum() / fires.sum() < 0.8
    # A neuron is dropped for the whole window; the others' spikes are scaled up.
    assert torch.equal(dropped[fires & ~silenced], whole[fires & ~silenced] * 2)
