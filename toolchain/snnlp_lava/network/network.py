"""The central type, a feed-forward network of layers, and what every layer type can tell and do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.synapses import Synapses
from snnlp_lava.registry import Registry

if TYPE_CHECKING:
    from typing_extensions import Self

    from snnlp_lava.network.kernels import LayerRun

Shape = tuple[int, ...]
"""Of a layer's input or output: (lines,), or (channels, height, width), whose lines count in this order."""


class Layer(Protocol):
    """A layer: groups of synapses onto neurons of one model.

    A layer type inherits from here and says what its synapses, shapes and fields in a file are. What it does and costs
    follows from the groups.

    Attributes
    ----------
    kind
        The type that NetX writes, and its name in `LAYERS`.
    fields
        Arrays that the layer has in a NetX file beside ``neuron``, with the numbers of axes that each may have; no
        others are read.
    neuron
        The neurons.
    """

    kind: ClassVar[str]
    fields: ClassVar[Mapping[str, tuple[int, ...]]]
    neuron: Neuron

    def synapses(self) -> tuple[Synapses, ...]:
        """The groups of synapses; at most one of them has the layer's own neurons as lines."""
        ...

    def to_netx(self) -> Mapping[str, Any]:
        """The layer's fields in a NetX file, without type, bias and neuron, in the order in which they are written."""
        ...

    @classmethod
    def from_netx(cls, fields: Mapping[str, np.ndarray], neuron: Mapping[str, int], inputs: Shape | None) -> Self:
        """Make a layer of what a NetX file holds.

        Parameters
        ----------
        fields
            Arrays of those of the class's `fields` that the file has.
        neuron
            Fields of `Neuron` without the bias.
        inputs
            Shape of what the layer before puts out, None if there is none.

        Raises
        ------
        InputError
            If a field is missing, or a value does not fit.
        """
        ...

    @property
    def input_shape(self) -> Shape:
        """Shape of the lines that lead to it."""
        return (next(group.lines for group in self.synapses() if not group.own),)

    @property
    def output_shape(self) -> Shape:
        """Shape of its neurons."""
        return (self.neuron.count,)

    @property
    def inputs(self) -> int:
        """Number of lines that lead to it."""
        return math.prod(self.input_shape)

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.output_shape)

    @property
    def synapse_count(self) -> int:
        """Number of synapses stored."""
        return sum(group.count for group in self.synapses())

    @property
    def synapse_count_nonzero(self) -> int:
        """Number of synapses whose weight is not 0."""
        return sum(group.count_nonzero for group in self.synapses())

    @property
    def keeps_spikes(self) -> bool:
        """Whether spikes can be under way in its synapses when a sample ends: feedback, and what delays hold."""
        return any(group.own or group.longest_delay for group in self.synapses())

    def run(self, spikes: np.ndarray) -> LayerRun:
        """Run n independent samples, before which u and v are 0 and nothing is under way.

        Parameters
        ----------
        spikes
            (n, steps, lines) uint8, 0 or 1: what arrives at each step.
        """
        from snnlp_lava.network.kernels import run_neurons

        groups = self.synapses()
        outside = [group.sums(spikes) for group in groups if not group.own]
        own = [group.weight_by_line for group in groups if group.own]
        return run_neurons(self.neuron.state_units, sum(outside[1:], outside[0]), *own)

    def trace(self, neuron: int, arrived: np.ndarray, sent: np.ndarray, *, registers: bool = True) -> tuple[int, int]:
        """The u and v of one neuron of one sample after the last step, v before a spike resets it.

        Parameters
        ----------
        neuron
            Which neuron.
        arrived
            (steps, lines) uint8 spikes on the lines that lead to the layer.
        sent
            (steps, neurons) uint8 spikes of the layer itself; those of the last step do not matter.
        registers
            Whether u and v have 24 bits, which in SLAYER they have not.
        """
        from snnlp_lava.network.kernels import trace_neuron

        before = np.concatenate([np.zeros_like(sent[:1]), sent[:-1]])
        sums = [group.sums_of(neuron, before if group.own else arrived) for group in self.synapses()]
        return trace_neuron(self.neuron.state_units, neuron, np.sum(sums, axis=0), registers=registers)

    def synops(self, arrived: np.ndarray, sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Synaptic operations: over all synapses stored, and over those whose weight is not 0.

        A spike takes one at each synapse of its line. What a layer sends to itself counts with the step in which it
        was sent, also in a sample's last step.

        Parameters
        ----------
        arrived, sent
            (n, lines) and (n, neurons) spikes of each input line and each neuron.

        Returns
        -------
        tuple of np.ndarray
            (n,) int64 each.
        """
        stored = nonzero = np.zeros(len(arrived), dtype=np.int64)
        for group in self.synapses():
            spikes = (sent if group.own else arrived).astype(np.int64)
            stored = stored + spikes @ group.fan_out
            nonzero = nonzero + spikes @ group.fan_out_nonzero
        return stored, nonzero

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and (
            self.neuron == other.neuron
            and (self.input_shape, self.output_shape) == (other.input_shape, other.output_shape)
            and self.synapses() == other.synapses()
        )


LAYERS: Registry[type[Layer]] = Registry(
    "layer type",
    "snnlp_lava.layers",
    {
        "dense": "snnlp_lava.network.dense:Dense",
        "dense_rec": "snnlp_lava.network.recurrent:RecurrentDense",
    },
)
"""Layer types by the name that NetX writes."""


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

    def run(self, spikes: np.ndarray) -> list[LayerRun]:
        """Run n independent samples: input spikes (n, steps, lines) uint8 to what each layer did."""
        runs: list[LayerRun] = []
        for layer in self.layers:
            runs.append(layer.run(runs[-1].spikes if runs else spikes))
        return runs

    @property
    def synapse_counts(self) -> tuple[int, ...]:
        """Synapses stored in each layer."""
        return tuple(layer.synapse_count for layer in self.layers)

    @property
    def synapse_counts_nonzero(self) -> tuple[int, ...]:
        """Synapses of each layer whose weight is not 0."""
        return tuple(layer.synapse_count_nonzero for layer in self.layers)


@contextmanager
def naming_layer(number: int) -> Iterator[None]:
    """Put the layer's number (from 1) into errors of the block that builds it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"layer {number}: {error}") from error


def format_sizes(sizes: Sequence[int]) -> str:
    """Sizes as people write them: 384-256-128-6."""
    return "-".join(map(str, sizes))
