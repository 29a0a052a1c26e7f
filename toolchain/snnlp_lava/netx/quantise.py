"""From a layer of floats to the chip's integers, and what is lost on the way.

The scale s of a layer turns floats into the chip's units: weight = w s, bias = b s, threshold = theta s. It may be any
number above 0, because a neuron that sums, decays and is reset to 0 spikes the same at every scale; a row of weights
with a threshold of its own is brought to the layer's first by the same law. Floats that are integers already, at the
scale 64 of SLAYER or at 1, keep those. For all others s is the largest at which every weight and bias can be stored
and the threshold is a whole number; then the threshold is kept exactly, and weights and biases are rounded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits

SCALE = 1 << limits.STATE_SHIFT
"""The scale of SLAYER, and of the NIR files written here."""
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """A layer of CUBA neurons on floats, per time step; of a convolution, a row for each output channel.

    u = (1 - current_decay/4096) u + W s; v = (1 - voltage_decay/4096) v + u + bias; spike and v = 0 iff v > threshold.

    Attributes
    ----------
    weight
        (out, in) float64; those of the layer's own neurons behind those from outside.
    bias, threshold
        (out,) float64.
    current_decay, voltage_decay
        (out,) float64, in units of 1/4096.
    """

    weight: np.ndarray
    bias: np.ndarray
    current_decay: np.ndarray
    voltage_decay: np.ndarray
    threshold: np.ndarray


@dataclass(frozen=True)
class QuantisationReport:
    """What a layer's quantisation changed.

    Attributes
    ----------
    scale
        The chip's units in 1.0.
    weight_error
        The largest error of a weight, in the floats' units.
    relative_weight_error
        The same, as a share of the largest weight.
    n_zeroed
        Weights that were not 0 and are now.
    weights
        Weights in all.
    bias_error
        The largest error of a bias, as a share of the threshold.
    current_decay_error, voltage_decay_error
        Stored minus wanted, in units of 1/4096, where it is largest.
    """

    scale: float
    weight_error: float
    relative_weight_error: float
    n_zeroed: int
    weights: int
    bias_error: float
    current_decay_error: float
    voltage_decay_error: float


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A layer of floats in the chip's integers.

    Attributes
    ----------
    weight, bias
        (out, in) and (out,), integers as float64.
    current_decay, voltage_decay, threshold
        Of `snnlp_lava.network.neuron.Neuron`.
    """

    weight: np.ndarray
    bias: np.ndarray
    current_decay: int
    voltage_decay: int
    threshold: int


def quantise(number: int, floats: FloatLayer) -> tuple[IntegerLayer, QuantisationReport]:
    """Quantise layer `number` (from 1).

    Raises
    ------
    InputError
        If its neurons' decays differ, a value cannot be stored, or its weights are too large against its threshold.
    """
    if not (floats.threshold > 0).all():
        raise InputError(f"layer {number}: threshold {floats.threshold.min():g} is not above 0")
    current, voltage = (
        _decay(number, name, getattr(floats, name.replace(" ", "_"))) for name in ("current decay", "voltage decay")
    )
    threshold = float(floats.threshold[0])
    weight = floats.weight * (threshold / floats.threshold)[:, None]
    bias = floats.bias * (threshold / floats.threshold)
    scale = _scale(number, weight, bias, threshold)
    stored, stored_bias = _rounded(weight * scale), np.rint(bias * scale)
    if weight.any() and not stored.any():
        raise InputError(
            f"layer {number}: all its weights would become 0; the largest is {np.abs(weight).max():g}, its threshold "
            f"{threshold:g}"
        )
    layer = IntegerLayer(stored, stored_bias, current, voltage, round(threshold * scale))
    error = float(np.abs(stored / scale - weight).max())
    return layer, QuantisationReport(
        scale=float(scale),
        weight_error=error,
        relative_weight_error=error / float(np.abs(weight).max() or 1),
        n_zeroed=int(np.count_nonzero((stored == 0) & (weight != 0))),
        weights=weight.size,
        bias_error=float(np.abs(stored_bias / scale - bias).max() / threshold),
        current_decay_error=_largest(current - floats.current_decay),
        voltage_decay_error=_largest(voltage - floats.voltage_decay),
    )


def _decay(number: int, name: str, values: np.ndarray) -> int:
    rounded = np.rint(values)
    if (rounded != rounded[0]).any():
        raise InputError(
            f"layer {number}: its neurons' {name}s differ, {values.min():.6g} to {values.max():.6g} of "
            f"{limits.DECAY_UNITY}; the chip's layers have one"
        )
    return int(rounded[0])


def _scale(number: int, weight: np.ndarray, bias: np.ndarray, threshold: float) -> float:
    low, high = float(weight.min()), float(weight.max())
    least, most = (limits.WEIGHT_MIN, limits.WEIGHT_MAX) if low < 0 else (0, limits.WEIGHT_MAX_UNSIGNED)
    bounds = [limits.THRESHOLD_MAX / threshold]
    biases = ((float(bias.min()), limits.BIAS_MIN), (float(bias.max()), limits.BIAS_MAX))
    bounds += [bound / value for value, bound in ((low, least), (high, most), *biases) if value * bound > 0]
    largest = min(bounds)
    for scale in (SCALE, 1):
        if scale <= largest * (1 + _TOLERANCE) and _is_whole(weight, bias, threshold, scale):
            return scale
    whole = math.floor(largest * threshold * (1 + _TOLERANCE))
    if whole < 1:
        raise InputError(
            f"layer {number}: a weight of {high if high > -low else low:.6g} or a bias is too large for the threshold "
            f"{threshold:.6g}; the chip holds {most} times the smallest threshold"
        )
    return whole / threshold


def _is_whole(weight: np.ndarray, bias: np.ndarray, threshold: float, scale: float) -> bool:
    pairs = ((weight * scale, _rounded(weight * scale)), (bias * scale, np.rint(bias * scale)))
    return all(np.allclose(given, whole, rtol=_TOLERANCE, atol=_TOLERANCE) for given, whole in pairs) and math.isclose(
        threshold * scale, max(1, round(threshold * scale)), rel_tol=_TOLERANCE
    )


def _rounded(weight: np.ndarray) -> np.ndarray:
    # A matrix with both signs stores even weights only.
    return np.rint(weight / 2) * 2 if weight.min() < 0 else np.rint(weight)


def _largest(errors: np.ndarray) -> float:
    return float(errors[np.abs(errors).argmax()])
