"""The central type: a feed-forward network of integer CUBA neurons, checked against the chip's ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits


@dataclass(frozen=True, eq=False)
class Layer:
    """One dense layer of CUBA neurons (see `snnlp_lava.network.neuron` for the equations).

    Attributes
    ----------
    weight
        (out, in) int32. With both signs: even, -256 to 254. Without negative ones: 0 to 255. One at
        least is above 0: of a layer without, NetX makes other weights.
    bias
        (out,) int32 mantissa, -4096 to 4095, added to v as bias << 6 at every step.
    current_decay
        1 to 4096: u keeps (4096 - current_decay)/4096 of itself a step.
    voltage_decay
        0 to 4096: v keeps (4096 - voltage_decay)/4096 of itself a step.
    threshold
        1 to 131071: the neuron spikes when v > threshold << 6.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    weight: np.ndarray
    bias: np.ndarray
    current_decay: int
    voltage_decay: int
    threshold: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _integers(self.weight, "weight", 2))
        object.__setattr__(self, "bias", _integers(self.bias, "bias", 1))
        if len(self.bias) != len(self.weight):
            raise InputError(f"bias of {len(self.bias)} neurons, weight of {len(self.weight)}")
        _check_weight(self.weight)
        _check_range("bias", self.bias, limits.BIAS_MIN, limits.BIAS_MAX)
        for name in ("current_decay", "voltage_decay", "threshold"):
            if not isinstance(getattr(self, name), int | np.integer):
                raise InputError(f"{name.replace('_', ' ')} {getattr(self, name)!r} is no whole number")
        _check_range("current decay", self.current_decay, limits.CURRENT_DECAY_MIN, limits.DECAY_UNITY)
        _check_range("voltage decay", self.voltage_decay, 0, limits.DECAY_UNITY)
        _check_range("threshold", self.threshold, 1, limits.THRESHOLD_MAX)

    @property
    def inputs(self) -> int:
        """Number of input lines."""
        return int(self.weight.shape[1])

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return int(self.weight.shape[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layer) and (
            np.array_equal(self.weight, other.weight)
            and np.array_equal(self.bias, other.bias)
            and (self.current_decay, self.voltage_decay, self.threshold)
            == (other.current_decay, other.voltage_decay, other.threshold)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Network:
    """Layers in order; each one's inputs are the neurons before it.

    Raises
    ------
    InputError
        If there is no layer or two do not fit together.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise InputError("the network has no layers")
        for number, (before, after) in enumerate(pairwise(self.layers), start=1):
            if before.neurons != after.inputs:
                raise InputError(
                    f"layer {number} has {before.neurons} neurons, but layer {number + 1} takes {after.inputs}"
                )

    @property
    def inputs(self) -> int:
        """Number of input lines of the first layer."""
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        """Number of neurons of the last layer."""
        return self.layers[-1].neurons

    @property
    def sizes(self) -> tuple[int, ...]:
        """Input lines, then the neurons of each layer."""
        return (self.inputs, *(layer.neurons for layer in self.layers))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """``input``, ``hidden1`` ..., ``output``."""
        return ("input", *(f"hidden{i}" for i in range(1, len(self.layers))), "output")


def _integers(values: Any, name: str, ndim: int) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != ndim or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}; {'(out, in)' if ndim == 2 else '(out,)'} is needed")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.rint(array)).any():
            raise InputError(f"{name} holds values that are not whole numbers")
    elif array.dtype.kind not in "iu":
        raise InputError(f"{name} holds {array.dtype}, not whole numbers")
    largest = np.abs(array.astype(np.float64)).max()
    if largest >= 1 << 31:
        raise InputError(f"{name} {largest:.0f} does not fit into 32 bits")
    array = array.astype(np.int32)
    array.setflags(write=False)
    return array


def _check_weight(weight: np.ndarray) -> None:
    low, high = int(weight.min()), int(weight.max())
    if low == high == 0:
        raise InputError("all weights are 0; NetX cannot load such a layer")
    if low >= 0:
        _check_range("weight", weight, 0, limits.WEIGHT_MAX_UNSIGNED)
        return
    _check_range("weight", weight, limits.WEIGHT_MIN, limits.WEIGHT_MAX)
    if high <= 0:
        raise InputError(f"no weight is above 0 (the largest is {high}); NetX would make other weights of them")
    if (weight & 1).any():
        odd = int(weight[(weight & 1) == 1][0])
        raise InputError(f"weight {odd} is odd; a layer with weights of both signs stores even ones only")


def _check_range(name: str, value: Any, low: int, high: int) -> None:
    values = np.asarray(value)
    outside = (values < low) | (values > high)
    if outside.any():
        raise InputError(f"{name} {int(values[outside].flat[0])} is outside {low} to {high}")


def checked_layer(number: int, **fields: Any) -> Layer:
    """Build layer `number` (from 1), its number put into the error if a value is out of range."""
    try:
        return Layer(**fields)
    except InputError as error:
        raise InputError(f"layer {number}: {error}") from error


def sizes_text(sizes: Sequence[int]) -> str:
    """Sizes as people write them: 384-256-128-6."""
    return "-".join(map(str, sizes))
