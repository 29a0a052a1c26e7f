"""What a user gives, looked at before anything is done with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snnlp_lava.errors import InputError

StrPath = str | os.PathLike[str]


def check_utf8(text: str, what: str) -> None:
    """Make sure that a text can be written as UTF-8, as every record and table is.

    Bytes of a command line or a file's name that are not UTF-8 come as half characters, which cannot.

    Raises
    ------
    InputError
        If it cannot.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        start = max(0, error.start - 20)
        shown = text[start : error.start + 20]
        raise InputError(f"{what} {shown!r} is not UTF-8; write it in UTF-8, or rename the file") from error


def path_of(given: StrPath) -> Path:
    """The path that a user gave.

    Raises
    ------
    InputError
        If it is no path, or not UTF-8.
    """
    try:
        path = Path(given)
    except TypeError as error:
        raise InputError(f"{given!r} is no path; give a str or a Path") from error
    check_utf8(str(path), "path")
    return path


def path_or_none(given: StrPath | None) -> Path | None:
    """The same where nothing may be given.

    Raises
    ------
    InputError
        As `path_of`.
    """
    return None if given is None else path_of(given)


def check_count(name: str, value: Any, least: int = 1) -> None:
    """Make sure that a number is a whole one, from `least`; None is none at all.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value is not None and (type(value) is not int or value < least):
        raise InputError(f"{name} {value!r} is no whole number from {least}")


def check_known(name: str, value: Any, known: Sequence[str]) -> None:
    """Make sure that a word is one of the known ones.

    Raises
    ------
    InputError
        If it is another.
    """
    if value not in known:
        raise InputError(f"{name} {value!r} is unknown (known: {', '.join(known)})")
