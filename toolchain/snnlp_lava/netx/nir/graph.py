"""Read the chain of nodes in a NIR file from its HDF5 tree, trusting nothing in it.

``nir.read`` turns a whole tree into objects: it follows links, inflates and allocates what the file declares, and
reads strings from a heap whose damage crashes HDF5. So the tree is walked here, and only what is needed is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import h5py
import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.hdf5 import array_of, group_of, holds, names_of, shape_of, texts_of
from snnlp_lava.netx.layers import MAX_LAYERS
from snnlp_lava.netx.quantise import QuantisationReport

_FIELDS = {
    "Input": ("shape",),
    "Output": ("shape",),
    "Flatten": ("start_dim", "end_dim", "input_type"),
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "IF": ("r", "v_threshold", "v_reset"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
}


_DEFAULTS = {"v_reset": 0.0, "w_in": 1.0}


NEURONS = ("IF", "LIF", "CubaLIF")


WEIGHTS = ("Linear", "Affine")


_MAX_NODES = 256


@dataclass(frozen=True)
class Node:
    """A node of the chain.

    Attributes
    ----------
    name, kind
        Its name in the file, and NIR's name of its type.
    group
        Where it stands; readable while the file is open.
    """

    name: str
    kind: str
    group: h5py.Group

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.kind})"

    def parameter(self, field: str, neurons: int) -> np.ndarray:
        """A neuron parameter, one value for each neuron: (neurons,) float64.

        Raises
        ------
        InputError
            If it is missing, not finite, or neither one value nor as many as there are neurons.
        """
        if field in _DEFAULTS and not holds(self.group, field):
            return np.full(neurons, _DEFAULTS[field])
        values = self._floats(field, (0, 1))
        if values.size not in (1, neurons):
            raise InputError(f"{self}: {field} has {values.size} values for {neurons} neurons")
        return np.broadcast_to(values.reshape(-1), (neurons,))

    def weight_shape(self) -> tuple[int, int]:
        """Neurons and lines of a Linear or Affine; its weights are not read.

        Raises
        ------
        InputError
            If they are missing or no matrix of a size that a chip holds.
        """
        shape = shape_of(self.group, "weight")
        if len(shape) != 2 or 0 in shape or max(shape) > limits.MAX_NEURONS:
            raise InputError(f"{self}: weight has shape {shape}; (out, in) is needed")
        return shape[0], shape[1]

    def weight(self) -> np.ndarray:
        """Weights of a Linear or Affine, (out, in) float64.

        Raises
        ------
        InputError
            As `weight_shape`, or if they are not finite numbers.
        """
        self.weight_shape()
        return self._floats("weight", (2,))

    def bias(self, neurons: int) -> np.ndarray:
        """Biases of an Affine, zeros of a Linear: (neurons,) float64.

        Raises
        ------
        InputError
            As `parameter`.
        """
        return self.parameter("bias", neurons) if self.kind == "Affine" else np.zeros(neurons)

    def size(self) -> int:
        """Number of lines of an Input or Output.

        Raises
        ------
        InputError
            If its shape is missing or is none.
        """
        shape = self._floats("shape", (0, 1)).reshape(-1)
        if not shape.size or (shape < 1).any() or (shape != np.rint(shape)).any():
            raise InputError(f"{self}: shape {shape.tolist()} is none")
        return int(min(math.prod(shape.tolist()), limits.MAX_NEURONS + 1))

    def _floats(self, field: str, dimensions: tuple[int, ...]) -> np.ndarray:
        values = array_of(self.group, field, dimensions)
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise InputError(f"{self}: {field} holds values that are not finite numbers")
        return values.astype(np.float64)


def read_chain(root: h5py.Group) -> list[Node]:
    """The nodes of the graph ``/node`` from Input to Output.

    Raises
    ------
    InputError
        If the file holds no graph, the graph is no chain, or it has nodes that are not supported.
    """
    if not holds(root, "node"):
        raise InputError("lacks /node; is it a NIR file?")
    graph = group_of(root, "node")
    if _kind(graph) != "NIRGraph":
        raise InputError(f"/node is a {_kind(graph)}, not a NIRGraph")
    members = group_of(graph, "nodes")
    found = names_of(members)
    if len(found) > _MAX_NODES:
        raise InputError(f"has {len(found)} nodes; {_MAX_NODES} are the most")
    nodes = {name: _node(members, name) for name in found}
    names = texts_of(graph, "edges")
    if len(names) % 2:
        raise InputError("/node/edges is no list of pairs")
    return _chained(nodes, sorted(set(zip(names[::2], names[1::2], strict=True))))


def _node(members: h5py.Group, name: str) -> Node:
    group = group_of(members, name)
    node = Node(name, _kind(group), group)
    if node.kind == "NIRGraph":
        raise InputError(f"{node}: a graph within the graph, as recurrent layers are written, is not supported")
    if node.kind not in _FIELDS:
        raise InputError(f"{node}: this type is not supported; only {', '.join(_FIELDS)} are")
    if other := sorted(set(names_of(group)) - {"type", "metadata", *_FIELDS[node.kind]}):
        raise InputError(f"{node}: has {', '.join(other)}, which NIR's {node.kind} has not")
    return node


def _kind(group: h5py.Group) -> str:
    kinds = texts_of(group, "type")
    if len(kinds) != 1:
        raise InputError(f"{group.name}/type is not one text")
    return kinds[0]


def _chained(nodes: dict[str, Node], edges: list[tuple[str, str]]) -> list[Node]:
    after: dict[str, str] = {}
    before: dict[str, str] = {}
    for source, target in edges:
        for name in (source, target):
            if name not in nodes:
                raise InputError(f"an edge names {name!r}, and there is no such node")
        if source in after:
            raise InputError(
                f"{nodes[source]} sends to {after[source]!r} and {target!r}; only chains are supported, "
                "no recurrent or parallel connections"
            )
        if target in before:
            raise InputError(
                f"{nodes[target]} receives from {before[target]!r} and {source!r}; only chains are supported, "
                "no recurrent or parallel connections"
            )
        after[source], before[target] = target, source
    firsts = [node for node in nodes.values() if node.kind == "Input"]
    if len(firsts) != 1:
        raise InputError(f"has {len(firsts)} nodes of type Input; one is supported")
    if firsts[0].name in before:
        raise InputError(f"{firsts[0]} receives from {before[firsts[0].name]!r}; only chains are supported")
    chain = firsts
    while chain[-1].name in after:  # no name comes twice, since none has two edges into it and the first has none
        chain.append(nodes[after[chain[-1].name]])
    if unreached := sorted(set(nodes) - {node.name for node in chain}):
        raise InputError(f"{nodes[unreached[0]]} is not connected to the input")
    if chain[-1].kind != "Output":
        raise InputError(f"ends with {chain[-1]}, not with an Output")
    return chain


TIME_STEP = 1e-4
"""Seconds of a step: of our files, and of others' where nobody says otherwise."""


TOLERANCE = 1e-6  # of another program that stores our parameters as float32


@dataclass(frozen=True)
class Imported:
    """What a NIR file gave.

    Attributes
    ----------
    network
        The layers.
    card
        How text becomes its input, or None in a file that another program wrote.
    time_step
        Seconds of a step with which the floats were read.
    changes
        What quantisation changed, layer by layer; none of a file of ours, which holds the integers.
    notes
        What else is not as the file has it, a sentence each.
    """

    network: Network
    card: Card | None
    time_step: float
    changes: tuple[QuantisationReport, ...] = ()
    notes: tuple[str, ...] = ()


def layer_pairs(chain: list[Node]) -> list[tuple[Node, Node]]:
    """Weights and neurons of each layer, checked to follow each other; Flatten changes shapes alone and is left out."""
    first, *inner, last = (node for node in chain if node.kind != "Flatten")
    if len(inner) > 2 * MAX_LAYERS:
        raise InputError(f"has {len(inner)} nodes; {MAX_LAYERS} layers are the most")
    for place, node in enumerate(inner):
        wanted, what = ((WEIGHTS, "weights"), (NEURONS, "neurons"))[place % 2]
        if node.kind not in wanted:
            raise InputError(f"{node} stands where a layer's {what} belong ({' or '.join(wanted)})")
    if not inner or len(inner) % 2:
        raise InputError(f"{(inner or [first])[-1]} is followed by {last}; layers of weights and neurons are needed")
    pairs = list(zip(inner[::2], inner[1::2], strict=True))
    lines = first.size()
    for weights, _ in pairs:
        shape = weights.weight_shape()
        if shape[1] != lines:
            raise InputError(f"{weights}: weight has shape {shape}, and {lines} lines lead there")
        lines = shape[0]
    if last.size() != lines:
        raise InputError(f"{last} has {last.size()} lines, and {lines} lead there")
    return pairs
