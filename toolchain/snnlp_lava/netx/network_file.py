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

from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, atomic_file, parse_json, sha256_of_file
from snnlp_lava.network.network import Network
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.hdf5 import array_of, group_of, holds, integer_attribute, names_of, open_hdf5
from snnlp_lava.netx.layers import read_layers, write_layers

FORMAT = 3
_READABLE = (2, FORMAT)
"""Format 2 is that of version 0.1.0, whose encoders took texts as they are."""


_GROUP = "snnlp"


_MAX_ARRAYS = 4


@dataclass(frozen=True)
class NetworkFile:
    """A network file, read and hashed once.

    Attributes
    ----------
    path
        The file.
    sha256
        Hash of its bytes.
    network
        The layers.
    card
        The rest, or None in a file that another program wrote.
    """

    path: Path
    sha256: str
    network: Network
    card: Card | None

    def require_card(self) -> Card:
        """The card, of a file that must say how text becomes its input.

        Raises
        ------
        InputError
            If the file has none.
        """
        if self.card is None:
            raise InputError(
                f"network {self.path}: has no group /{_GROUP}, so it does not say how text becomes its input; "
                "it runs on spikes (--spikes FILE.npy)"
            )
        return self.card


def write_network(path: StrPath, network: Network, card: Card | None) -> None:
    """Write a network file, whole or not at all; without a card it says nothing of texts.

    Raises
    ------
    InputError
        If card and network do not fit together, or the file cannot be written.
    """
    if card is not None:
        check_card_matches(network, card)
    # In memory first: on a full disk HDF5 would crash when it closes a file that it could not write.
    with h5py.File("network", "w", driver="core", backing_store=False) as file:
        write_layers(file, network.layers)
        if card is not None:
            group = file.create_group(_GROUP)
            group.attrs["format"] = FORMAT
            group["card"] = card_bytes(card)
            for name, array in card.encoder.arrays().items():
                group[f"encoder/{name}"] = array
        file.flush()
        content = file.id.get_file_image()
    with atomic_file(as_path(path)) as temporary:
        temporary.write_bytes(content)


def read_network(path: StrPath) -> NetworkFile:
    """Read a network file of ours, or one of dense CUBA layers from lava-dl.

    Raises
    ------
    InputError
        If the file is missing, is no HDF5 or NetX file, holds something unsupported, or a value is out of range.
    """
    with open_hdf5(path, "network") as file:
        network = Network(tuple(read_layers(file)))
        card = _read_group(group_of(file, _GROUP)) if holds(file, _GROUP) else None
        if card is not None:
            check_card_matches(network, card)
    path = as_path(path)
    return NetworkFile(path, sha256_of_file(path), network, card)


def check_card_matches(network: Network, card: Card) -> None:
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


def _read_group(group: h5py.Group) -> Card:
    if (found := integer_attribute(group, "format")) not in _READABLE:
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
    names = names_of(encoder)
    if len(names) > _MAX_ARRAYS:
        raise InputError(f"{encoder.name} has {len(names)} arrays; {_MAX_ARRAYS} are the most")
    return Card.from_parts(document, {name: array_of(encoder, name, (1, 2)) for name in names})
