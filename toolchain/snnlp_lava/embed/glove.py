"""Read word vectors in the text formats of GloVe, word2vec and fastText."""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import os_error_text, require_file, sha256_of_file

_LONGEST = 1 << 20  # bytes per line; 300 numbers of 20 digits have six thousand


_GZIP = b"\x1f\x8b"


_ZIP = b"PK"


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def word_lines(path: Path, what: str) -> Iterator[tuple[int, bytes]]:
    """Yield line number, from 1, and content of the lines that are not blank.

    Parameters
    ----------
    path
        The file; gzip is recognised by its first bytes, whatever the file's name.
    what
        What it contains, for error messages.

    Raises
    ------
    InputError
        If it cannot be read, is damaged or a zip archive, or has a line of more than 1 MiB.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(2)
            file.seek(0)
            if magic == _ZIP:
                raise InputError(f"{what} {path}: is a zip archive; unpack it and use the text file in it")
            if magic == _GZIP:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from _lines(unpacked, path, what)
            else:
                yield from _lines(file, path, what)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{what} {path}: is a damaged gzip file: {one_line(error)}") from error
    except OSError as error:
        raise _unreadable(path, what, error) from error


def hash_of(path: Path, what: str) -> str:
    """SHA-256 of the file's bytes, in hexadecimal.

    Raises
    ------
    InputError
        If it is missing or cannot be read.
    """
    require_file(path, what)
    return sha256_of_file(path)


def title_of(path: Path) -> str:
    """Return the display name of a file's words: the file name without the usual suffixes."""
    return path.name.removesuffix(".gz").removesuffix(".txt").removesuffix(".vec")


def utf8_word(word: bytes, path: Path, number: int, what: str) -> str:
    """Decode the word of line `number`.

    Raises
    ------
    InputError
        If it is empty or not UTF-8.
    """
    if not word:
        raise InputError(f"{what} {path}: line {number} has no word")
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path}: line {number}: the word is not UTF-8; convert it with iconv") from error


def _lines(file: IO[bytes] | gzip.GzipFile, path: Path, what: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        if len(line) == _LONGEST:
            raise InputError(f"{what} {path}: line {number} is longer than {_LONGEST} bytes; is it a text file?")
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if line := line.rstrip(b" \t\r\n"):
            yield number, line


def _unreadable(path: Path, what: str, error: OSError) -> InputError:
    return InputError(f"{what} {path}: cannot be read: {os_error_text(error)}")


_WHAT = "word vectors"


_BLOCK = 1 << 22  # bytes of text whose numbers are parsed at a time


_HEADER = re.compile(rb"([0-9]{1,12}) ([0-9]{1,6})")


_NUMBER = re.compile(rb"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


_OF_NUMBERS = b"0123456789+-.eE "


_LARGEST = float(np.finfo(np.float32).max)


Row = tuple[int, str, bytes]  # line number, word, its numbers separated by single spaces


def read_word_text(path: Path) -> Iterator[tuple[list[str], np.ndarray]]:
    """Read ``word v1 v2 ...`` line by line, block by block.

    The first line may be ``count dimension`` (word2vec); otherwise it determines the dimension. The last fields of a
    line are its numbers, so a word may contain spaces.

    Yields
    ------
    list of str, np.ndarray
        n words and their vectors, (n, d) float32, with the same d in each block. Words may repeat.

    Raises
    ------
    InputError
        If a line is malformed or contains NaN, infinity or a number beyond float32, or the number of words is 0 or not
        that of the header.
    """
    lines = word_lines(path, _WHAT)
    number, line = next(lines, (0, b""))
    declared: int | None = None
    if header := _HEADER.fullmatch(line):
        declared, dimension = int(header[1]), int(header[2])
        number, line = next(lines, (0, b""))
    else:
        dimension = line.count(b" ")
    if number == 0:
        raise InputError(f"{_WHAT} {path}: contains no words")
    if dimension == 0:
        raise InputError(f"{_WHAT} {path}: line {number} must be word v1 v2 ... separated by spaces, got no numbers")
    block: list[Row] = []
    size = count = 0
    while number:
        block.append(_row(path, number, line, dimension))
        size += len(line)
        number, line = next(lines, (0, b""))
        if size >= _BLOCK or not number:
            yield [word for _, word, _ in block], _vectors(path, block, dimension)
            count += len(block)
            size, block = 0, []
    if declared not in (None, count):
        raise InputError(f"{_WHAT} {path}: has {count} words, but its first line says {declared}; is it complete?")


def _row(path: Path, number: int, line: bytes, dimension: int) -> Row:
    spaces = line.count(b" ")
    if spaces < dimension:
        raise InputError(f"{_WHAT} {path}: line {number} must have {dimension} numbers, got {spaces}")
    if spaces == dimension:
        word, _, numbers = line.partition(b" ")
    else:
        fields = line.split(b" ")
        word, numbers = b" ".join(fields[:-dimension]), b" ".join(fields[-dimension:])
        if any(_NUMBER.fullmatch(part) for part in fields[1:-dimension]):
            raise InputError(f"{_WHAT} {path}: line {number} must have {dimension} numbers, got more")
    return number, utf8_word(word, path, number, _WHAT), numbers


def _vectors(path: Path, rows: list[Row], dimension: int) -> np.ndarray:
    """Parse all rows at once as (n, d) float32; anything unusual is left to `_fault`."""
    text = b" ".join(numbers for _, _, numbers in rows)
    if not text.translate(None, _OF_NUMBERS):  # so that NumPy cannot read a field as several numbers
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            warnings.simplefilter("error", DeprecationWarning)  # NumPy's signal that it stopped half-way
            try:
                values = np.fromstring(text, dtype=np.float64, sep=" ").astype(np.float32)
            except (DeprecationWarning, ValueError):
                values = np.empty(0, dtype=np.float32)
        if len(values) == len(rows) * dimension and np.isfinite(values).all():
            return values.reshape(len(rows), dimension)
    raise _fault(path, rows)


def _fault(path: Path, rows: list[Row]) -> InputError:
    """Report the first field of the rows that is not a number."""
    for number, word, numbers in rows:
        for field in numbers.split(b" "):
            if not _NUMBER.fullmatch(field) or abs(float(field)) > _LARGEST:
                shown = field[:40].decode("utf-8", "replace")
                return InputError(
                    f"{_WHAT} {path}: line {number}, word {word[:40]!r}: {shown!r} is not a finite number"
                )
    raise AssertionError(f"{path}: NumPy cannot parse the numbers, although each is valid")
