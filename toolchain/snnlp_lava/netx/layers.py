"""The layers of a network file: groups ``/layer/0``, ``/layer/1``, ... as lava-dl writes and NetX reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import h5py
import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.network.network import LAYERS, Layer, Shape, naming_layer, shape_field
from snnlp_lava.network.neuron import Neuron, NeuronModel
from snnlp_lava.network.sigma_delta import SigmaDelta
from snnlp_lava.netx.hdf5 import (
    array_of,
    fixed_text_of,
    group_of,
    holds,
    is_fixed_text,
    member_of,
    names_of,
    scalar_of,
    texts_of,
)

MAX_LAYERS = 64

_COMPRESSED_FROM = 1 << 17  # weights: those of word lines are mostly 0
_CUBA_FIELDS = {"type", "iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike"}
_OLD_FIELDS = {"scaleRho", "tauRho", "theta", "wgtExp"}  # of the SLAYER before lava-dl; NetX ignores them
_SIGMA_DELTA_FIELDS = {"type", "activation", "vThMant", "sigma_output"}
_NOT_IN_NETX = ("pool", "unpool", "convT", "average", "concat", "dense_comp")
"""Layers that lava-dl writes, and NetX 0.6 cannot run."""


def write_layers(file: h5py.File, layers: Sequence[Layer]) -> None:
    """Write the layers into a file that is open for writing, with the shapes that NetX needs between them."""
    shape: Shape = (0,)
    if len(layers[0].input_shape) > 1 and not layers[0].takes_values:
        shape = layers[0].input_shape
        _new_layer(file, "input")["shape"] = np.array(shape)
    for layer in layers:
        if len(shape) > len(layer.input_shape):
            _new_layer(file, "flatten")["shape"] = np.array(layer.input_shape)
        group = _new_layer(file, layer.kind)
        for name, value in layer.to_netx().items():
            large = np.size(value) >= _COMPRESSED_FROM
            group.create_dataset(name, data=value, **({"compression": "gzip", "shuffle": True} if large else {}))
        if layer.neuron.bias.any():
            group["bias"] = layer.neuron.bias.reshape(layer.output_shape).T
        for name, value in layer.neuron.to_netx().items():
            group[f"neuron/{name}"] = value
        shape = layer.output_shape


def _new_layer(file: h5py.File, kind: str) -> h5py.Group:
    group = file.create_group(f"layer/{len(file['layer']) if 'layer' in file else 0}")
    group.create_dataset("type", (1,), "S10", [kind.encode()])
    return group


def read_layers(file: h5py.File) -> list[Layer]:
    """Read all layers, whatever program wrote them.

    Raises
    ------
    InputError
        If one is missing, of an unknown type, has neurons or fields that are not supported, or a value out of range.
    """
    if not holds(file, "layer"):
        raise InputError("lacks /layer; is it a NetX file?")
    group = group_of(file, "layer")
    names = names_of(group)
    if not 1 <= len(names) <= MAX_LAYERS:
        raise InputError(f"has {len(names)} layers; 1 to {MAX_LAYERS} are supported")
    layers: list[Layer] = []
    shape: Shape | None = None
    flat = False
    for index in range(len(names)):
        if str(index) not in names:
            raise InputError(f"lacks layer/{index}")
        description, name = group_of(group, str(index)), f"layer/{index}"
        kind = fixed_text_of(description, "type")
        if kind == "flatten":
            flat = True
            continue
        if kind == "input" and not layers and not holds(description, "neuron"):
            with naming_layer(index + 1):
                fields = {"shape": array_of(description, "shape", (1,))} if holds(description, "shape") else {}
                shape = shape_field(fields) if fields else None
            continue
        layer = _read_layer(description, kind, name, shape)
        if len(layer.input_shape) == 1:
            _check_flat(layers, flat, name)
            flat = False
        layers.append(layer)
        shape = layer.output_shape
    if not layers:
        raise InputError("has no layer with neurons")
    return layers


def _check_flat(layers: Sequence[Layer], flat: bool, name: str) -> None:
    """NetX transposes three axes where a flatten stands between two layers, and connects equal shapes else."""
    if not layers or flat == (len(layers[-1].output_shape) == 3):
        return
    shape = layers[-1].output_shape
    if flat:
        raise InputError(f"{name} flattens {shape}; NetX 0.6 flattens (channels, height, width) only")
    raise InputError(f"{name} takes one axis, and no flatten stands between it and {shape}")


def _read_layer(group: h5py.Group, kind: str, name: str, inputs: Shape | None) -> Layer:
    if kind in _NOT_IN_NETX:
        raise InputError(f"{name} is of type {kind!r}, which NetX 0.6 cannot run either")
    if kind not in LAYERS:
        known = ", ".join(repr(known) for known in (*LAYERS, "flatten"))
        raise InputError(f"{name} is of type {kind!r}; supported are {known}")
    layer_type = LAYERS[kind]
    if (
        holds(group, "weight")
        and isinstance(weight := member_of(group, "weight"), h5py.Group)
        and holds(weight, "imag")
    ):
        raise InputError(f"{name} has complex weights, which are not supported")
    neuron = _read_neuron(group, name, kind)
    fields = {field: array_of(group, field, axes) for field, axes in layer_type.fields.items() if holds(group, field)}
    with naming_layer(int(name.rpartition("/")[2]) + 1):
        return layer_type.from_netx(fields, neuron, inputs)


def _read_neuron(layer: h5py.Group, name: str, kind: str) -> Callable[[np.ndarray], NeuronModel]:
    """What makes neurons of their biases."""
    if not holds(layer, "neuron"):
        if not kind.startswith("dense"):
            raise InputError(f"{name} has no neuron description")
        # NetX's own: what arrives adds up in u, without end, and v is u.
        return partial(
            Neuron,
            current_decay=0,
            voltage_decay=limits.DECAY_UNITY,
            threshold=limits.THRESHOLDS_NEVER_REACHED[0],
        )
    neuron = group_of(layer, "neuron")
    model = _text(neuron, "type")
    if model in ("CUBA", "LOIHI"):
        return _read_cuba(neuron, name)
    if model == "SDNN":
        return _read_sigma_delta(neuron, name, kind)
    why = "not supported" if model in ("RF", "RF_PHASE") else "which NetX 0.6 cannot run either"
    raise InputError(f"{name} has neurons of type {model!r}, {why}; supported are CUBA, LOIHI and SDNN")


def _read_cuba(neuron: h5py.Group, name: str) -> Callable[[np.ndarray], NeuronModel]:
    if other := sorted(set(names_of(neuron)) - _CUBA_FIELDS - _OLD_FIELDS):
        raise InputError(f"{name} has CUBA neurons with {', '.join(other)}, which are not supported")
    if holds(neuron, "gradedSpike") and array_of(neuron, "gradedSpike", (0,)).any():
        raise InputError(f"{name} has graded spikes of CUBA neurons, which NetX 0.6 does not run either")
    if holds(neuron, "refDelay") and scalar_of(neuron, "refDelay") > 1:
        raise InputError(f"{name} has refDelay {scalar_of(neuron, 'refDelay')}; NetX 0.6 ignores it and runs 1")
    fields = {"current_decay": "iDecay", "voltage_decay": "vDecay", "threshold": "vThMant"}
    values: dict[str, Any] = {field: scalar_of(neuron, stored) for field, stored in fields.items()}
    return partial(Neuron, **values)


def _read_sigma_delta(neuron: h5py.Group, name: str, kind: str) -> Callable[[np.ndarray], NeuronModel]:
    if other := sorted(set(names_of(neuron)) - _SIGMA_DELTA_FIELDS):
        raise InputError(f"{name} has SDNN neurons with {', '.join(other)}, which are not supported")
    role = "delta" if kind == "input" else "sigma" if holds(neuron, "sigma_output") else "sigma-delta"
    if role == "sigma-delta" and holds(neuron, "activation") and (found := _text(neuron, "activation")) != "relu":
        raise InputError(f"{name} has the activation {found!r}; NetX 0.6 runs ReLU whatever it says")
    return partial(SigmaDelta, threshold=scalar_of(neuron, "vThMant"), role=role)  # type: ignore[arg-type]


def _text(group: h5py.Group, key: str) -> str:
    """A text of fixed or variable length, which lava-dl writes; None of HDF5's own reading is safe for the latter."""
    texts = [fixed_text_of(group, key)] if is_fixed_text(group, key) else texts_of(group, key)
    if len(texts) != 1:
        raise InputError(f"{group.name}/{key} must be one text, got {len(texts)}")
    return texts[0]
