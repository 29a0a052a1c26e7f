"""Read-outs by spikes alone: from trained weights to the chip's layers, and when their extra input lines spike.

Two read-outs, both ordinary dense CUBA layers:

pairs (few classes)
    A neuron for each pair of classes (a, b) holds e_a - e_b, the difference of their evidence, and is tested once, at
    the last step. The last layer spikes for the class that wins all its pairs: one spike a text, no level to choose.
rise (many classes)
    A constant bias lifts all output neurons together after the input; the first that crosses has most evidence.

A hidden layer in front is read by a ramp. Its neurons hold s = W n + b of n input spikes and spike at s >= theta. After
the input, ramp lines lift all of them by theta / levels a step, so that who holds more spikes earlier, once, and the
next layer, whose current does not decay, counts a spike at step t as P - t: a ReLU of `levels` levels for one spike.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.neuron import Neuron

_LARGEST = limits.WEIGHT_MAX
_EARLY = 0.999
"""Part of the training texts whose pair neurons stay below the threshold until the last step."""
_EVIDENCE = 1500
"""Integer that the `_EARLY` quantile of the evidence is scaled to."""
_RELAYS = 8
"""Relay neurons: together they bring an evidence of 2,032, enough for `_EVIDENCE` and most offsets of a pair."""
_RISE_QUANTILES = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0), (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Quantiles of the winner's evidence to try as the first and the last level of a rise."""


@dataclass(frozen=True)
class Compiled:
    """A network, and the input lines that it has beside the encoder's.

    Attributes
    ----------
    layers
        The layers; the input lines are the encoder's, then the scheduled ones.
    schedule
        (steps, scheduled lines) uint8: when these spike, the same for every text.
    line_names
        What each scheduled line is for: ``bias`` or ``ramp``.
    """

    layers: tuple[Dense, ...]
    schedule: np.ndarray
    line_names: tuple[str, ...]


def class_pairs(classes: int) -> list[tuple[int, int]]:
    """Each pair of classes once, oriented so that every class comes first in about half of its pairs.

    Of two classes both orientations, so that one of two neurons spikes.
    """
    if classes == 2:
        return [(0, 1), (1, 0)]
    half = range(1, classes // 2 + 1)
    return [(a, (a + k) % classes) for a in range(classes) for k in half if 2 * k < classes or a < classes // 2]


def compile_pairs(
    weight: np.ndarray,
    bias: np.ndarray,
    out_weight: np.ndarray,
    out_bias: np.ndarray,
    codes: np.ndarray,
    *,
    steps: int,
    levels: int,
    lift: int,
) -> Compiled:
    """A hidden layer read by a ramp, pair neurons, and the class that wins all its pairs.

    Parameters
    ----------
    weight, bias
        (hidden, lines) and (hidden,) even integers.
    out_weight, out_bias
        (classes, hidden) and (classes,) floats of any scale: evidence of a class = out_weight m + out_bias, m being the
        hidden neurons' levels.
    codes
        (n, hidden) levels m of the training texts, by which the scale of the evidence is chosen.
    steps
        Steps of input.
    levels
        Levels of a hidden neuron, 2 or more; the ramp takes levels - 1 steps.
    lift
        Integer of one level; the threshold is levels x lift.

    Raises
    ------
    InputError
        If a value is out of the chip's range.
    """
    if levels < 2:
        raise InputError(f"levels must be an integer >= 2, got {levels}")
    pairs = class_pairs(len(out_weight))
    first, second = np.array(pairs).T
    pair_weight, pair_bias, top = _scaled_pairs(out_weight, out_bias, codes, first, second)
    relays = max(_RELAYS, -(-int(top + pair_bias.max()) // _LARGEST))
    hidden, schedule, names = _ramp_layer(weight, bias, steps=steps, levels=levels, lift=lift, relays=relays)
    whole = np.concatenate([pair_weight, np.array([_in_even_parts(top + own, relays) for own in pair_bias])], axis=1)
    # Tested at the last step alone: there the relays bring `top`, so that a pair spikes iff its evidence is >= 0.
    layers: list[Dense] = [hidden, Dense(whole, Neuron(np.zeros(len(pairs), dtype=np.int64), 1, 0, top - 1))]
    if len(out_weight) > 2:
        layers.append(_tournament(len(out_weight), first, second))
    return Compiled(tuple(layers), schedule, names)


def compile_rise(
    weight: np.ndarray, bias: np.ndarray, evidence: np.ndarray, labels: np.ndarray, *, steps: int, tests: int
) -> Compiled:
    """Output neurons that a constant bias lifts together after the input; the first that spikes wins.

    With threshold l + steps b the test at step steps - 1 + j asks for evidence > l - j b.

    Parameters
    ----------
    weight, bias
        (classes, lines) and (classes,) even integers; the bias comes by a line of its own at the first step.
    evidence, labels
        (n, classes) integers and (n,) classes of the validation texts, by which first level and rise are chosen.
    steps
        Steps of input.
    tests
        Levels that are tried, a step each.

    Raises
    ------
    InputError
        If a value is out of the chip's range.
    """
    winner = evidence.max(axis=1)
    candidates = []
    for high in np.quantile(winner, _RISE_QUANTILES[0]):
        below = 2 * winner.min() - np.median(winner)  # for few validation texts: later ones may have less evidence
        for low in (*np.quantile(winner, _RISE_QUANTILES[1]), below):
            step = max(1, int((high - low) / max(1, tests - 1)))
            test = np.maximum(-(-(int(high) + 1 - evidence) // step), 0)  # the first that each class passes
            right = (test.min(axis=1) < tests) & (test.argmin(axis=1) == labels)
            candidates.append((float(right.mean()), step, int(high)))
    _, step, level = max(candidates)
    whole = np.concatenate([weight, bias[:, None]], axis=1)
    schedule = np.zeros((steps + tests - 1, 1), dtype=np.uint8)
    schedule[0] = 1
    lift = np.full(len(weight), step, dtype=np.int64)
    layer = Dense(whole, Neuron(lift, limits.DECAY_UNITY, 0, max(1, level + steps * step)))
    return Compiled((layer,), schedule, ("bias",))


def _scaled_pairs(
    weight: np.ndarray, bias: np.ndarray, codes: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Even weights (pairs, hidden) and offsets (pairs,) of the pair neurons, and what their evidence rarely reaches.

    Rounded once a class, so that pairs never contradict each other; a tie goes to the lower class.
    """
    differences = weight[first] - weight[second]
    reached = codes @ differences.T + (bias[first] - bias[second])
    scale = min(
        _LARGEST / max(float(np.abs(differences).max()), 1e-12),
        _EVIDENCE / max(float(np.quantile(reached.max(axis=1), _EARLY)), 1e-12),
    )
    whole, offset = (2 * np.rint(part * scale / 2).astype(np.int64) for part in (weight, bias))
    pair_weight = np.clip(whole[first] - whole[second], -_LARGEST, _LARGEST)
    pair_offset = offset[first] - offset[second] - 2 * (second < first)
    top = int(np.quantile((codes @ pair_weight.T + pair_offset).max(axis=1), _EARLY))
    return pair_weight, pair_offset, max(2 * (top // 2) + 2, 2 - 2 * (int(pair_offset.min()) // 2))


def _ramp_layer(
    weight: np.ndarray, bias: np.ndarray, *, steps: int, levels: int, lift: int, relays: int
) -> tuple[Dense, np.ndarray, tuple[str, ...]]:
    """The hidden neurons, and relay neurons that have no input but the ramp and cross at its last step.

    Returns the layer, the schedule and the names of its lines.
    """
    threshold = levels * lift
    relay = 2 * -(-threshold // (2 * (levels - 1)))  # (levels - 1) relay >= threshold > (levels - 2) relay
    ramp_lines = -(-max(lift, relay) // _LARGEST)
    hidden, lines = weight.shape
    whole = np.zeros((hidden + relays, lines + 1 + ramp_lines), dtype=np.int64)
    whole[:hidden, :lines], whole[:hidden, lines] = weight, bias
    whole[:hidden, lines + 1 :] = _in_even_parts(lift, ramp_lines)
    whole[hidden:, lines + 1 :] = _in_even_parts(relay, ramp_lines)
    schedule = np.zeros((steps + levels - 1, 1 + ramp_lines), dtype=np.uint8)
    schedule[0, 0] = 1
    schedule[steps:, 1:] = 1
    layer = Dense(whole, Neuron(np.zeros(len(whole), dtype=np.int64), limits.DECAY_UNITY, 0, threshold - 1))
    return layer, schedule, ("bias", *["ramp"] * ramp_lines)


def _tournament(classes: int, first: np.ndarray, second: np.ndarray) -> Dense:
    """Neurons without memory, each of which spikes iff its class wins all its pairs at that step."""
    wins = np.bincount(first, minlength=classes)
    share = lcm(*map(int, wins))
    if 2 * share > _LARGEST:
        raise InputError(f"{classes} classes are too many to be read by pairs; read them by a rise")
    weight = np.zeros((classes, len(first)), dtype=np.int64)
    pairs = np.arange(len(first))
    weight[first, pairs] = 2 * share // wins[first]
    weight[second, pairs] = -2 * share
    zeros = np.zeros(classes, dtype=np.int64)
    # The chips store a voltage decay of 4095 at most; what that leaves of v is below one unit of the threshold.
    return Dense(weight, Neuron(zeros, limits.DECAY_UNITY, limits.DECAY_UNITY - 1, 2 * share - 1))


def _in_even_parts(total: int, parts: int) -> np.ndarray:
    """An even integer as a sum of even integers that differ by 2 at most."""
    whole, rest = divmod(int(total) // 2, parts)
    return 2 * (whole + (np.arange(parts) < rest))
