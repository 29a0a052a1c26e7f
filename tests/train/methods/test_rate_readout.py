"""The read-outs by spikes: the class that spikes is the one with most evidence in plain integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.mapping import map_network
from snnlp_lava.network.network import Network
from snnlp_lava.train.methods.rate.readout import class_pairs, compile_pairs, compile_rise

CURRENT_UNIT = 4096


def through(compiled, spikes):
    """Spike trains of the encoder's lines (n, window, lines) through the layers; every layer's spikes."""
    samples, window, _ = spikes.shape
    steps = len(compiled.schedule)
    whole = np.zeros((samples, steps, compiled.layers[0].weight.shape[1]), dtype=np.uint8)
    whole[:, :window, : spikes.shape[2]] = spikes
    whole[:, :, spikes.shape[2] :] = compiled.schedule
    return [whole, *(run.spikes for run in Network(compiled.layers).run(whole))]


@pytest.mark.parametrize("classes", range(2, 19))
def test_every_class_meets_every_other_once(classes):
    pairs = class_pairs(classes)
    met = {frozenset(pair) for pair in pairs}
    assert len(met) == classes * (classes - 1) // 2
    assert len(pairs) == (2 if classes == 2 else len(met))
    wins = np.bincount([first for first, _ in pairs], minlength=classes)
    assert wins.max() - wins.min() <= 1


@given(st.integers(2, 9), st.integers(2, 8), st.integers(1, 5), st.integers(0, 1000))
def test_pairs_answer_as_plain_integers_do(classes, levels, window, seed):
    rng = np.random.default_rng(seed)
    hidden, lines, lift = 12, 20, 64
    weight, bias = 2 * rng.integers(-40, 41, (hidden, lines)), 2 * rng.integers(-20, 21, hidden)
    out_weight, out_bias = rng.normal(size=(classes, hidden)), rng.normal(size=classes)
    spikes = (rng.random((40, window, lines)) < 0.4).astype(np.uint8)
    compiled_codes = np.clip((spikes.sum(axis=1, dtype=np.int64) @ weight.T + bias) // lift, 0, levels)
    compiled = compile_pairs(weight, bias, out_weight, out_bias, compiled_codes, steps=window, levels=levels, lift=lift)
    trains = through(compiled, spikes)
    steps = len(compiled.schedule)
    # In plain integers: a hidden spike at step t counts steps - t, times its weights to the pair neurons.
    hidden_spikes = trains[1][:, :, :hidden].astype(np.int64)
    counted = (hidden_spikes * (steps - np.arange(steps))[None, :, None]).sum(axis=1)
    pair_layer = compiled.layers[1]
    pairs = class_pairs(classes)
    relays = pair_layer.weight[:, hidden:].sum(axis=1) - (pair_layer.neuron.threshold + 1)
    held = counted @ pair_layer.weight[:, :hidden].T + relays
    np.testing.assert_array_equal(trains[1][:, :, hidden:].sum(axis=1), 1)
    np.testing.assert_array_equal(trains[1][:, -1, hidden:], 1)
    quiet = ~trains[2][:, :-1].any(axis=(1, 2))  # no pair crossed before the last step
    far = (np.abs(held) > 8).all(axis=1)  # what is kept of a current loses below one unit a step
    sure = quiet & far
    np.testing.assert_array_equal(trains[2][sure, -1], held[sure] >= 0)
    beats = np.zeros((len(held), classes, classes), dtype=bool)
    for index, (first, second) in enumerate(pairs):
        beats[:, first, second] = held[:, index] >= 0
        if classes > 2:
            beats[:, second, first] = held[:, index] < 0
    winner = beats.sum(axis=2) == classes - 1
    np.testing.assert_array_equal(trains[-1][sure, -1].astype(bool), winner[sure])
    assert (winner[sure].sum(axis=1) == 1).all()  # pairs made of classes never contradict each other


@pytest.mark.parametrize("classes", [2, 6, 18])
@pytest.mark.parametrize("chip", ["loihi1", "loihi2"])
def test_both_chips_take_it(classes, chip):
    rng = np.random.default_rng(0)
    weight, bias = 2 * rng.integers(-40, 41, (30, 60)), 2 * rng.integers(-20, 21, 30)
    codes = rng.integers(0, 5, (50, 30))
    compiled = compile_pairs(
        weight, bias, rng.normal(size=(classes, 30)), rng.normal(size=classes), codes, steps=4, levels=5, lift=64
    )
    assert not map_network(Network(compiled.layers), CHIPS[chip], 8).violations


@given(st.integers(3, 40), st.integers(1, 4), st.integers(2, 20), st.integers(0, 1000))
def test_a_rise_is_a_falling_level(classes, window, tests, seed):
    rng = np.random.default_rng(seed)
    weight, bias = 2 * rng.integers(-60, 61, (classes, 30)), 2 * rng.integers(-30, 31, classes)
    spikes = (rng.random((60, window, 30)) < 0.3).astype(np.uint8)
    evidence = spikes.sum(axis=1, dtype=np.int64) @ weight.T + bias
    labels = rng.integers(classes, size=60)
    compiled = compile_rise(weight, bias, evidence, labels, steps=window, tests=tests)
    (layer,) = compiled.layers
    out = through(compiled, spikes)[-1]
    assert out.shape[1] == window + tests - 1
    step = int(layer.neuron.bias[0])
    level = layer.neuron.threshold - window * step
    never_early = ~out[:, : window - 1].any(axis=(1, 2))
    for test in range(tests):
        crossed = out[:, : window + test].any(axis=1)
        np.testing.assert_array_equal(crossed[never_early], (evidence > level - test * step)[never_early])
