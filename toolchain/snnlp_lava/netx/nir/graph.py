"""Read the layers of nodes in a NIR file from its HDF5 tree, trusting nothing in it.

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
from snnlp_lava.network.network import Network, Shape
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
    "Conv2d": ("input_shape", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "Delay": ("delay",),
    "IF": ("r", "v_threshold", "v_reset"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
}


_DEFAULTS = {"v_reset": 0.0, "w_in": 1.0}


NEURONS = ("IF", "LIF", "CubaLIF")


WEIGHTS = ("Linear", "Affine", "Conv2d")


POOLS = ("SumPool2d", "AvgPool2d")


_MAX_NODES = 256


_MAX_DEPTH = 4


@dataclass(frozen=True)
class Node:
    """A node of the graph.

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

    def parameter(self, field: str, shape: Shape) -> np.ndarray:
        """A parameter of neurons, one value for each: float64 of their shape.

        Raises
        ------
        InputError
            If it is missing, not finite, or neither one value nor as many as there are neurons.
        """
        if field in _DEFAULTS and not holds(self.group, field):
            return np.full(shape, _DEFAULTS[field])
        values = self._floats(field, (0, 1, 2, 3))
        if values.size not in (1, math.prod(shape)):
            raise InputError(f"{self}: {field} has {values.size} values for {math.prod(shape)} neurons")
        return np.broadcast_to(values.reshape(-1), math.prod(shape)).reshape(shape)

    def weight_shape(self) -> tuple[int, ...]:
        """(neurons, lines) of a Linear or Affine, (out, in / groups, height, width) of a Conv2d; no weight is read.

        Raises
        ------
        InputError
            If they are missing, or of a size that no chip holds.
        """
        shape = shape_of(self.group, "weight")
        axes, names = (4, "out, in, height, width") if self.kind == "Conv2d" else (2, "out, in")
        if len(shape) != axes or 0 in shape or max(shape) > limits.MAX_NEURONS:
            raise InputError(f"{self}: weight has shape {shape}; ({names}) is needed")
        return shape

    def weight(self) -> np.ndarray:
        """The weights, float64 of `weight_shape`.

        Raises
        ------
        InputError
            As `weight_shape`, or if they are not finite numbers.
        """
        return self._floats("weight", (len(self.weight_shape()),))

    def bias(self) -> np.ndarray:
        """Biases of an Affine or Conv2d, zeros of a Linear: (out,) float64.

        Raises
        ------
        InputError
            As `parameter`.
        """
        out = self.weight_shape()[:1]
        return np.zeros(out) if self.kind == "Linear" else self.parameter("bias", out)

    def integers(self, field: str, low: int) -> tuple[int, int]:
        """A parameter of a Conv2d or a pool: one for (height, width) each, or for both.

        Raises
        ------
        InputError
            If it is missing, or not one or two integers of at least `low`.
        """
        values = self._floats(field, (0, 1)).reshape(-1)
        if values.size not in (1, 2) or (values < low).any() or (values != np.rint(values)).any():
            raise InputError(f"{self}: {field} must be 1 or 2 integers >= {low}, got {values.tolist()[:3]}")
        if values.max() > limits.MAX_NEURONS:
            raise InputError(f"{self}: {field} {values.max():g} is larger than any input")
        return int(values[0]), int(values[-1])

    def padding(self) -> tuple[int, int]:
        """Padding of a Conv2d, (height, width).

        Raises
        ------
        InputError
            As `integers`, or if it is a text and not ``valid``, or ``same`` of a kernel for which that is symmetric.
        """
        try:
            (text,) = texts_of(self.group, "padding")
        except (InputError, ValueError):
            return self.integers("padding", 0)
        if text == "valid":
            return 0, 0
        sizes = [d * (k - 1) for d, k in zip(self.integers("dilation", 1), self.weight_shape()[2:], strict=True)]
        if text == "same" and self.integers("stride", 1) == (1, 1) and not any(size % 2 for size in sizes):
            return sizes[0] // 2, sizes[1] // 2
        raise InputError(f"{self}: padding {text[:20]!r} cannot be written as as many rows and columns on every side")

    def shape(self) -> Shape:
        """Shape of an Input or Output; (channels, height, width) or (lines,).

        Raises
        ------
        InputError
            If it is missing or is none.
        """
        shape = self._floats("shape", (0, 1)).reshape(-1)
        if not shape.size or (shape < 1).any() or (shape != np.rint(shape)).any():
            raise InputError(f"{self}: shape {shape.tolist()} is none")
        axes = tuple(int(min(size, limits.MAX_NEURONS + 1)) for size in shape.tolist())
        return axes if len(axes) == 3 else (min(math.prod(axes), limits.MAX_NEURONS + 1),)

    def _floats(self, field: str, dimensions: tuple[int, ...]) -> np.ndarray:
        values = array_of(self.group, field, dimensions)
        if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
            raise InputError(f"{self}: {field} holds values that are not finite numbers")
        return values.astype(np.float64)


@dataclass(frozen=True)
class Stage:
    """The nodes of one layer.

    Attributes
    ----------
    weights, neurons
        A Linear, Affine or Conv2d, and an IF, LIF or CubaLIF.
    recurrent
        The Linear or Affine from the neurons to themselves.
    pools
        SumPool2d and AvgPool2d in front of the weights.
    lines_delay, neurons_delay
        Delays in front of the weights, and behind them.
    inputs, outputs
        Shapes of the lines that lead to the pools or weights, and of the neurons.
    """

    weights: Node
    neurons: Node
    recurrent: Node | None
    pools: tuple[Node, ...]
    lines_delay: Node | None
    neurons_delay: Node | None
    inputs: Shape
    outputs: Shape


def read_stages(root: h5py.Group) -> list[Stage]:
    """The layers of the graph ``/node`` from Input to Output.

    Graphs within the graph, as recurrent layers are written, are spliced into it.

    Raises
    ------
    InputError
        If the file holds no graph, the graph is no chain of layers, or it has nodes that are not supported.
    """
    if not holds(root, "node"):
        raise InputError("lacks /node; is it a NIR file?")
    graph = group_of(root, "node")
    if _kind(graph) != "NIRGraph":
        raise InputError(f"/node is a {_kind(graph)}, not a NIRGraph")
    nodes, edges = _read_graph(graph, "", 0)
    loops = _take_loops(nodes, edges)
    return _stages(_chained(nodes, sorted(edges)), loops)


def _read_graph(graph: h5py.Group, prefix: str, depth: int) -> tuple[dict[str, Node], set[tuple[str, str]]]:
    """Nodes and edges of a graph, names beginning with a prefix; graphs within it are spliced in."""
    members = group_of(graph, "nodes")
    found = names_of(members)
    if len(found) > _MAX_NODES:
        raise InputError(f"has {len(found)} nodes; {_MAX_NODES} are the most")
    names = texts_of(graph, "edges")
    if len(names) % 2:
        raise InputError(f"{graph.name}/edges is no list of pairs")
    edges = {(prefix + source, prefix + target) for source, target in zip(names[::2], names[1::2], strict=True)}
    nodes: dict[str, Node] = {}
    for name in found:
        group, whole = group_of(members, name), prefix + name
        if (kind := _kind(group)) != "NIRGraph":
            nodes[whole] = _node(group, whole, kind)
            continue
        if depth == _MAX_DEPTH:
            raise InputError(f"node {whole!r} (NIRGraph): graphs within graphs are read {_MAX_DEPTH} deep")
        inner, inner_edges = _read_graph(group, f"{whole}.", depth + 1)
        edges = _spliced(whole, inner, edges, inner_edges)
        nodes |= inner
        if len(nodes) > _MAX_NODES:
            raise InputError(f"has more than {_MAX_NODES} nodes")
    return nodes, edges


def _spliced(
    name: str, inner: dict[str, Node], edges: set[tuple[str, str]], inner_edges: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Edges with those of a graph within, whose Input and Output are taken out of its nodes."""
    ends = {}
    for kind in ("Input", "Output"):
        found = [node for node in inner.values() if node.kind == kind]
        if len(found) != 1:
            raise InputError(f"node {name!r} (NIRGraph): has {len(found)} nodes of type {kind}; one is supported")
        ends[kind] = found[0].name
        del inner[found[0].name]
    firsts = [target for source, target in inner_edges if source == ends["Input"]]
    lasts = [source for source, target in inner_edges if target == ends["Output"]]
    kept = {edge for edge in inner_edges if not {ends["Input"], ends["Output"]} & set(edge)}
    for source, target in edges:
        sources = lasts if source == name else [source]
        targets = firsts if target == name else [target]
        kept |= {(one, other) for one in sources for other in targets}
    return kept


def _node(group: h5py.Group, name: str, kind: str) -> Node:
    node = Node(name, kind, group)
    if kind not in _FIELDS:
        raise InputError(f"{node}: this type is not supported; only {', '.join(_FIELDS)} are")
    if other := sorted(set(names_of(group)) - {"type", "metadata", *_FIELDS[kind]}):
        raise InputError(f"{node}: has {', '.join(other)}, which NIR's {kind} has not")
    return node


def _kind(group: h5py.Group) -> str:
    kinds = texts_of(group, "type")
    if len(kinds) != 1:
        raise InputError(f"{group.name}/type is not one text")
    return kinds[0]


def _take_loops(nodes: dict[str, Node], edges: set[tuple[str, str]]) -> dict[str, Node]:
    """Take weights from neurons to themselves out of a graph: these weights by the neurons' name."""
    loops: dict[str, Node] = {}
    for source, target in sorted(edges):
        if source not in nodes or target not in nodes or (target, source) not in edges or source in loops:
            continue
        weights = nodes[target]
        alone = {edge for edge in edges if target in edge} == {(source, target), (target, source)}
        if nodes[source].kind in NEURONS and weights.kind in ("Linear", "Affine") and alone:
            loops[source] = weights
            edges -= {(source, target), (target, source)}
            del nodes[target]
    return loops


def _chained(nodes: dict[str, Node], edges: list[tuple[str, str]]) -> list[Node]:
    after: dict[str, str] = {}
    before: dict[str, str] = {}
    for source, target in edges:
        for name in (source, target):
            if name not in nodes:
                raise InputError(f"an edge names {name!r}, and there is no such node")
        if source in after:
            raise InputError(
                f"{nodes[source]} sends to {after[source]!r} and {target!r}; only chains of layers are supported, "
                "whose neurons may send to themselves through weights"
            )
        if target in before:
            raise InputError(
                f"{nodes[target]} receives from {before[target]!r} and {source!r}; only chains of layers are "
                "supported, whose neurons may send to themselves through weights"
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


def _stages(chain: list[Node], loops: dict[str, Node]) -> list[Stage]:
    """Group the nodes of a chain into layers, checked to follow each other; Flatten changes shapes alone."""
    first, *inner, last = chain
    if len(inner) > 6 * MAX_LAYERS:
        raise InputError(f"has {len(inner)} nodes; {MAX_LAYERS} layers are the most")
    shape = first.shape()
    stages: list[Stage] = []
    while inner:
        start = shape
        lines_delay = None
        pools: list[Node] = []
        while inner and (
            inner[0].kind in ("Flatten", *POOLS) or (inner[0].kind == "Delay" and not pools and lines_delay is None)
        ):
            node = inner.pop(0)
            if node.kind == "Delay":
                lines_delay = node
                continue
            shape = (math.prod(shape),) if node.kind == "Flatten" else pooled_shape(node, shape)
            pools += [node] if node.kind in POOLS else []
        if not inner and lines_delay is None and not pools:
            break  # a Flatten behind the last layer
        weights = _take(inner, WEIGHTS)
        if weights is None:
            found = inner[0] if inner else last
            raise InputError(f"{found} stands where a layer's weights belong ({' or '.join(WEIGHTS)})")
        start = start if pools else shape
        shape = _behind(weights, shape)
        neurons_delay = _take(inner, ("Delay",))
        neurons = _take(inner, NEURONS)
        if neurons is None and not inner:
            raise InputError(
                f"{neurons_delay or weights} is followed by {last}; layers of weights and neurons are needed"
            )
        if neurons is None:
            raise InputError(f"{inner[0]} stands where a layer's neurons belong ({' or '.join(NEURONS)})")
        recurrent = loops.get(neurons.name)
        count = math.prod(shape)
        if recurrent is not None and recurrent.weight_shape() != (count, count):
            raise InputError(f"{recurrent}: weight has shape {recurrent.weight_shape()}, from and to {count} neurons")
        stages.append(Stage(weights, neurons, recurrent, tuple(pools), lines_delay, neurons_delay, start, shape))
    if not stages:
        raise InputError(f"{first} is followed by {last}; layers of weights and neurons are needed")
    if math.prod(last.shape()) != math.prod(shape):
        raise InputError(f"{last} has {math.prod(last.shape())} lines, and {math.prod(shape)} lead there")
    return stages


def _take(nodes: list[Node], kinds: tuple[str, ...]) -> Node | None:
    return nodes.pop(0) if nodes and nodes[0].kind in kinds else None


def _behind(weights: Node, shape: Shape) -> Shape:
    """Shape of what weights reach from lines of a shape."""
    found = weights.weight_shape()
    if weights.kind != "Conv2d":
        if found[1] != math.prod(shape):
            raise InputError(f"{weights}: weight has shape {found}, and {math.prod(shape)} lines lead there")
        return (found[0],)
    groups, _ = weights.integers("groups", 1)
    if len(shape) != 3 or shape[0] != groups * found[1] or found[0] % groups:
        raise InputError(
            f"{weights}: weight has shape {found} in {groups} groups, and lines of shape {shape} lead there"
        )
    settings = weights.integers("stride", 1), weights.integers("dilation", 1), weights.padding()
    sizes = zip(shape[1:], found[2:], *settings, strict=True)
    return (found[0], *(_positions(weights, *size) for size in sizes))


def pooled_shape(pool: Node, shape: Shape) -> Shape:
    """Shape of what a pool makes of lines of a shape.

    Raises
    ------
    InputError
        If they are not (channels, height, width), or smaller than the kernel.
    """
    if len(shape) != 3:
        raise InputError(f"{pool}: lines of shape {shape} lead there; (channels, height, width) is needed")
    names = (("kernel_size", 1), ("stride", 1), ("padding", 0))
    sizes = zip(shape[1:], *(pool.integers(name, low) for name, low in names), strict=True)
    return (shape[0], *(_positions(pool, size, kernel, stride, 1, pad) for size, kernel, stride, pad in sizes))


def _positions(node: Node, size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """Positions of a kernel along an axis."""
    left = size + 2 * padding - dilation * (kernel - 1) - 1
    if left < 0:
        raise InputError(f"{node}: its kernel of {kernel} is larger than an input of {size}")
    return left // stride + 1


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
