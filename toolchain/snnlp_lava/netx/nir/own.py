"""NIR files: a network for simulators and chips other than Lava's, and networks of theirs for Loihi.

NIR (Pedersen et al., Nature Communications 15, 8122, 2024) describes neurons in continuous time. Its CubaLIF is

    tau_syn dI/dt = -I + w_in S
    tau_mem dv/dt = v_leak - v + r I          a spike, and v = v_reset, where v > v_threshold

S is what the Linear or Affine in front sends. One step of Euler's method of length dt, the current first, is

    I[t] = (1 - dt/tau_syn) I[t-1] + (w_in dt/tau_syn) S[t]
    v[t] = (1 - dt/tau_mem) v[t-1] + (r dt/tau_mem) I[t] + (dt/tau_mem) v_leak

The chip's neuron (`snnlp_lava.network.neuron`) is, with the decays du and dv, W s written as a, all over 4096,

    u[t] = (1 - du/4096) u[t-1] + a[t]/64
    v[t] = (1 - dv/4096) v[t-1] + u[t] + bias/64           a spike, and v = 0, where v > threshold/64

They are the same with

    tau_syn = dt 4096/du    w_in = tau_syn/dt    weight = W/64             v_leak = (bias/64) tau_mem/dt
    tau_mem = dt 4096/dv    r = tau_mem/dt       v_threshold = threshold/64    v_reset = 0

so the scale is 64, SLAYER's, and 1.0 in a NIR file is 64 units of weight and threshold, 4096 of the registers u and v.
dt is 0.1 ms, as in the NIR paper and in those simulators whose step is fixed; a file does not say it. Where dv is 0,
tau_mem is 2^60 steps, whose decay no float can tell from none. Where du is 4096, S reaches v within its step, and the
bias stands in the Affine, which more simulators read than v_leak.

What the floats leave out is that the chip cuts what is left of u and v to integers, wraps u and clips v. The integers
themselves are kept in the metadata of the nodes, and the card in that of the graph, in a group ``snnlp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import h5py
import numpy as np

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, atomic_file, require_file
from snnlp_lava.network import limits
from snnlp_lava.network.network import Layer, Network, checked_layer
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.hdf5 import DAMAGED, array_of, group_of, holds, scalar_of
from snnlp_lava.netx.network_file import card_bytes, check_fit, read_card
from snnlp_lava.netx.nir.foreign import _others
from snnlp_lava.netx.nir.graph import _TOLERANCE, TIME_STEP, Imported, Node, _pairs, read_chain
from snnlp_lava.netx.quantise import SCALE

FORMAT = 1


_NO_DECAY = float(1 << 60)


_METADATA = "snnlp"


def write_nir(path: StrPath, network: Network, card: Card) -> None:
    """Write a network as a NIR file, whole or not at all.

    Raises
    ------
    InputError
        If card and network do not fit together, or the file cannot be written.
    """
    import nir

    check_fit(network, card)
    nodes: dict[str, Any] = {"input": nir.Input(np.array([network.inputs]))}
    for number, layer in enumerate(network.layers, start=1):
        floats = _floats(layer)
        integers = {"weight": layer.weight.astype(np.int16), "bias": layer.bias}
        kind = nir.Affine if "bias" in floats.weights else nir.Linear
        nodes[f"weights{number}"] = kind(**floats.weights, metadata={_METADATA: integers})
        integers = {name: getattr(layer, name) for name in ("current_decay", "voltage_decay", "threshold")}
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
    path = as_path(path)
    require_file(path, "NIR file")
    try:
        with h5py.File(path, "r") as file:
            pairs = _pairs(read_chain(file))
            metadata = _metadata(file["node"])
            if metadata is None:
                return _others(pairs, TIME_STEP if time_step is None else time_step)
            if time_step is not None:
                raise InputError("was exported by snnlp-lava and holds the chip's integers; it takes no time step")
            return _ours(pairs, metadata)
    except InputError as error:
        raise InputError(f"NIR file {path}: {error}") from error
    except DAMAGED as error:
        raise InputError(f"NIR file {path}: is no readable HDF5 file: {one_line(error)}") from error


@dataclass(frozen=True)
class _Floats:
    weights: Mapping[str, np.ndarray]
    neurons: Mapping[str, np.ndarray]


def _floats(layer: Layer) -> _Floats:
    """The parameters of NIR's two nodes for a layer."""
    syn = limits.DECAY_UNITY / layer.current_decay
    mem = limits.DECAY_UNITY / layer.voltage_decay if layer.voltage_decay else _NO_DECAY
    bias = layer.bias / SCALE
    immediate = layer.current_decay == limits.DECAY_UNITY and bias.any()
    weights = {"weight": (layer.weight / SCALE).astype(np.float32)}
    if immediate:
        weights["bias"] = bias.astype(np.float32)
    ones = np.ones(layer.neurons)
    return _Floats(
        weights,
        {
            "tau_syn": ones * syn * TIME_STEP,
            "tau_mem": ones * mem * TIME_STEP,
            "r": ones * mem,
            "v_leak": 0 * ones if immediate else bias * mem,
            "v_threshold": ones * layer.threshold / SCALE,
            "v_reset": 0 * ones,
            "w_in": ones * syn,
        },
    )


def _metadata(group: h5py.Group) -> h5py.Group | None:
    if not holds(group, "metadata") or not holds(group_of(group, "metadata"), _METADATA):
        return None
    return group_of(group_of(group, "metadata"), _METADATA)


def _ours(pairs: list[tuple[Node, Node]], metadata: h5py.Group) -> Imported:
    if (found := scalar_of(metadata, "format")) != FORMAT:
        raise InputError(f"{metadata.name} has format {found}; this version reads format {FORMAT}")
    layers = []
    for number, (weights, neurons) in enumerate(pairs, start=1):
        of_weights, of_neurons = (_metadata(node.group) for node in (weights, neurons))
        if of_weights is None or of_neurons is None:
            raise InputError(f"{weights if of_weights is None else neurons} lacks the chip's integers in its metadata")
        layer = checked_layer(
            number,
            weight=array_of(of_weights, "weight", (2,)),
            bias=array_of(of_weights, "bias", (1,)),
            **{name: scalar_of(of_neurons, name) for name in ("current_decay", "voltage_decay", "threshold")},
        )
        _check_floats(layer, weights, neurons)
        layers.append(layer)
    network, card = Network(tuple(layers)), read_card(metadata)
    check_fit(network, card)
    return Imported(network, card, TIME_STEP)


def _check_floats(layer: Layer, weights: Node, neurons: Node) -> None:
    """Whoever changes the floats and leaves the integers has another network than the one that would be read."""
    floats = _floats(layer)
    given: list[tuple[Node, str, np.ndarray, np.ndarray]] = [
        (weights, "weight", floats.weights["weight"], weights.weight()),
        (weights, "bias", floats.weights.get("bias", np.zeros(layer.neurons)), weights.bias(layer.neurons)),
    ]
    given += [(neurons, name, value, neurons.parameter(name, layer.neurons)) for name, value in floats.neurons.items()]
    for node, name, wanted, found in given:
        if found.shape != wanted.shape or not np.allclose(found, wanted, rtol=_TOLERANCE, atol=0):
            raise InputError(
                f"{node}: {name} is not what the integers in its metadata give; "
                f"without /node/metadata/{_METADATA} the floats are read"
            )
