"""NIR files of ours: written for other simulators, and read back to the chip's integers.

Which floats are written for a layer's integers is said at `_floats`; `snnlp_lava.netx.nir.foreign` has the equations.
The integers themselves are kept in the metadata of the nodes, and the card in that of the graph, in a group ``snnlp``.
dt is 0.1 ms, as in the NIR paper and in those simulators whose step is fixed; a file does not say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import h5py
import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, atomic_file
from snnlp_lava.network import limits
from snnlp_lava.network.conv import Conv
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Layer, Network, naming_layer
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.network.recurrent import RecurrentDense
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.hdf5 import array_of, group_of, holds, open_hdf5, scalar_of
from snnlp_lava.netx.network_file import card_bytes, check_card_matches, read_card
from snnlp_lava.netx.nir.foreign import import_foreign, make_layer
from snnlp_lava.netx.nir.graph import TIME_STEP, TOLERANCE, Imported, Node, Stage, read_stages
from snnlp_lava.netx.quantise import SCALE

FORMAT = 1


_NO_DECAY = float(1 << 60)


_METADATA = "snnlp"


def write_nir(path: StrPath, network: Network, card: Card | None) -> None:
    """Write a network as a NIR file, whole or not at all; without a card it says nothing of texts.

    Raises
    ------
    InputError
        If card and network do not fit together, a layer cannot be written as NIR, or the file cannot be written.
    """
    import nir

    if card is not None:
        check_card_matches(network, card)
    nodes: dict[str, Any] = {"input": nir.Input(np.array(network.input_shape))}
    shape = network.input_shape
    for number, layer in enumerate(network.layers, start=1):
        with naming_layer(number):
            parts = _nodes(layer)
        if len(shape) > len(layer.input_shape):
            nodes[f"flatten{number}"] = nir.Flatten(np.array(shape), 0, -1)
        nodes |= {f"{name}{number}": node for name, node in parts.items()}
        shape = layer.output_shape
    nodes["output"] = nir.Output(np.array(shape))
    metadata: dict[str, Any] = {"format": FORMAT, "time_step": TIME_STEP, "scale": SCALE}
    if card is not None:
        metadata |= {"card": card_bytes(card), "encoder": card.encoder.arrays()}
    # NIR infers the shape behind a kernel as if it were square.
    graph = nir.NIRGraph(nodes, list(pairwise(nodes)), metadata={_METADATA: metadata}, type_check=False)
    with atomic_file(as_path(path)) as temporary:
        nir.write(temporary, graph)


def _nodes(layer: Layer) -> dict[str, Any]:
    """The nodes of a layer, in their order."""
    import nir

    if not isinstance(layer, Dense | RecurrentDense | Conv):
        raise InputError(f"a layer of type {layer.kind} cannot be written as NIR")
    neuron = layer.cuba
    if neuron.threshold > limits.THRESHOLD_MAX:
        raise InputError(f"neurons with a threshold of {neuron.threshold}, which never spike, cannot be written as NIR")
    floats = _floats(layer)
    integers = {"weight": layer.weight.astype(np.int16), "bias": neuron.bias}
    metadata = {_METADATA: integers}
    if isinstance(layer, Conv):
        space = layer.geometry
        settings = {name: np.array(getattr(space, name)) for name in ("stride", "padding", "dilation")}
        weights = nir.Conv2d(
            input_shape=np.array(space.input_shape[1:]),
            groups=space.groups,
            **settings,
            **floats.weights,
            metadata=metadata,
        )
    else:
        weights = (nir.Affine if "bias" in floats.weights else nir.Linear)(**floats.weights, metadata=metadata)
    integers = {name: getattr(neuron, name) for name in ("current_decay", "voltage_decay", "threshold")}
    neurons: Any = nir.CubaLIF(**floats.neurons, metadata={_METADATA: integers})
    if isinstance(layer, RecurrentDense):
        integers = {"weight": layer.recurrent.astype(np.int16)}
        recurrent = nir.Linear(_over_scale(layer.recurrent), metadata={_METADATA: integers})
        neurons = _with_feedback(neurons, recurrent)
    if not isinstance(layer, Dense) or layer.delay is None:
        return {"weights": weights, "neurons": neurons}
    delays = [nir.Delay(steps * TIME_STEP) for steps in _split(layer.delay)]
    return dict(
        zip(
            ("lines_delay", "weights", "neurons_delay", "neurons"),
            (delays[0], weights, delays[1], neurons),
            strict=True,
        )
    )


def _with_feedback(neurons: Any, recurrent: Any) -> Any:
    """Neurons that send to themselves: a graph within the graph, as snnTorch and the NIR paper write it."""
    import nir

    size = np.array(neurons.v_threshold.shape)
    nodes = {"input": nir.Input(size), "neurons": neurons, "recurrent": recurrent, "output": nir.Output(size)}
    edges = [("input", "neurons"), ("neurons", "recurrent"), ("recurrent", "neurons"), ("neurons", "output")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def _split(delay: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Delays (neurons, lines) as those of lines and those of neurons, whose sum they must be: NIR delays lines."""
    of_lines = delay.min(axis=0)
    of_neurons = (delay - of_lines)[:, 0]
    if (delay != of_lines + of_neurons[:, None]).any():
        raise InputError(
            "delays that differ from synapse to synapse cannot be written as NIR, which delays lines or neurons as a "
            "whole"
        )
    return of_lines, of_neurons


def read_nir(path: StrPath, time_step: float | None = None) -> Imported:
    """Read a NIR file: ours as it was, others' chains of weights and IF, LIF or CubaLIF neurons quantised.

    Parameters
    ----------
    path
        The file.
    time_step
        Seconds of a step, which another program's file does not say; `TIME_STEP` by default.

    Raises
    ------
    InputError
        If the file is missing, is no HDF5 or NIR file, holds something unsupported, or a value cannot be stored on
        the chip; or if a time step is given for a file of ours.
    """
    with open_hdf5(path, "NIR file") as file:
        stages = read_stages(file)
        metadata = _metadata(group_of(file, "node"))
        if metadata is None:
            return import_foreign(stages, TIME_STEP if time_step is None else time_step)
        if time_step is not None:
            raise InputError("was exported by snnlp-lava and holds the chip's integers; it takes no time step")
        return _read_own(stages, metadata)


@dataclass(frozen=True)
class _Floats:
    weights: Mapping[str, np.ndarray]
    neurons: Mapping[str, np.ndarray]


def _over_scale(weight: np.ndarray) -> np.ndarray:
    return (weight / SCALE).astype(np.float32)


def _floats(layer: Dense | RecurrentDense | Conv) -> _Floats:
    """The parameters of NIR's two nodes for a layer.

    In the terms of `snnlp_lava.netx.nir.foreign`, with the decays du and dv of 4096:

        tau_syn = dt 4096/du    w_in = tau_syn/dt    weight = W/64             v_leak = (bias/64) tau_mem/dt
        tau_mem = dt 4096/dv    r = tau_mem/dt       v_threshold = threshold/64    v_reset = 0

    so the scale is 64, SLAYER's, and 1.0 in a NIR file is 64 units of weight and threshold, 4096 of the registers u
    and v. Where dv is 0, tau_mem is 2^60 steps, whose decay no float can tell from none. Where du is 4096, S reaches v
    within its step, and the bias stands in the Affine or Conv2d (one for each channel), which more simulators read than
    v_leak.
    """
    neuron, shape = layer.cuba, layer.output_shape
    syn = limits.DECAY_UNITY / neuron.current_decay
    mem = limits.DECAY_UNITY / neuron.voltage_decay if neuron.voltage_decay else _NO_DECAY
    bias = (neuron.bias / SCALE).reshape(shape)
    of_rows = bias.reshape(shape[0], -1)
    shared = (of_rows == of_rows[:, :1]).all()
    immediate = neuron.current_decay == limits.DECAY_UNITY and bias.any() and shared
    weights = {"weight": _over_scale(layer.weight)}
    if immediate or isinstance(layer, Conv):
        weights["bias"] = of_rows[:, 0].astype(np.float32) * bool(immediate)
    ones = np.ones(shape)
    return _Floats(
        weights,
        {
            "tau_syn": ones * syn * TIME_STEP,
            "tau_mem": ones * mem * TIME_STEP,
            "r": ones * mem,
            "v_leak": 0 * ones if immediate else bias * mem,
            "v_threshold": ones * neuron.threshold / SCALE,
            "v_reset": 0 * ones,
            "w_in": ones * syn,
        },
    )


def _metadata(group: h5py.Group) -> h5py.Group | None:
    if not holds(group, "metadata") or not holds(group_of(group, "metadata"), _METADATA):
        return None
    return group_of(group_of(group, "metadata"), _METADATA)


def _read_own(stages: Sequence[Stage], metadata: h5py.Group) -> Imported:
    if (found := scalar_of(metadata, "format")) != FORMAT:
        raise InputError(f"{metadata.name} has format {found}; this version reads format {FORMAT}")
    layers: list[Layer] = []
    for number, stage in enumerate(stages, start=1):
        of_weights, of_neurons = (_integers(node) for node in (stage.weights, stage.neurons))
        weight = array_of(of_weights, "weight", (len(stage.weights.weight_shape()),))
        bias = array_of(of_weights, "bias", (1,))
        parameters = {name: scalar_of(of_neurons, name) for name in ("current_decay", "voltage_decay", "threshold")}
        recurrent = None
        if stage.recurrent is not None:
            recurrent = array_of(_integers(stage.recurrent), "weight", (2,))
        with naming_layer(number):
            layer = make_layer(stage, weight, recurrent, Neuron(bias, **parameters), TIME_STEP)
        _check_floats(layer, stage)
        layers.append(layer)
    network = Network(tuple(layers))
    card = read_card(metadata) if holds(metadata, "card") or holds(metadata, "encoder") else None
    if card is not None:
        check_card_matches(network, card)
    return Imported(network, card, TIME_STEP)


def _integers(node: Node) -> h5py.Group:
    found = _metadata(node.group)
    if found is None:
        raise InputError(f"{node} lacks the chip's integers in its metadata")
    return found


def _check_floats(layer: Dense | RecurrentDense | Conv, stage: Stage) -> None:
    """Whoever changes the floats and leaves the integers has another network than the one that would be read."""
    floats, weights, neurons = _floats(layer), stage.weights, stage.neurons
    given: list[tuple[Node, str, np.ndarray, np.ndarray]] = [
        (weights, "weight", floats.weights["weight"], weights.weight()),
        (weights, "bias", floats.weights.get("bias", np.zeros(layer.output_shape[0])), weights.bias()),
    ]
    given += [
        (neurons, name, value, neurons.parameter(name, layer.output_shape)) for name, value in floats.neurons.items()
    ]
    if isinstance(layer, RecurrentDense) and stage.recurrent is not None:
        given.append((stage.recurrent, "weight", _over_scale(layer.recurrent), stage.recurrent.weight()))
    for node, name, wanted, found in given:
        if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=TOLERANCE, atol=0):
            raise InputError(
                f"{node}: {name} is not what the integers in its metadata give; "
                f"without /node/metadata/{_METADATA} the floats are read"
            )
