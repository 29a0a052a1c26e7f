"""Read members of HDF5 files that may be damaged or malformed.

Links are not followed, other files not opened, and nothing larger than `MAX_BYTES` is allocated, compressed or not.
What HDF5 itself does not survive is done here: strings of variable length stand on a heap whose damage crashes or hangs
the library; a chunk is inflated to whatever it grows to, and one longer than it should be is written over what stands
behind its buffer.

Sources: HDF5 File Format Specification 3.0, III.E "Level 1E: Global Heap" and IV.A.2.q "Filter Pipeline".
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, require_file

MAX_BYTES = 1 << 28  # of one dataset; all cores of a Loihi 2 chip have a tenth of that

_DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)  # h5py raises them
_MAX_TEXTS = 1024
_MAX_TEXT = 1024
_MAX_HEAP = 1 << 20
_HEAP_HEADER = struct.Struct("<4sB3xQ")
_HEAP_OBJECT = struct.Struct("<H6xQ")
_HEAP_POINTER = struct.Struct("<IQI")


@contextmanager
def _h5py() -> Iterator[None]:
    """Stand around calls of h5py alone, so that a mistake in our own reading is never told as a damaged file."""
    try:
        yield
    except _DAMAGED as error:
        raise InputError(f"is not a readable HDF5 file: {one_line(error)}") from error


@contextmanager
def open_hdf5(path: StrPath, what: str) -> Iterator[h5py.File]:
    """Open a file; errors of the block name it.

    Parameters
    ----------
    path
        The file.
    what
        What it should be, as errors name it: ``network``.

    Raises
    ------
    InputError
        If it is missing or is no HDF5 file; and the block's, with the path before them.
    """
    path = as_path(path)
    require_hdf5(path, what)
    try:
        with _h5py():
            file = h5py.File(path, "r")
        try:
            yield file
        finally:
            with _h5py():
                file.close()
    except InputError as error:
        raise InputError(f"{what} {path}: {error}") from error


def require_hdf5(path: Path, what: str) -> None:
    """Look at a file's first bytes, before anything reads all of it.

    Raises
    ------
    InputError
        If it is missing, or has no signature of HDF5 where one may stand.
    """
    require_file(path, what)
    try:
        with _h5py():
            found = h5py.is_hdf5(path)
    except InputError as error:
        raise InputError(f"{what} {path}: {error}") from error
    if not found:
        raise InputError(f"{what} {path}: is not a readable HDF5 file: it has no HDF5 signature")


def names_of(group: h5py.Group) -> list[str]:
    """Names of a group's members and links.

    Raises
    ------
    InputError
        If the file is damaged there.
    """
    with _h5py():
        names = list(group)
    if not all(isinstance(name, str) for name in names):
        raise InputError(f"{group.name} has a member whose name is not UTF-8")
    return names


def holds(parent: h5py.Group, key: str) -> bool:
    """Whether a group has a member or a link of this name; the link is not followed.

    Raises
    ------
    InputError
        If the file is damaged there.
    """
    with _h5py():
        return parent.get(key, getlink=True) is not None


def member_of(parent: h5py.Group, key: str) -> Any:
    """A member that stands in the group itself.

    Raises
    ------
    InputError
        If there is none of this name, or it is a link to elsewhere.
    """
    with _h5py():
        link = parent.get(key, getlink=True)
    if link is None:
        raise InputError(f"lacks {parent.name.rstrip('/')}/{key}")
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"{parent.name.rstrip('/')}/{key} is a link to elsewhere, which is not followed")
    with _h5py():
        return parent[key]


def group_of(parent: h5py.Group, key: str) -> h5py.Group:
    """A member that is a group.

    Raises
    ------
    InputError
        If it is missing, a link or no group.
    """
    member = member_of(parent, key)
    if not isinstance(member, h5py.Group):
        raise InputError(f"{member.name} is not a group")
    return member


def dataset_of(parent: h5py.Group, key: str) -> h5py.Dataset:
    """A member that is a dataset with data of its own; not read yet.

    Raises
    ------
    InputError
        If it is missing, a link, no dataset, kept in another file or larger than `MAX_BYTES`.
    """
    member = member_of(parent, key)
    with _h5py():
        empty = not isinstance(member, h5py.Dataset) or member.shape is None or member.dtype is None
        name = getattr(member, "name", key)
        elsewhere = not empty and (member.external or member.is_virtual)
        size = 0 if empty else member.nbytes
    if empty:
        raise InputError(f"{name} is not a dataset")
    if elsewhere:
        raise InputError(f"{name} keeps its data in another file, which is not followed")
    if size > MAX_BYTES:
        raise InputError(f"{name} has {size} bytes; {MAX_BYTES} are the most")
    return member


def shape_of(parent: h5py.Group, key: str) -> tuple[int, ...]:
    """A dataset's shape; its values are not read.

    Raises
    ------
    InputError
        As `dataset_of`.
    """
    dataset = dataset_of(parent, key)
    with _h5py():
        return tuple(dataset.shape)


def array_of(parent: h5py.Group, key: str, dimensions: tuple[int, ...]) -> np.ndarray:
    """A member's numbers.

    Parameters
    ----------
    parent, key
        The group and the member's name.
    dimensions
        Numbers of axes that it may have.

    Raises
    ------
    InputError
        If `dataset_of` does, or it holds no numbers, has other axes, or is compressed otherwise than by gzip.
    """
    dataset = dataset_of(parent, key)
    with _h5py():
        kind, shape = dataset.dtype, dataset.shape
    if len(shape) not in dimensions or kind.kind not in "iufb":
        axes = " or ".join(map(str, dimensions))
        raise InputError(f"{dataset.name} is {kind} of shape {shape}, not numbers of {axes} axes")
    return _values(dataset)


def scalar_of(parent: h5py.Group, key: str) -> int:
    """A member that is one integer of 32 bits.

    Raises
    ------
    InputError
        If it is anything else.
    """
    values = array_of(parent, key, (0, 1))
    if values.size == 1 and abs(value := values.item()) < 1 << 31 and value == int(value):
        return int(value)
    found = values.item() if values.size == 1 else f"{values.size} values"
    raise InputError(f"{parent.name}/{key} must be one integer of 32 bits (one for the whole layer), got {found}")


def fixed_text_of(parent: h5py.Group, key: str) -> str:
    """A member that is one text of fixed length.

    Raises
    ------
    InputError
        If it is anything else, or not UTF-8.
    """
    dataset = dataset_of(parent, key)
    string = h5py.check_string_dtype(dataset.dtype)
    if string is None or string.length is None or dataset.size != 1:
        raise InputError(f"{dataset.name} is not one text of fixed length")
    return _fixed_texts(dataset)[0]


def texts_of(parent: h5py.Group, key: str) -> list[str]:
    """A member's texts of fixed or variable length, row by row.

    Raises
    ------
    InputError
        If it holds no texts, too many or too long ones, they are not UTF-8, or their heap is damaged.
    """
    dataset = dataset_of(parent, key)
    string = h5py.check_string_dtype(dataset.dtype)
    if string is None:
        raise InputError(f"{dataset.name} holds {dataset.dtype}, not text")
    if dataset.size > _MAX_TEXTS:
        raise InputError(f"{dataset.name} has {dataset.size} texts; {_MAX_TEXTS} are the most")
    if string.length is not None:
        return _fixed_texts(dataset)
    with _h5py():
        offset = dataset.id.get_offset()
        plain = dataset.file.userblock_size == 0 and dataset.file.id.get_create_plist().get_sizes() == (8, 8)
    if not plain or offset is None:
        raise InputError(f"{dataset.name} is not stored as h5py stores text")
    with Path(dataset.file.filename).open("rb") as handle:
        handle.seek(offset)
        pointers = handle.read(dataset.size * _HEAP_POINTER.size)
        if len(pointers) != dataset.size * _HEAP_POINTER.size:
            raise InputError(f"{dataset.name} ends behind the file")
        heaps: dict[int, dict[int, bytes]] = {}
        texts = []
        for length, address, index in _HEAP_POINTER.iter_unpack(pointers):
            if length and address not in heaps:
                heaps[address] = _heap(handle, address)
            text = heaps[address].get(index, b"") if length else b""
            if len(text) < length or length > _MAX_TEXT:
                raise InputError(f"{dataset.name} holds a text that is damaged or longer than {_MAX_TEXT} bytes")
            texts.append(_decoded(dataset, text[:length]))
    return texts


def _fixed_texts(dataset: h5py.Dataset) -> list[str]:
    if dataset.chunks is not None:  # which HDF5 would inflate
        raise InputError(f"{dataset.name} is not stored as h5py stores text")
    with _h5py():
        values = np.asarray(dataset[()])
    return [_decoded(dataset, bytes(text)) for text in values.reshape(-1).tolist()]


def _heap(handle: BinaryIO, address: int) -> dict[int, bytes]:
    """Objects of the global heap collection at `address` by their number; none where it is damaged."""
    size_of_file = handle.seek(0, 2)
    if address >= size_of_file:
        return {}
    handle.seek(address)
    header = handle.read(_HEAP_HEADER.size)
    if len(header) < _HEAP_HEADER.size:
        return {}
    signature, version, size = _HEAP_HEADER.unpack(header)
    if (signature, version) != (b"GCOL", 1):
        return {}
    collection = handle.read(min(size, _MAX_HEAP))
    objects, place = {}, 0
    while place + _HEAP_OBJECT.size <= len(collection):
        index, size = _HEAP_OBJECT.unpack_from(collection, place)
        if not index:  # what is free, and the last
            break
        place += _HEAP_OBJECT.size
        objects[index] = collection[place : place + min(size, _MAX_TEXT + 1)]
        place += -(-size // 8) * 8
    return objects


def _decoded(dataset: h5py.Dataset, text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{dataset.name} is not UTF-8") from error


def _values(dataset: h5py.Dataset) -> np.ndarray:
    chunk = dataset.chunks
    if chunk is None:
        with _h5py():
            return np.asarray(dataset[()])
    size = math.prod(chunk) * dataset.dtype.itemsize
    if size > MAX_BYTES:
        raise InputError(f"{dataset.name} is stored in chunks of shape {chunk}; {MAX_BYTES} bytes are the most")
    with _h5py():
        foreign = dataset.id.get_type() != h5py.h5t.py_create(dataset.dtype) or dataset.file.userblock_size
    if foreign:
        raise InputError(f"{dataset.name} is not stored as h5py stores {dataset.dtype}")
    filters = _filters(dataset)
    values = np.empty(dataset.shape, dataset.dtype)
    grid = [range(0, extent, step) for extent, step in zip(dataset.shape, chunk, strict=True)]
    with Path(dataset.file.filename).open("rb") as handle:
        size_of_file = handle.seek(0, 2)
        for corner in itertools.product(*grid):
            with _h5py():
                stored = dataset.id.get_chunk_info_by_coord(corner)
            if stored.byte_offset is None or stored.byte_offset + stored.size > size_of_file:
                raise InputError(f"{dataset.name} is not whole")
            handle.seek(stored.byte_offset)
            data = handle.read(stored.size)
            for place in reversed(range(len(filters))):
                if not stored.filter_mask >> place & 1:
                    data = _unfiltered(dataset, filters[place], data, size)
            if len(data) != size:
                raise InputError(f"{dataset.name} is damaged: a chunk has {len(data)} bytes, not {size}")
            space = tuple(slice(start, start + step) for start, step in zip(corner, chunk, strict=True))
            part = values[space]
            part[...] = np.frombuffer(data, dataset.dtype).reshape(chunk)[tuple(map(slice, part.shape))]
    return values


def _filters(dataset: h5py.Dataset) -> list[int]:
    with _h5py():
        plist = dataset.id.get_create_plist()
        found = [plist.get_filter(index) for index in range(plist.get_nfilters())]
    filters = [code for code, *_ in found]
    for code, *_, name in found:
        if code not in (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE):
            shown = name.decode("ascii", "replace") or f"filter {code}"
            raise InputError(f"{dataset.name} is compressed with {shown}; only gzip is read")
    return filters


def _unfiltered(dataset: h5py.Dataset, code: int, data: bytes, size: int) -> bytes:
    if code == h5py.h5z.FILTER_SHUFFLE:
        whole = len(data) == size
        return np.frombuffer(data, np.uint8).reshape(dataset.dtype.itemsize, -1).T.tobytes() if whole else data
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(data, size)
        more = inflate.decompress(inflate.unconsumed_tail, 1)  # checks the sum at the end, too
    except zlib.error as error:
        raise InputError(f"{dataset.name} is damaged: {error}") from error
    return data + more


def integer_attribute(group: h5py.Group, key: str) -> int | None:
    """An attribute that is one integer, None if it is anything else.

    Raises
    ------
    InputError
        If there is none of this name, or the file is damaged there.
    """
    with _h5py():
        if key not in group.attrs:
            raise InputError(f"{group.name} has no attribute {key}")
        attribute = group.attrs.get_id(key)
        # A string of variable length must not be read: its heap's damage crashes or hangs HDF5.
        whole = attribute.shape == () and attribute.dtype.kind in "iu"
        return int(group.attrs[key]) if whole else None


def is_fixed_text(parent: h5py.Group, key: str) -> bool:
    """Whether a dataset holds texts of fixed length, which alone are safe to read with h5py.

    Raises
    ------
    InputError
        As `dataset_of`.
    """
    dataset = dataset_of(parent, key)
    with _h5py():
        string = h5py.check_string_dtype(dataset.dtype)
    return string is not None and string.length is not None
