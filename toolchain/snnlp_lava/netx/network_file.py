"""Write and read network files.

The layers stand at ``/layer/0``, ``/layer/1``, ... exactly as lava-dl's own export writes them and
``lava.lib.dl.netx.hdf5.Network`` reads them. The group ``/snnlp``, which NetX ignores, holds the `Card`:
``card`` (JSON, as bytes of UTF-8), the encoder's arrays in ``encoder``, and the attribute ``format``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import MAX_WINDOW, Encoder, load_encoder
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, atomic_file, parse_json, require_file
from snnlp_lava.network import limits
from snnlp_lava.network.network import Layer, Network, checked_layer
from snnlp_lava.netx.hdf5 import DAMAGED, array_of, dataset_of, fixed_text_of, group_of, holds, scalar_of


@dataclass(frozen=True)
class Card:
    """Everything that `snnlp-lava run` needs to know of a network beside its layers.

    Attributes
    ----------
    method, level
        As in `snnlp_lava.train.methods.base`: ``snn-rate``, ...; ``sentence`` or ``word``.
    label_names
        Name of each output neuron's class.
    window
        Steps T for which a sample is presented and its spikes are counted.
    period
        Steps from the start of one sample to the start of the next, at least `window`.
    embedding
        The model whose vectors, or the list whose word codes, it was trained on.
    encoder
        From vectors or texts to spikes.
    training
        What it was trained on, how, and how it and its baselines scored (JSON); empty where that is unknown.
    versions
        Versions of the packages that made it.
    """

    method: str
    level: str
    label_names: tuple[str, ...]
    window: int
    period: int
    embedding: EmbeddingInfo
    encoder: Encoder
    training: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label_names", tuple(self.label_names))
        if len(set(self.label_names)) < max(2, len(self.label_names)):
            raise InputError(f"label names {self.label_names!r} are not two or more different names")
        if not 1 <= self.window <= MAX_WINDOW:
            raise InputError(f"window {self.window} is outside 1 to {MAX_WINDOW} steps")
        if not self.window <= self.period <= MAX_WINDOW:
            raise InputError(f"period {self.period} is outside the window, {self.window}, to {MAX_WINDOW} steps")
        if self.training:
            check_training(self.training)
        wanted = self.encoder.dimension
        if wanted is not None and self.embedding.dimension != wanted:
            raise InputError(f"the embedding has {self.embedding.dimension} dimensions, the encoder {wanted}")

    def to_dict(self) -> dict[str, Any]:
        """All but the encoder's arrays, ready for JSON."""
        document = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        document["embedding"] = asdict(self.embedding)
        document["encoder"] = self.encoder.to_dict()
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Card:
        """Inverse of `to_dict`.

        Raises
        ------
        InputError
            If a field is missing or of the wrong type.
        """
        try:
            fields = {name: _typed(document[name], kind) for name, kind in _PLAIN_FIELDS.items()}
            for name in fields["label_names"]:
                _typed(name, str)
            encoder = load_encoder(_typed(document["encoder"], dict), arrays)
            return cls(embedding=embedding_from(document["embedding"]), encoder=encoder, **fields)
        except KeyError as error:
            raise InputError(f"its description lacks {error}") from error
        except TypeError as error:
            raise InputError(f"its description is malformed: {error}") from error


def embedding_from(document: Any) -> EmbeddingInfo:
    """`EmbeddingInfo` from JSON that it was written to.

    Raises
    ------
    TypeError
        If it is something else.
    """
    embedding = EmbeddingInfo(**_typed(document, dict))
    if embedding.dimension is not None:
        _typed(embedding.dimension, int)
    for text in (embedding.name, embedding.sha256):
        if text is not None:
            _typed(text, str)
    return embedding


BASELINES = {"ann": "ANN of the same sizes", "tfidf": "TF-IDF + logistic regression"}
"""Name of each baseline in a training record, and its title for people."""


def check_training(training: Mapping[str, Any]) -> None:
    """Check a record of a training: ``config``, ``data``, ``scores`` and ``baselines``.

    Raises
    ------
    InputError
        If something is missing, of the wrong type or out of range.
    """
    try:
        _typed(training["config"], dict)
        data = training["data"]
        _typed(data["name"], str)
        _typed(data["split_scheme"], str)
        for part in ("train", "validation", "test"):
            _within(data["rows"][part], int, 1, 1 << 40)
        _check_scores(training["scores"])
        _within(training["scores"]["best_epoch"], int, 1, 1 << 40)
        for name, baseline in training["baselines"].items():
            if name not in BASELINES:
                raise ValueError(f"baseline {name!r} is unknown")
            _check_scores(baseline)
            _within(baseline["macs"], (int, float), 0, 1e18)
            _within(baseline.get("effective_macs", 0), (int, float), 0, 1e18)
        if "ann" in training["baselines"]:
            sizes = _typed(training["baselines"]["ann"]["sizes"], list)
            if len(sizes) < 2:
                raise ValueError("the ANN has no layers")
            for size in sizes:
                _within(size, int, 1, 1 << 31)
    except KeyError as error:
        raise InputError(f"its training record lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"its training record is malformed: {error}") from error


def _check_scores(scores: Mapping[str, Any]) -> None:
    for part in ("validation", "test"):
        for score in ("accuracy", "mrr"):
            _within(scores[part][score], (int, float), 0, 1)


def _within(value: Any, kind: Any, low: float, high: float) -> None:
    if not low <= _typed(value, kind) <= high:
        raise ValueError(f"{str(value)[:40]} is outside {low} to {high}")


_PLAIN_FIELDS: dict[str, Any] = {
    "method": str,
    "level": str,
    "label_names": (list, tuple),
    "window": int,
    "period": int,
    "training": dict,
    "versions": dict,
}


def _typed(value: Any, kind: type | Sequence[type]) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):  # type: ignore[arg-type]
        raise TypeError(f"{str(value)[:40]!r} is {type(value).__name__}")
    return value


FORMAT = 2


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
    if found != FORMAT:
        raise InputError(f"/{_GROUP} has format {found}; this version reads format {FORMAT}")
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
    return Card.from_dict(document, {name: array_of(encoder, name, (1, 2)) for name in encoder})
