"""The central type, a feed-forward network of layers, and what every layer type can tell and do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.metrics import Says
from snnlp_lava.network import limits
from snnlp_lava.network.neuron import Neuron, NeuronModel
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.network.synapses import DenseSynapses, Synapses
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
    takes_values
        Whether it takes values, the int32 currents that `snnlp_lava.network.input.Input` makes of them, instead of
        spikes or messages.
    neuron
        The neurons.
    """

    kind: ClassVar[str]
    fields: ClassVar[Mapping[str, tuple[int, ...]]]
    takes_values: ClassVar[bool] = False
    neuron: NeuronModel

    def synapses(self) -> tuple[Synapses, ...]:
        """The groups of synapses; at most one of them has the layer's own neurons as lines."""
        ...

    def to_netx(self) -> Mapping[str, Any]:
        """The layer's fields in a NetX file, without type, bias and neuron, in the order in which they are written."""
        ...

    @classmethod
    def from_netx(
        cls, fields: Mapping[str, np.ndarray], neuron: Callable[[np.ndarray], NeuronModel], inputs: Shape | None
    ) -> Self:
        """Make a layer of what a NetX file holds.

        Parameters
        ----------
        fields
            Arrays of those of the class's `fields` that the file has.
        neuron
            Makes the neurons of their biases, (neurons,).
        inputs
            Shape of what the layer before puts out; of the first layer, of an input layer without neurons; None if
            there is none.

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
    def cuba(self) -> Neuron:
        """Its neurons, where only CUBA ones will do.

        Raises
        ------
        InputError
            If they are others.
        """
        if not isinstance(self.neuron, Neuron):
            raise InputError(
                f"a {self.kind} layer has {self.neuron.model} neurons; only CUBA neurons are supported here"
            )
        return self.neuron

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

    def run(self, arriving: np.ndarray) -> LayerRun:
        """Run n independent samples, before which every state is 0 and nothing is under way.

        Parameters
        ----------
        arriving
            (n, steps, lines): what arrives at each step, uint8 spikes, 0 or 1, or int32 messages.

        Raises
        ------
        InputError
            If messages are too large for the arithmetic.
        """
        groups = self.synapses()
        outside = [group.sums(arriving) for group in groups if not group.own]
        own = [group.weight_by_line for group in groups if isinstance(group, DenseSynapses) and group.own]
        return self.neuron.run(sum(outside[1:], outside[0]), *own)

    def states(self, arrived: np.ndarray, sent: np.ndarray, *, registers: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """The states of all neurons of one sample after each step, before a spike resets v.

        Parameters
        ----------
        arrived
            (steps, lines) spikes or messages on the lines that lead to the layer.
        sent
            (steps, neurons) spikes or messages of the layer itself.
        registers
            Whether u and v have 24 bits, which in SLAYER they have not.

        Returns
        -------
        tuple of np.ndarray
            (steps, neurons) int64 each: u and v; of sigma-delta neurons what they have added up and told.
        """
        before = _one_step_later(sent)
        sums = [group.sums((before if group.own else arrived)[None])[0] for group in self.synapses()]
        return self.neuron.states(sum(sums[1:], sums[0]), slice(None), registers=registers)

    def trace(self, neuron: int, arrived: np.ndarray, sent: np.ndarray, *, registers: bool = True) -> tuple[int, int]:
        """The states of one neuron after the last step; arguments as `states`."""
        before = _one_step_later(sent)
        sums = [group.sums_of(neuron, before if group.own else arrived) for group in self.synapses()]
        found = self.neuron.states(sum(sums[1:], sums[0])[:, None], slice(neuron, neuron + 1), registers=registers)
        first, second = (int(states[-1, 0]) for states in found)
        return first, second

    def synops(self, arrived: np.ndarray, sent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Synaptic operations: over all synapses stored, and over those whose weight is not 0.

        A spike takes one at each synapse of its line, and so does a message, however large. What a layer sends to
        itself counts with the step in which it was sent, also in a sample's last step.

        Parameters
        ----------
        arrived, sent
            (n, lines) and (n, neurons) numbers of spikes, or of messages that are not 0, of each line and neuron.

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


def _one_step_later(sent: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros_like(sent[:1]), sent[:-1]])


def shape_field(fields: Mapping[str, np.ndarray]) -> Shape:
    """The field ``shape`` of a layer in a NetX file, computed with before anything of that size is made.

    Raises
    ------
    InputError
        If it is missing, is no list of integers >= 1, or names too many neurons.
    """
    if "shape" not in fields:
        raise InputError("lacks shape")
    values = fields["shape"].reshape(-1).tolist()
    if not 1 <= len(values) <= 4 or not all(
        1 <= value <= limits.MAX_NEURONS and value == int(value) for value in values
    ):
        raise InputError(f"has the shape {values[:5]}; it must be 1 to 4 integers from 1 to {limits.MAX_NEURONS}")
    shape = tuple(map(int, values))
    if math.prod(shape) > limits.MAX_NEURONS:
        raise InputError(f"has the shape {shape}; {limits.MAX_NEURONS} neurons are the most")
    return shape


LAYERS: Registry[type[Layer]] = Registry(
    "layer type",
    "snnlp_lava.layers",
    {
        "dense": "snnlp_lava.network.dense:Dense",
        "dense_rec": "snnlp_lava.network.recurrent:RecurrentDense",
        "conv": "snnlp_lava.network.conv:Conv",
        "input": "snnlp_lava.network.input:Input",
    },
)
"""Layer types by the name that NetX writes."""


@dataclass(frozen=True)
class Network:
    """Layers in order; each one's inputs are the neurons before it.

    A layer whose inputs have one axis takes those of (channels, height, width) flattened, in this order.

    Raises
    ------
    InputError
        If there is no layer, two do not fit together, or one that takes values is not the first.
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
            if after.takes_values:
                raise InputError(f"layer {number + 1} takes values, which only the first layer can")
            if len(after.input_shape) > 1 and after.input_shape != before.output_shape:
                raise InputError(
                    f"layer {number} puts out {before.output_shape}, but layer {number + 1} takes {after.input_shape}"
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

    @property
    def input_shape(self) -> Shape:
        """Shape of what the first layer takes."""
        return self.layers[0].input_shape

    @property
    def says(self) -> Says:
        """What the last layer's answer is made of."""
        neuron = self.layers[-1].neuron
        if neuron.reads_out or (isinstance(neuron, SigmaDelta) and neuron.role == "sigma"):
            return "values"
        return "changes" if neuron.graded else "spikes"

    def run(self, arriving: np.ndarray) -> list[LayerRun]:
        """Run n independent samples: (n, steps, lines) for the first layer, as in `Layer.run`; what each layer did."""
        runs: list[LayerRun] = []
        for layer in self.layers:
            runs.append(layer.run(runs[-1].spikes if runs else arriving))
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
