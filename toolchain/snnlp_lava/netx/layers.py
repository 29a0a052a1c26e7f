"""The layers of a network file: groups ``/layer/0``, ``/layer/1``, ... as lava-dl writes and NetX reads them."""

from __future__ import annotations

from collections.abc import Sequence

import h5py
import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network.network import LAYERS, Layer, naming_layer
from snnlp_lava.netx.hdf5 import (
    array_of,
    dataset_of,
    fixed_text_of,
    group_of,
    holds,
    is_fixed_text,
    names_of,
    scalar_of,
)

MAX_LAYERS = 64

_NEURON_TYPES = ("CUBA", "LOIHI")
_NEURON_FIELDS = {"type", "iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike"}
_OLD_FIELDS = {"scaleRho", "tauRho", "theta", "wgtExp"}  # of the SLAYER before lava-dl; NetX ignores them


def write_layers(file: h5py.File, layers: Sequence[Layer]) -> None:
    """Write the layers into a file that is open for writing."""
    for index, layer in enumerate(layers):
        group = file.create_group(f"layer/{index}")
        group.create_dataset("type", (1,), "S10", [layer.kind.encode()])
        for name, value in layer.to_netx().items():
            group[name] = value
        neuron = layer.neuron
        if neuron.bias.any():
            group["bias"] = neuron.bias
        group["neuron/type"] = np.bytes_(b"CUBA")
        group["neuron/iDecay"] = neuron.current_decay
        group["neuron/vDecay"] = neuron.voltage_decay
        group["neuron/vThMant"] = neuron.threshold
        group["neuron/refDelay"] = 1
        group["neuron/gradedSpike"] = False


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
    for index in range(len(names)):
        if str(index) not in names:
            raise InputError(f"lacks layer/{index}")
        description = group_of(group, str(index))
        kind = fixed_text_of(description, "type")
        if kind == "flatten" or (kind == "input" and index == 0 and not holds(description, "neuron")):
            continue  # shapes alone; between dense layers they change nothing
        layers.append(_read_layer(description, kind, index, layers[-1] if layers else None))
    return layers


def _read_layer(group: h5py.Group, kind: str, index: int, before: Layer | None) -> Layer:
    name = f"layer/{index}"
    if kind not in LAYERS:
        neurons = " with neurons" if kind == "input" and holds(group, "neuron") else ""
        known = ", ".join(repr(known) for known in LAYERS)
        raise InputError(f"{name} is of type {kind!r}{neurons}; supported are {known}")
    layer_type = LAYERS[kind]
    neuron = _read_neuron(group, name)
    fields = {field: array_of(group, field, axes) for field, axes in layer_type.fields.items() if holds(group, field)}
    with naming_layer(index + 1):
        return layer_type.from_netx(fields, neuron, None if before is None else before.output_shape)


def _read_neuron(layer: h5py.Group, name: str) -> dict[str, int]:
    """The parameters of CUBA neurons but for the bias, which stands in the layer.

    lava-dl writes the type as a string of variable length. HDF5 keeps those on a heap whose damage crashes or hangs the
    library, so they are not read; the fields tell a CUBA neuron as well.
    """
    if not holds(layer, "neuron"):
        raise InputError(f"{name} has no neuron description")
    neuron = group_of(layer, "neuron")
    dataset_of(neuron, "type")
    if is_fixed_text(neuron, "type") and (kind := fixed_text_of(neuron, "type")) not in _NEURON_TYPES:
        raise InputError(f"{name} has neurons of type {kind!r}; only {' and '.join(_NEURON_TYPES)} are supported")
    if other := sorted(set(names_of(neuron)) - _NEURON_FIELDS - _OLD_FIELDS):
        raise InputError(
            f"{name} has neurons with {', '.join(other)}; only {' and '.join(_NEURON_TYPES)} are supported"
        )
    if holds(neuron, "gradedSpike") and array_of(neuron, "gradedSpike", (0,)).any():
        raise InputError(f"{name} has graded spikes, which are not supported")
    fields = {"current_decay": "iDecay", "voltage_decay": "vDecay", "threshold": "vThMant"}
    return {field: scalar_of(neuron, stored) for field, stored in fields.items()}
