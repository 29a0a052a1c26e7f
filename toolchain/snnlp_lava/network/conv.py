"""The convolutional layer: neurons of all places share the weights of a small kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.integers import check_integer, check_range, integer_array
from snnlp_lava.network.network import Layer, Shape, shape_field
from snnlp_lava.network.neuron import NeuronModel
from snnlp_lava.network.synapses import Synapses

if TYPE_CHECKING:
    from typing_extensions import Self

    from snnlp_lava.network.kernels import LayerRun

_SUM_BYTES = 1 << 26

Pair = tuple[int, int]
"""(vertical, horizontal), in the order of the axes of a file."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where a convolution looks: the shapes and strides that decide which line reaches which neuron.

    The neuron at (y, x) of a channel gets input from the line at (y sy - py + j dy, x sx - px + i dx) through the
    kernel's weight (j, i), where there is such a line.

    Attributes
    ----------
    input_shape
        (channels, height, width).
    kernel
        Height and width of the kernel.
    outputs
        Number of output channels.
    stride, padding, dilation
        s, p and d.
    groups
        Parts into which the channels are split; each output channel sees those of its own part.

    Raises
    ------
    InputError
        If a value is out of range, or they do not fit together; nothing of their size is allocated before.
    """

    input_shape: Shape
    kernel: Pair
    outputs: int
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3:
            raise InputError(f"a convolution takes (channels, height, width), got {self.input_shape}")
        for name, low in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            pair = tuple(check_integer(name, value, low, limits.KERNEL_MAX) for value in getattr(self, name))
            if len(pair) != 2:
                raise InputError(f"{name} must be two integers, got {len(pair)}")
            object.__setattr__(self, name, pair)
        object.__setattr__(self, "groups", check_integer("groups", self.groups, 1, limits.KERNEL_MAX))
        for name, channels in (("input", self.input_shape[0]), ("output", self.outputs)):
            if channels % self.groups:
                raise InputError(f"{channels} {name} channels cannot be split into {self.groups} groups")
        if min(self.output_shape) < 1:
            raise InputError(
                f"a kernel that reaches over {self._reach} does not fit into an input of {self.input_shape[1:]}, "
                f"padded by {self.padding}"
            )
        neurons = math.prod(self.output_shape)
        if neurons > limits.MAX_NEURONS:
            raise InputError(f"a convolution to {self.output_shape}; {limits.MAX_NEURONS} neurons are the most")
        synapses = neurons * (self.input_shape[0] // self.groups) * math.prod(self.kernel)
        if synapses > limits.MAX_SYNAPSES:
            raise InputError(f"a convolution of {synapses} synapses; {limits.MAX_SYNAPSES} are the most")

    @property
    def _reach(self) -> Pair:
        """Height and width of the kernel with its gaps."""
        (dy, dx), (height, width) = self.dilation, self.kernel
        return dy * (height - 1) + 1, dx * (width - 1) + 1

    @property
    def output_shape(self) -> Shape:
        """(channels, height, width) of the neurons."""
        sizes = zip(self.input_shape[1:], self.padding, self._reach, self.stride, strict=True)
        height, width = ((size + 2 * pad - reach) // stride + 1 for size, pad, reach, stride in sizes)
        return self.outputs, height, width

    def reached(self, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which places the lines along an axis reach: vertically (0) or horizontally (1).

        Returns
        -------
        tuple of np.ndarray
            ``starts`` (size + 1,), ``taps`` and ``places``, all int64: line n reaches
            ``places[starts[n]:starts[n + 1]]`` through the kernel's ``taps`` of the same indices.
        """
        lines, taps = np.arange(self.input_shape[1 + axis]), np.arange(self.kernel[axis])
        shifted = lines[:, None] + self.padding[axis] - taps * self.dilation[axis]
        place, rest = np.divmod(shifted, self.stride[axis])
        line, tap = np.nonzero((rest == 0) & (place >= 0) & (place < self.output_shape[1 + axis]))
        return np.searchsorted(line, np.arange(len(lines) + 1)), tap, place[line, tap]

    def meeting(self, axis: int, tap: int, low: int, high: int) -> tuple[slice, slice]:
        """Lines along an axis, and those places from `low` to `high` that they reach through one tap, as pairs."""
        stride, shift = self.stride[axis], tap * self.dilation[axis] - self.padding[axis]
        first = max(low, -(shift // stride))  # the least place with place stride + shift >= 0
        last = min(high - 1, (self.input_shape[1 + axis] - 1 - shift) // stride)
        if last < first:
            return slice(0, 0), slice(0, 0)
        return slice(first * stride + shift, last * stride + shift + 1, stride), slice(first, last + 1)


@dataclass(frozen=True, eq=False)
class ConvSynapses(Synapses):
    """Synapses that share the weights of a kernel; what lies outside the input has none.

    Attributes
    ----------
    weight
        (output channels, input channels of a group, kernel height, kernel width) int32.
    geometry
        Where it looks.
    """

    weight: np.ndarray
    geometry: Geometry
    own: bool = False

    @property
    def neurons(self) -> int:
        """As `Synapses.neurons`."""
        return math.prod(self.geometry.output_shape)

    @property
    def lines(self) -> int:
        """As `Synapses.lines`."""
        return math.prod(self.geometry.input_shape)

    @cached_property
    def count(self) -> int:
        """As `Synapses.count`."""
        return int(self.fan_out.sum())

    @cached_property
    def fan_out(self) -> np.ndarray:
        """As `Synapses.fan_out`."""
        return self._fan_out_of(np.ones_like(self.weight))

    @cached_property
    def fan_out_nonzero(self) -> np.ndarray:
        """As `Synapses.fan_out_nonzero`."""
        return self._fan_out_of(self.weight != 0)

    def _fan_out_of(self, there: np.ndarray) -> np.ndarray:
        """(lines,) int64: to how many neurons each line goes through those taps of the kernel that are there."""
        space = self.geometry
        _, rows, columns = space.output_shape
        by_input = there.reshape(space.groups, -1, *there.shape[1:]).sum(axis=1, dtype=np.int64)
        by_input = by_input.reshape(-1, *space.kernel)
        out = np.zeros(space.input_shape, dtype=np.int64)
        for j in range(space.kernel[0]):
            down, _ = space.meeting(0, j, 0, rows)
            for i in range(space.kernel[1]):
                across, _ = space.meeting(1, i, 0, columns)
                out[:, down, across] += by_input[:, j, i, None, None]
        return out.reshape(-1)

    def sums(self, arriving: np.ndarray) -> np.ndarray:
        """As `Synapses.sums`."""
        from snnlp_lava.network.kernels import conv_sums

        return conv_sums(arriving, self.weight, self.geometry)

    def sums_of(self, neuron: int, arriving: np.ndarray) -> np.ndarray:
        """As `Synapses.sums_of`."""
        space = self.geometry
        k, y, x = (int(place) for place in np.unravel_index(neuron, space.output_shape))
        frames = arriving.reshape(len(arriving), *space.input_shape)
        first = k // (space.outputs // space.groups) * self.weight.shape[1]
        sums = np.zeros(len(arriving), dtype=np.int64)
        for j in range(space.kernel[0]):
            row = y * space.stride[0] - space.padding[0] + j * space.dilation[0]
            for i in range(space.kernel[1]):
                column = x * space.stride[1] - space.padding[1] + i * space.dilation[1]
                if 0 <= row < space.input_shape[1] and 0 <= column < space.input_shape[2]:
                    part = frames[:, first : first + self.weight.shape[1], row, column]
                    sums += part.astype(np.int64) @ self.weight[k, :, j, i].astype(np.int64)
        return sums

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConvSynapses) and (
            vars(self.geometry) == vars(other.geometry) and np.array_equal(self.weight, other.weight)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Conv(Layer):
    """A 2-D convolution onto neurons.

    The sum that arrives in step t at the neuron (k, y, x), with W the kernel and s the input:

        a[t] = sum over c, j, i of W[k, c, j, i] s[t, c, y sy - py + j dy, x sx - px + i dx]    wraps at 24 bits

    c goes over the input channels of k's group. Source: Conv in lava.lib.dl.netx.blocks.process (lava-dl 0.6.0),
    lava.proc.conv (lava-nc 0.10.0). NetX has all axes in the order width, height, channels; lines and neurons here
    count in the order channels, height, width, which is what its flatten makes of them.

    Attributes
    ----------
    weight
        (output channels, input channels of a group, kernel height, kernel width) int32: 8 bits, times a power of two.
        Without negative ones 0 to 255, else -128 to 127, or even ones from -256 to 254.
    neuron
        The neurons of all channels and places, in this order.
    geometry
        Where the kernel looks.

    Raises
    ------
    InputError
        If a value is out of range; the message names it and the limit.
    """

    weight: np.ndarray
    neuron: NeuronModel
    geometry: Geometry

    kind: ClassVar[str] = "conv"
    fields: ClassVar[Mapping[str, tuple[int, ...]]] = {
        "shape": (1,),
        "weight": (4, 5),
        "bias": (1, 3),
        "stride": (0, 1),
        "padding": (0, 1),
        "dilation": (0, 1),
        "groups": (0,),
        "delay": (0, 1, 2, 3, 4, 5),
    }

    def __post_init__(self) -> None:
        weight = integer_array(self.weight, "weight", "(outputs, inputs, height, width)")
        check_range("weight", weight, limits.WEIGHT_MIN, limits.WEIGHT_MAX_UNSIGNED)
        object.__setattr__(self, "weight", weight)
        low, high, odd = int(weight.min()), int(weight.max()), bool((weight & 1).any())
        if low < 0 and not (low >= -128 and high <= 127) and odd:
            raise InputError(
                f"weights from {low} to {high}, odd ones among them; with negative ones they must be even, or from "
                "-128 to 127"
            )
        space = self.geometry
        expected = (space.outputs, space.input_shape[0] // space.groups, *space.kernel)
        if weight.shape != expected:
            raise InputError(f"weight of shape {weight.shape}, its geometry takes {expected}")
        if self.neuron.count != math.prod(space.output_shape):
            raise InputError(f"bias of {self.neuron.count} neurons, a convolution to {space.output_shape}")

    @cached_property
    def _synapses(self) -> tuple[ConvSynapses, ...]:
        return (ConvSynapses(self.weight, self.geometry),)

    def synapses(self) -> tuple[ConvSynapses, ...]:
        """One group."""
        return self._synapses

    @property
    def input_shape(self) -> Shape:
        """(channels, height, width)."""
        return self.geometry.input_shape

    @property
    def output_shape(self) -> Shape:
        """(channels, height, width)."""
        return self.geometry.output_shape

    def run(self, arriving: np.ndarray) -> LayerRun:
        """As `Layer.run`, of few samples at a time: their sums take four bytes a neuron and step."""
        from snnlp_lava.network.kernels import LayerRun

        samples, steps, _ = arriving.shape
        at_once = max(1, _SUM_BYTES // (4 * steps * self.neurons))
        parts = [super(Conv, self).run(arriving[start : start + at_once]) for start in range(0, samples, at_once)]
        return LayerRun(*map(np.concatenate, zip(*parts, strict=True)))

    def to_netx(self) -> Mapping[str, Any]:
        """As ``slayer.block.cuba.Conv`` exports itself."""
        space = self.geometry
        return {
            "shape": np.array(self.output_shape),
            "inChannels": space.input_shape[0],
            "outChannels": space.outputs,
            "kernelSize": np.array(space.kernel),
            "stride": np.array(space.stride),
            "padding": np.array(space.padding),
            "dilation": np.array(space.dilation),
            "groups": space.groups,
            "weight": self.weight.astype(np.int16),
        }

    @classmethod
    def from_netx(
        cls, fields: Mapping[str, np.ndarray], neuron: Callable[[np.ndarray], NeuronModel], inputs: Shape | None
    ) -> Self:
        """Inverse of `to_netx`; kernels may have a fifth axis of one."""
        if missing := [name for name in ("weight", "stride", "padding", "dilation", "groups") if name not in fields]:
            raise InputError(f"lacks {', '.join(missing)}")
        if inputs is None:
            raise InputError("is a convolution, and no input layer says the shape of what it takes")
        if "delay" in fields and fields["delay"].any():
            raise InputError("is a convolution with delays, which NetX 0.6 leaves out")
        shape, weight = shape_field(fields), fields["weight"]
        if weight.ndim == 5 and weight.shape[4] != 1:
            raise InputError(f"has a kernel over {weight.shape[4]} steps of time, which NetX 0.6 cannot run either")
        outputs, channels, height, width = weight.shape[:4]
        stride, padding, dilation = (_pair(name, fields[name]) for name in ("stride", "padding", "dilation"))
        (groups,) = _integers("groups", fields["groups"])
        space = Geometry(inputs, (height, width), outputs, stride, padding, dilation, groups)
        if channels * groups != inputs[0]:
            raise InputError(f"has kernels over {channels} channels in {groups} groups, but takes {inputs[0]} channels")
        if shape != space.output_shape:
            raise InputError(f"has the shape {shape}, but its kernel makes {space.output_shape}")
        bias = _bias_of_neurons(fields["bias"], shape) if "bias" in fields else np.zeros(math.prod(shape), np.int32)
        return cls(weight.reshape(weight.shape[:4]), neuron(bias), space)


def _integers(name: str, values: np.ndarray) -> list[int]:
    found = values.reshape(-1)[:3].tolist()
    if not all(abs(value) < 1 << 31 and value == int(value) for value in found):
        raise InputError(f"{name} must hold integers, got {found}")
    return [int(value) for value in found]


def _pair(name: str, values: np.ndarray) -> Pair:
    """One value for both directions, or one each."""
    found = _integers(name, values) * (2 if values.ndim == 0 else 1)
    if len(found) != 2:
        raise InputError(f"{name} must be one integer or two, got {values.size} values")
    return found[0], found[1]


def _bias_of_neurons(bias: np.ndarray, shape: Shape) -> np.ndarray:
    """One bias a channel, or one a neuron as (width, height, channels), in the order of neurons."""
    if bias.shape == shape[::-1]:
        return bias.transpose(2, 1, 0).reshape(-1)
    if bias.shape != shape[:1]:
        raise InputError(f"has biases of shape {bias.shape} for neurons of shape {shape}")
    return np.repeat(bias, math.prod(shape[1:]))
