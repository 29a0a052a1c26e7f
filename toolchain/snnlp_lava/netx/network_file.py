"""Write and read network files.

The layers stand at ``/layer/0``, ``/layer/1``, ... exactly as lava-dl's own export writes them and
``lava.lib.dl.netx.hdf5.Network`` reads them. The group ``/snnlp``, which NetX ignores, holds the `Card`:
``card`` (JSON, as bytes of UTF-8), the encoder's arrays in ``encoder``, and the attribute ``format``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, atomic_file, parse_json, require_file
from snnlp_lava.network import limits
from snnlp_lava.network.network import Layer, Network, checked_layer
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.hdf5 import DAMAGED, array_of, dataset_of, fixed_text_of, group_of, holds, scalar_of

FORMAT = 3
_READABLE = (2, FORMAT)
"""Format 2 is that of version 0.1.0, whose encoders took texts as they are."""


MAX_LAYERS = 64


_GROUP = "snnlp"


_MAX_ARRAYS = 4


_NEURON_TYPES = ("CUBA", "LOIHI")


_NEURON_FIELDS = {"type", "iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike"}


_OLD_FIELDS = {"scaleRho", "tauRho", "theta", "wgtExp"}  # of the SLAYER before lava-dl; NetX ignores them


@dataclass(frozen=True)
class NetworkFile:
    """What a network file holds.

    Attributes
    ----------
    network
        The layers.
    card
        The rest, or None in a file that another program wrote.
    """

    network: Network
    card: Card | None


def write_network(path: StrPath, network: Network, card: Card | None) -> None:
    """Write a network file, whole or not at all; without a card it says nothing of texts.

    Raises
    ------
    InputError
        If card and network do not fit together, or the file cannot be written.
    """
    if card is not None:
        check_fit(network, card)
    with atomic_file(as_path(path)) as temporary, h5py.File(temporary, "w") as file:
        for index, layer in enumerate(network.layers):
            _write_layer(file.create_group(f"layer/{index}"), layer)
        if card is None:
            return
        group = file.create_group(_GROUP)
        group.attrs["format"] = FORMAT
        group["card"] = card_bytes(card)
        for name, array in card.encoder.arrays().items():
            group[f"encoder/{name}"] = array


def read_network(path: StrPath) -> NetworkFile:
    """Read a network file of ours, or one of dense CUBA layers from lava-dl.

    Raises
    ------
    InputError
        If the file is missing, is no HDF5 or NetX file, holds something unsupported, or a value is out of range.
    """
    path = as_path(path)
    require_file(path, "network")
    try:
        with h5py.File(path, "r") as file:
            if not holds(file, "layer"):
                raise InputError("lacks /layer; is it a NetX file?")
            network = Network(tuple(_read_layers(group_of(file, "layer"))))
            card = _read_group(group_of(file, _GROUP)) if holds(file, _GROUP) else None
        if card is not None:
            check_fit(network, card)
    except InputError as error:
        raise InputError(f"network {path}: {error}") from error
    except DAMAGED as error:
        raise InputError(f"network {path}: is no readable HDF5 file: {one_line(error)}") from error
    return NetworkFile(network, card)


def read_complete_network(path: Path) -> tuple[Network, Card]:
    """Read a network file that must say how text becomes its input.

    Raises
    ------
    InputError
        As `read_network`, and if the file has no card.
    """
    file = read_network(path)
    if file.card is None:
        raise InputError(
            f"network {path}: has no group /{_GROUP}, so it does not say how text becomes its input; "
            "it runs on spikes (--spikes FILE.npy)"
        )
    return file.network, file.card


def check_fit(network: Network, card: Card) -> None:
    """Check that a card belongs to a network.

    Raises
    ------
    InputError
        If the encoder feeds another number of lines, or the label names are not as many as the output neurons.
    """
    if network.inputs != card.encoder.lines:
        raise InputError(f"{network.inputs} input lines, but its encoder feeds {card.encoder.lines}")
    if network.outputs != len(card.label_names):
        raise InputError(f"{network.outputs} output neurons, but {len(card.label_names)} label names")


def _write_layer(group: h5py.Group, layer: Layer) -> None:
    group.create_dataset("type", (1,), "S10", [b"dense"])
    group["shape"] = np.array([layer.neurons])
    group["inFeatures"] = layer.inputs
    group["outFeatures"] = layer.neurons
    group["weight"] = layer.weight.astype(np.int16)  # NetX casts to int
    if layer.bias.any():
        group["bias"] = layer.bias
    group["neuron/type"] = np.bytes_(b"CUBA")
    group["neuron/iDecay"] = layer.current_decay
    group["neuron/vDecay"] = layer.voltage_decay
    group["neuron/vThMant"] = layer.threshold
    group["neuron/refDelay"] = 1
    group["neuron/gradedSpike"] = False


def _read_layers(group: h5py.Group) -> list[Layer]:
    if not 1 <= len(group) <= MAX_LAYERS:
        raise InputError(f"has {len(group)} layers; 1 to {MAX_LAYERS} are supported")
    layers: list[Layer] = []
    for index in range(len(group)):
        if str(index) not in group:
            raise InputError(f"lacks layer/{index}")
        description = group_of(group, str(index))
        kind = fixed_text_of(description, "type")
        if kind == "flatten" or (kind == "input" and index == 0 and "neuron" not in description):
            continue  # shapes alone; between dense layers they change nothing
        layers.append(_read_dense(description, kind, index))
    return layers


def _read_dense(group: h5py.Group, kind: str, index: int) -> Layer:
    name = f"layer/{index}"
    if kind != "dense":
        neurons = " with neurons" if kind == "input" and "neuron" in group else ""
        raise InputError(f"{name} is of type {kind!r}{neurons}; only 'dense' is supported")
    if "neuron" not in group:
        raise InputError(f"{name} has no neuron description")
    neuron = group_of(group, "neuron")
    _check_neuron(name, neuron)
    if "delay" in group and array_of(group, "delay", (0, 1, 2)).any():
        raise InputError(f"{name} has synaptic delays, which are not supported")
    if "gradedSpike" in neuron and array_of(neuron, "gradedSpike", (0,)).any():
        raise InputError(f"{name} has graded spikes, which are not supported")
    weight = array_of(group, "weight", (1, 2))
    if weight.ndim == 1:  # of one neuron or one line
        outputs = int(array_of(group, "shape", (0, 1)).prod())
        if outputs < 1 or weight.size % outputs:
            raise InputError(f"{name} has {weight.size} weights for {outputs} neurons")
        weight = weight.reshape(outputs, -1)
    if max(weight.shape) > limits.MAX_NEURONS:
        raise InputError(f"{name} has weights of shape {weight.shape}; {limits.MAX_NEURONS} neurons are the most")
    bias = array_of(group, "bias", (1,)) if "bias" in group else np.zeros(len(weight), dtype=np.int32)
    return checked_layer(
        index + 1,
        weight=weight,
        bias=bias,
        current_decay=scalar_of(neuron, "iDecay"),
        voltage_decay=scalar_of(neuron, "vDecay"),
        threshold=scalar_of(neuron, "vThMant"),
    )


def _check_neuron(name: str, neuron: h5py.Group) -> None:
    # lava-dl writes the type as a string of variable length. HDF5 keeps those on a heap whose damage crashes or
    # hangs the library, so they are not read; the fields tell a CUBA neuron as well.
    type_of = dataset_of(neuron, "type")
    string = h5py.check_string_dtype(type_of.dtype)
    fixed = string is not None and string.length is not None
    if fixed and (kind := fixed_text_of(neuron, "type")) not in _NEURON_TYPES:
        raise InputError(f"{name} has neurons of type {kind!r}; only {' and '.join(_NEURON_TYPES)} are supported")
    if other := sorted(set(neuron) - _NEURON_FIELDS - _OLD_FIELDS):
        raise InputError(
            f"{name} has neurons with {', '.join(other)}; only {' and '.join(_NEURON_TYPES)} are supported"
        )


def _read_group(group: h5py.Group) -> Card:
    if "format" not in group.attrs:
        raise InputError(f"/{_GROUP} has no attribute format")
    attribute = group.attrs.get_id("format")
    # A string of variable length must not be read (see `_check_neuron`), so the type is looked at first.
    found = group.attrs["format"] if attribute.shape == () and attribute.dtype.kind in "iu" else None
    if found not in _READABLE:
        raise InputError(f"/{_GROUP} has format {found}; this version reads {' and '.join(map(str, _READABLE))}")
    return read_card(group)


def card_bytes(card: Card) -> np.ndarray:
    """All of a card but the encoder's arrays: JSON in UTF-8, (bytes,) uint8."""
    document = json.dumps(card.to_dict(), ensure_ascii=False, sort_keys=True, allow_nan=False)
    return np.frombuffer(document.encode(), dtype=np.uint8)


def read_card(group: h5py.Group) -> Card:
    """Read the card from a group that holds ``card`` and ``encoder``.

    Raises
    ------
    InputError
        If something is missing, malformed or out of range.
    """
    card = array_of(group, "card", (1,))
    if card.dtype != np.uint8:
        raise InputError(f"{group.name}/card is {card.dtype}, not bytes")
    try:
        document = parse_json(card.tobytes())
    except InputError as error:
        raise InputError(f"{group.name}/card {error}") from error
    encoder = group_of(group, "encoder")
    if len(encoder) > _MAX_ARRAYS:
        raise InputError(f"{encoder.name} has {len(encoder)} arrays; {_MAX_ARRAYS} are the most")
    return Card.from_parts(document, {name: array_of(encoder, name, (1, 2)) for name in encoder})
