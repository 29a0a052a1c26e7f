"""The input layer: neurons that values drive as a bias current, or whose changes they tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.integers import check_integer
from snnlp_lava.network.network import Layer, Shape, shape_field
from snnlp_lava.network.neuron import Neuron, NeuronModel
from snnlp_lava.network.sigma_delta import SigmaDelta

if TYPE_CHECKING:
    from typing_extensions import Self

    from snnlp_lava.network.kernels import LayerRun
    from snnlp_lava.network.synapses import Synapses


@dataclass(frozen=True, eq=False)
class Input(Layer):
    """An input layer with neurons, each fed with one value.

    A value x becomes the integer c = trunc(weight x + bias), see `currents`. CUBA neurons take c as their bias:

        v = clip(sgn(v) (|v| (4096 - dv) >> 12) + (c << 6), +-(2^23 - 1)), and u stays 0;

    delta neurons (`SigmaDelta`) tell how it changes. Source: Input in lava.lib.dl.netx.blocks.process and
    create_input in lava.lib.dl.netx.hdf5 (lava-dl 0.6.0), which leaves the transformation to the user.

    Attributes
    ----------
    shape
        (lines,) or (channels, height, width).
    neuron
        Its neurons, without bias of their own.
    weight, bias
        Of the transformation, 64 and 0 in a file that has none.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    shape: Shape
    neuron: NeuronModel
    weight: int = 64
    bias: int = 0

    kind: ClassVar[str] = "input"
    takes_values: ClassVar[bool] = True
    fields: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "shape": (1,),
        "weight": (0, 1, 2, 3, 4, 5),
        "bias": (0, 1, 2, 3, 4, 5),
    }

    def __post_init__(self) -> None:
        if len(self.shape) not in (1, 3):
            raise InputError(f"input layer of shape {self.shape}; NetX 0.6 connects those of 1 or 3 axes only")
        if math.prod(self.shape) != self.neuron.count:
            raise InputError(f"input layer of shape {self.shape} with {self.neuron.count} neurons")
        if self.neuron.bias.any():
            raise InputError("the neurons of an input layer have no bias beside the values")
        if isinstance(self.neuron, SigmaDelta) and self.neuron.role != "delta":
            raise InputError(f"the neurons of an input layer must be delta ones, got {self.neuron.role}")
        for name in ("weight", "bias"):
            value = check_integer(f"input {name}", getattr(self, name), -(1 << 16), 1 << 16)
            object.__setattr__(self, name, value)

    def synapses(self) -> tuple[Synapses, ...]:
        """None: values drive the neurons themselves."""
        return ()

    @property
    def input_shape(self) -> Shape:
        """Shape of the values."""
        return self.shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the neurons."""
        return self.shape

    def currents(self, values: np.ndarray) -> np.ndarray:
        """What values drive the neurons with: trunc(weight x + bias), as int32 of the same shape.

        Raises
        ------
        InputError
            If one is not finite, or its current does not fit into a bias (13 bits) or a message (16).
        """
        currents = np.trunc(self.weight * np.asarray(values, dtype=np.float64) + self.bias)
        self._check(currents)
        return currents.astype(np.int32)

    def run(self, arriving: np.ndarray) -> LayerRun:
        """Run n independent samples on (n, steps, lines) int32 currents; the neurons' own law is in the class.

        Raises
        ------
        InputError
            As `currents`.
        """
        from snnlp_lava.network.kernels import drive_neurons

        self._check(arriving)
        if isinstance(self.neuron, Neuron):
            return drive_neurons(self.neuron.state_units, arriving)
        return self.neuron.run(arriving)

    def states(self, arrived: np.ndarray, sent: np.ndarray, *, registers: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """As `Layer.states`; (steps, lines) currents arrived."""
        return self._states(arrived, slice(None), registers)

    def trace(self, neuron: int, arrived: np.ndarray, sent: np.ndarray, *, registers: bool = True) -> tuple[int, int]:
        """As `Layer.trace`; (steps, lines) currents arrived."""
        one = slice(neuron, neuron + 1)
        first, second = (int(states[-1, 0]) for states in self._states(arrived[:, one], one, registers))
        return first, second

    def _states(self, currents: np.ndarray, neurons: slice, registers: bool) -> tuple[np.ndarray, np.ndarray]:
        if not isinstance(self.neuron, Neuron):
            return self.neuron.states(currents, neurons)
        # A current c adds c << 6 to v, as does a sum c of weights to a u that keeps nothing.
        driven = replace(self.neuron, current_decay=limits.DECAY_UNITY)
        u, v = driven.states(currents, neurons, registers=registers)
        return np.zeros_like(u), v

    def _check(self, currents: np.ndarray) -> None:
        graded = self.neuron.graded
        low, high = (limits.MESSAGE_MIN, limits.MESSAGE_MAX) if graded else (limits.BIAS_MIN, limits.BIAS_MAX)
        least, most = currents.min(initial=0), currents.max(initial=0)
        if not (least >= low and most <= high):
            wrong = least if least < low else most
            raise InputError(f"an input current (weight x value + bias) is {wrong:g}, outside {low} to {high}")

    def to_netx(self) -> Mapping[str, Any]:
        """As ``slayer.block.cuba.Input`` exports itself."""
        return {"shape": np.array(self.shape), "weight": self.weight, "bias": self.bias}

    @classmethod
    def from_netx(
        cls, fields: Mapping[str, np.ndarray], neuron: Callable[[np.ndarray], NeuronModel], inputs: Shape | None
    ) -> Self:
        """Inverse of `to_netx`; weight and bias may be missing."""
        shape = shape_field(fields)
        if inputs is not None:
            raise InputError("is an input layer behind others, which NetX 0.6 does not connect")
        transform = {name: _one_integer(name, fields[name]) for name in ("weight", "bias") if name in fields}
        return cls(shape, neuron(np.zeros(math.prod(shape), dtype=np.int32)), **transform)


def _one_integer(name: str, values: np.ndarray) -> int:
    """NetX takes int() of the one value."""
    if values.size != 1 or not abs(value := float(values.reshape(-1)[0])) < 1 << 31:
        raise InputError(f"{name} of an input layer must be one number of 32 bits, got {values.size} values")
    return int(value)
