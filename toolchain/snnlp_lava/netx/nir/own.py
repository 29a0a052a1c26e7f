"""NIR files of ours: written for other simulators, and read back to the chip's integers.

Which floats are written for a layer's integers is said at `_floats`; `snnlp_lava.netx.nir.foreign` has the equations.
The integers themselves are kept in the metadata of the nodes, and the card in that of the graph, in a group ``snnlp``.
dt is 0.1 ms, as in the NIR paper and in those simulators whose step is fixed; a file does not say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import h5py
import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, atomic_file
from snnlp_lava.network import limits
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network, naming_layer
from snnlp_lava.network.neuron import Neuron
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.hdf5 import array_of, group_of, holds, open_hdf5, scalar_of
from snnlp_lava.netx.network_file import card_bytes, check_card_matches, read_card
from snnlp_lava.netx.nir.foreign import import_foreign
from snnlp_lava.netx.nir.graph import TIME_STEP, TOLERANCE, Imported, Node, layer_pairs, read_chain
from snnlp_lava.netx.quantise import SCALE

FORMAT = 1


_NO_DECAY = float(1 << 60)


_METADATA = "snnlp"


def write_nir(path: StrPath, network: Network, card: Card) -> None:
    """Write a network as a NIR file, whole or not at all.

    Raises
    ------
    InputError
        If card and network do not fit together, a layer cannot be written as NIR, or the file cannot be written.
    """
    import nir

    check_card_matches(network, card)
    nodes: dict[str, Any] = {"input": nir.Input(np.array([network.inputs]))}
    for number, layer in enumerate(network.layers, start=1):
        if not isinstance(layer, Dense) or layer.delay is not None:
            what = f"{layer.kind} with delays" if isinstance(layer, Dense) else layer.kind
            raise InputError(f"layer {number} ({what}) cannot be written as NIR; only dense layers without delays can")
        floats = _floats(layer)
        integers = {"weight": layer.weight.astype(np.int16), "bias": layer.neuron.bias}
        kind = nir.Affine if "bias" in floats.weights else nir.Linear
        nodes[f"weights{number}"] = kind(**floats.weights, metadata={_METADATA: integers})
        integers = {name: getattr(layer.cuba, name) for name in ("current_decay", "voltage_decay", "threshold")}
        nodes[f"neurons{number}"] = nir.CubaLIF(**floats.neurons, metadata={_METADATA: integers})
    nodes["output"] = nir.Output(np.array([network.outputs]))
    names = list(nodes)
    metadata = {
        "format": FORMAT,
        "time_step": TIME_STEP,
        "scale": SCALE,
        "card": card_bytes(card),
        "encoder": card.encoder.arrays(),
    }
    graph = nir.NIRGraph(nodes, list(pairwise(names)), metadata={_METADATA: metadata})
    with atomic_file(as_path(path)) as temporary:
        nir.write(temporary, graph)


def read_nir(path: StrPath, time_step: float | None = None) -> Imported:
    """Read a NIR file: ours as it was, others' chains of dense layers and LIF or CubaLIF neurons quantised.

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
        pairs = layer_pairs(read_chain(file))
        metadata = _metadata(group_of(file, "node"))
        if metadata is None:
            return import_foreign(pairs, TIME_STEP if time_step is None else time_step)
        if time_step is not None:
            raise InputError("was exported by snnlp-lava and holds the chip's integers; it takes no time step")
        return _read_own(pairs, metadata)


@dataclass(frozen=True)
class _Floats:
    weights: Mapping[str, np.ndarray]
    neurons: Mapping[str, np.ndarray]


def _floats(layer: Dense) -> _Floats:
    """The parameters of NIR's two nodes for a layer.

    In the terms of `snnlp_lava.netx.nir.foreign`, with the decays du and dv of 4096:

        tau_syn = dt 4096/du    w_in = tau_syn/dt    weight = W/64             v_leak = (bias/64) tau_mem/dt
        tau_mem = dt 4096/dv    r = tau_mem/dt       v_threshold = threshold/64    v_reset = 0

    so the scale is 64, SLAYER's, and 1.0 in a NIR file is 64 units of weight and threshold, 4096 of the registers u
    and v. Where dv is 0, tau_mem is 2^60 steps, whose decay no float can tell from none. Where du is 4096, S reaches v
    within its step, and the bias stands in the Affine, which more simulators read than v_leak.
    """
    neuron = layer.cuba
    syn = limits.DECAY_UNITY / neuron.current_decay
    mem = limits.DECAY_UNITY / neuron.voltage_decay if neuron.voltage_decay else _NO_DECAY
    bias = neuron.bias / SCALE
    immediate = neuron.current_decay == limits.DECAY_UNITY and bias.any()
    weights = {"weight": (layer.weight / SCALE).astype(np.float32)}
    if immediate:
        weights["bias"] = bias.astype(np.float32)
    ones = np.ones(neuron.count)
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


def _read_own(pairs: list[tuple[Node, Node]], metadata: h5py.Group) -> Imported:
    if (found := scalar_of(metadata, "format")) != FORMAT:
        raise InputError(f"{metadata.name} has format {found}; this version reads format {FORMAT}")
    layers: list[Dense] = []
    for number, (weights, neurons) in enumerate(pairs, start=1):
        of_weights, of_neurons = (_metadata(node.group) for node in (weights, neurons))
        if of_weights is None or of_neurons is None:
            raise InputError(f"{weights if of_weights is None else neurons} lacks the chip's integers in its metadata")
        weight, bias = array_of(of_weights, "weight", (2,)), array_of(of_weights, "bias", (1,))
        parameters = {name: scalar_of(of_neurons, name) for name in ("current_decay", "voltage_decay", "threshold")}
        with naming_layer(number):
            layer = Dense(weight, Neuron(bias, **parameters))
        _check_floats(layer, weights, neurons)
        layers.append(layer)
    network, card = Network(tuple(layers)), read_card(metadata)
    check_card_matches(network, card)
    return Imported(network, card, TIME_STEP)


def _check_floats(layer: Dense, weights: Node, neurons: Node) -> None:
    """Whoever changes the floats and leaves the integers has another network than the one that would be read."""
    floats = _floats(layer)
    given: list[tuple[Node, str, np.ndarray, np.ndarray]] = [
        (weights, "weight", floats.weights["weight"], weights.weight()),
        (weights, "bias", floats.weights.get("bias", np.zeros(layer.neurons)), weights.bias(layer.neurons)),
    ]
    given += [(neurons, name, value, neurons.parameter(name, layer.neurons)) for name, value in floats.neurons.items()]
    for node, name, wanted, found in given:
        if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=TOLERANCE, atol=0):
            raise InputError(
                f"{node}: {name} is not what the integers in its metadata give; "
                f"without /node/metadata/{_METADATA} the floats are read"
            )
