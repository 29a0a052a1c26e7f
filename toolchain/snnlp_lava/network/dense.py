"""The dense layer: every line has a synapse onto every neuron, with or without delays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.network import Layer, Shape
from snnlp_lava.network.neuron import NeuronModel
from snnlp_lava.network.synapses import DenseSynapses, check_weights

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """A dense layer.

    Attributes
    ----------
    weight
        (neurons, lines) int32. With both signs: even, -256 to 254. Without negative ones: 0 to 255. One at least is
        above 0: of a layer without, NetX makes other weights.
    neuron
        The neurons.
    delay
        Steps by which spikes arrive later, (neurons, lines) int32 from 0 to 62; None if there are none.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    weight: np.ndarray
    neuron: NeuronModel
    delay: np.ndarray | None = None

    kind: ClassVar[str] = "dense"
    fields: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "shape": (0, 1),
        "weight": (1, 2),
        "bias": (1,),
        "delay": (0, 1, 2),
    }

    def __post_init__(self) -> None:
        (group,) = self.synapses()
        object.__setattr__(self, "weight", group.weight)
        object.__setattr__(self, "delay", group.delay)
        check_counts(self.neuron, group)
        check_weights(group)

    @cached_property
    def _synapses(self) -> tuple[DenseSynapses, ...]:
        return (DenseSynapses(self.weight, self.delay),)

    def synapses(self) -> tuple[DenseSynapses, ...]:
        """One group."""
        return self._synapses

    def to_netx(self) -> Mapping[str, Any]:
        """As ``slayer.block.cuba.Dense`` exports itself, and delays as NetX reads them."""
        return dense_fields(self, weight=self.weight) | ({} if self.delay is None else {"delay": self.delay})

    @classmethod
    def from_netx(
        cls, fields: Mapping[str, np.ndarray], neuron: Callable[[np.ndarray], NeuronModel], inputs: Shape | None
    ) -> Self:
        """Inverse of `to_netx`; also of weights and delays with fewer axes, as NetX takes them."""
        weight = weight_matrix(fields, "weight")
        delay = _delay_matrix(fields["delay"], weight.shape) if "delay" in fields else None
        return cls(weight, neuron(bias_of(fields, len(weight))), delay)


def check_counts(neuron: NeuronModel, *groups: DenseSynapses) -> None:
    """Check that every group reaches as many neurons as there are.

    Raises
    ------
    InputError
        If one does not.
    """
    for group in groups:
        if group.neurons != neuron.count:
            raise InputError(f"bias of {neuron.count} neurons, weight of {group.neurons}")


def dense_fields(layer: Layer, **weights: np.ndarray) -> dict[str, Any]:
    """The fields that lava-dl writes of a layer without channels."""
    return {
        "shape": np.array([layer.neurons]),
        "inFeatures": layer.inputs,
        "outFeatures": layer.neurons,
        **{name: weight.astype(np.int16) for name, weight in weights.items()},  # NetX casts to int
    }


def bias_of(fields: Mapping[str, np.ndarray], neurons: int) -> np.ndarray:
    """The biases in a file, 0 where it has none."""
    return fields["bias"] if "bias" in fields else np.zeros(neurons, dtype=np.int32)


def weight_matrix(fields: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Weights as (neurons, lines); a file has one axis where there is one neuron or one line.

    Raises
    ------
    InputError
        If they are missing, do not make a matrix, or are those of more neurons than a chip has.
    """
    if name not in fields:
        raise InputError(f"lacks {name}")
    weight = fields[name]
    if weight.ndim == 1:
        if "shape" not in fields:
            raise InputError(f"has {weight.size} weights in one row, and lacks shape")
        neurons = int(fields["shape"].prod())
        if neurons < 1 or weight.size % neurons:
            raise InputError(f"has {weight.size} weights for {neurons} neurons")
        weight = weight.reshape(neurons, -1)
    if max(weight.shape) > limits.MAX_NEURONS:
        raise InputError(f"has weights of shape {weight.shape}; {limits.MAX_NEURONS} neurons are the most")
    return weight


def _delay_matrix(delay: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    # One axis is one delay a neuron if there are as many, else one a line (lava.lib.dl.netx.hdf5).
    neurons, lines = shape
    if delay.ndim == 1 and len(delay) == neurons:
        delay = delay[:, None]
    elif delay.ndim == 1 and len(delay) != lines:
        raise InputError(f"has {len(delay)} delays for {neurons} neurons and {lines} lines")
    elif delay.ndim == 2 and delay.shape != shape:
        raise InputError(f"has delays of shape {delay.shape} for weights of shape {shape}")
    return np.broadcast_to(delay, shape)
