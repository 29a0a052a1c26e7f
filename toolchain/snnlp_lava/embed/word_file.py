"""Lines of a file of words: plain or gzip, of any size, never more than one line in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import expect_file, reason, sha256_of_file

_LONGEST = 1 << 20  # bytes of a line; 300 numbers of 20 digits have six thousand
_GZIP = b"\x1f\x8b"
_ZIP = b"PK"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def word_lines(path: Path, what: str) -> Iterator[tuple[int, bytes]]:
    """Numbers, from 1, and contents of the lines that are not blank.

    Parameters
    ----------
    path
        The file; gzip is known by its first bytes, whatever the file is called.
    what
        What it holds, as errors name it.

    Raises
    ------
    InputError
        If it cannot be read, is damaged or a zip archive, or has a line of more than a mebibyte.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(2)
            file.seek(0)
            if magic == _ZIP:
                raise InputError(f"{what} {path}: is a zip archive; unpack it and give the text file in it")
            if magic == _GZIP:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from _lines(unpacked, path, what)
            else:
                yield from _lines(file, path, what)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{what} {path}: is a damaged gzip file: {first_line(error)}") from error
    except OSError as error:
        raise _unreadable(path, what, error) from error


def hash_of(path: Path, what: str) -> str:
    """SHA-256 of the file's bytes, in hexadecimal.

    Raises
    ------
    InputError
        If it is missing or cannot be read.
    """
    expect_file(path, what)
    return sha256_of_file(path)


def title_of(path: Path) -> str:
    """What the words of a file are called: its name without the usual endings."""
    return path.name.removesuffix(".gz").removesuffix(".txt").removesuffix(".vec")


def utf8_word(word: bytes, path: Path, number: int, what: str) -> str:
    """The word of line `number` as text.

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
    return InputError(f"{what} {path}: cannot be read: {reason(error)}")
