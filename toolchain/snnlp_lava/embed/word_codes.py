"""Read and write binary word codes, in the format of near-lossless binarisation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from snnlp_lava.embed.glove import hash_of, title_of, utf8_word, word_lines
from snnlp_lava.errors import InputError
from snnlp_lava.files import atomic_file
from snnlp_lava.text.tokens import paper_tokens

MAX_BITS = 64

_WHAT = "word codes"
_FORMAT = "first line: count bits; then lines of word INTEGER, in decimal"
_HEADER = re.compile(rb"([0-9]{1,12}) ([0-9]{1,6})")
_CODE = re.compile(rb"0|[1-9][0-9]{0,19}")  # without leading zeros: 0110 is a string of bits
_SEPARATORS = " \t"


@dataclass(frozen=True)
class WordCodes:
    """A binary code for each of V words.

    Attributes
    ----------
    words
        Row of each word.
    codes
        (V,) uint64; bit k, the least significant first, is neuron k.
    bits
        Length of a code, at most 64.
    name
        Display name.
    sha256
        Hash of the file they were read from or would be written to.
    quality
        How well they preserve the vectors they were computed from (see `snnlp_lava.embed.binarise`); empty if unknown.
    """

    words: Mapping[str, int]
    codes: np.ndarray
    bits: int
    name: str
    sha256: str
    quality: Mapping[str, float] = field(default_factory=dict)

    def knows(self, text: str) -> bool:
        """Return whether a word of the text, cleaned and split as in the paper, has a non-zero code."""
        rows = (self.words.get(token) for token in paper_tokens(text))
        return any(row is not None and self.codes[row] for row in rows)


def is_writable_word(word: str) -> bool:
    """Return whether the format can store a word: it contains no white space, and no token of a text does."""
    return not any(separator in word for separator in _SEPARATORS)


def bits_of(codes: np.ndarray) -> np.ndarray:
    """Unpack n codes (uint64) to bits, least significant first: (n, 64) uint8 of zeros and ones."""
    octets = np.ascontiguousarray(codes, dtype="<u8").view(np.uint8).reshape(-1, 8)
    return np.unpackbits(octets, axis=1, bitorder="little")


def codes_of(bits: np.ndarray) -> np.ndarray:
    """Pack n rows of at most 64 bits, least significant first, into codes (n,) uint64."""
    octets = np.zeros((len(bits), 8), dtype=np.uint8)
    packed = np.packbits(bits, axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return octets.view("<u8").ravel().astype(np.uint64)


def codes_from_arrays(
    words: Mapping[str, int],
    codes: np.ndarray,
    bits: int,
    name: str,
    quality: Mapping[str, float] = MappingProxyType({}),
) -> WordCodes:
    """Create `WordCodes` without a file, with the hash of the file they would be written to."""
    digest = hashlib.sha256()
    for line in _lines(words, codes, bits):
        digest.update(line)
    return WordCodes(words, codes, bits, name, digest.hexdigest(), quality)


def read_word_codes(path: Path) -> WordCodes:
    """Read a line ``count bits`` and then ``word integer`` lines; the integer, in decimal, is the whole code.

    The file may be gzip-compressed. For a duplicate word the first line counts. A word contains no white space: no
    token of a text does, and what follows it could be mistaken for a part of it.

    Raises
    ------
    InputError
        If the file cannot be read, has another number of words than its first line says, codes of more than 64 bits,
        or a malformed line.
    """
    sha256 = hash_of(path, _WHAT)
    lines = word_lines(path, _WHAT)
    _, first = next(lines, (0, b""))
    header = _HEADER.fullmatch(first)
    if header is None:
        raise InputError(f"{_WHAT} {path}: line 1 must give the number of words and of bits ({_FORMAT})")
    declared, bits = int(header[1]), int(header[2])
    if not 1 <= bits <= MAX_BITS:
        raise InputError(f"{_WHAT} {path}: codes must have 1 to {MAX_BITS} bits, got {bits}")
    words: dict[str, int] = {}
    codes: list[int] = []
    count = 0
    for number, line in lines:
        count += 1
        word, _, field = line.rpartition(b" ")
        if any(separator in word for separator in _SEPARATORS.encode()):
            shown = word[:40].decode("utf-8", "replace")
            raise InputError(f"{_WHAT} {path}: line {number}: the word {shown!r} contains white space ({_FORMAT})")
        if not _CODE.fullmatch(field) or int(field) >> bits:
            shown = field[:40].decode("utf-8", "replace")
            raise InputError(
                f"{_WHAT} {path}: line {number}: the code must be a decimal integer below 2^{bits}, got {shown!r}"
            )
        if words.setdefault(utf8_word(word, path, number, _WHAT), len(codes)) == len(codes):
            codes.append(int(field))
    if count == 0:
        raise InputError(f"{_WHAT} {path}: contains no words")
    if count != declared:
        raise InputError(f"{_WHAT} {path}: has {count} words, but its first line says {declared}; is it complete?")
    return WordCodes(words, np.array(codes, dtype=np.uint64), bits, title_of(path), sha256)


def write_word_codes(path: Path, codes: WordCodes) -> None:
    """Write a file for `read_word_codes`, as plain text, atomically.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.writelines(_lines(codes.words, codes.codes, codes.bits))


def _lines(words: Mapping[str, int], codes: np.ndarray, bits: int) -> Iterator[bytes]:
    yield f"{len(words)} {bits}\n".encode()
    for word in sorted(words, key=words.__getitem__):
        yield f"{word} {codes[words[word]]}\n".encode()
