"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.errors import InputError, one_line

_TEMPORARY, _OLD = ".tmp", ".old"


_DRAWN = "?" * 8  # what `tempfile` puts into a name


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds, else remove it.

    Raises
    ------
    InputError
        If the folder cannot be made or written to, or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_TEMPORARY, dir=path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; put it in `path`'s place if the block succeeds, else remove it.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"cannot write {path}: it is a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=_TEMPORARY, dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    old = temporary.with_suffix(_OLD)
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            path.replace(old)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if old.exists() and not path.exists():
            old.replace(path)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder for this process alone, until the block or the process ends.

    It is made if it is absent, and removed again if nothing was put into it. Temporary files that a killed process left
    in it are removed.

    Parameters
    ----------
    folder
        The folder.
    what
        What it holds, as errors name it.

    Raises
    ------
    InputError
        If another process holds it, it is a file, or it cannot be made.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{what} {folder}: is a file; choose another folder with -o")
        made = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {os_error_text(error)}") from error
    try:
        _lock(handle, folder, what)
        remove_all(folder.glob(f".*{_TEMPORARY}"))
        yield
    finally:
        with contextlib.suppress(OSError):  # raised for the first that is not empty
            for place in made:
                place.rmdir()
        os.close(handle)


def recover_interrupted(path: Path) -> None:
    """Put right what a killed process left of `atomic_folder`: an old folder comes back if there is no new one.

    No other process may be writing the folder.
    """
    beside = f".{glob.escape(path.name)}.{_DRAWN}"  # `*` would take in what belongs to a folder NAME.OTHER
    for old in path.parent.glob(f"{beside}{_OLD}"):
        if not path.exists():
            old.replace(path)
        remove_all([old])
    remove_all(path.parent.glob(f"{beside}{_TEMPORARY}"))


def remove_all(paths: Iterable[Path]) -> None:
    """Remove files, and folders with all they hold."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _lock(handle: int, folder: Path, what: str) -> None:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.exists() and os.path.samestat(os.fstat(handle), folder.stat()):  # else it was replaced meanwhile
            return
    raise InputError(f"{what} {folder}: another process is writing it; wait for its end or choose another folder")


def write_json(path: Path, document: Any) -> None:
    """Write `document` as indented UTF-8 JSON, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises
    ------
    InputError
        If the file is missing or is not a JSON object.
    """
    try:
        return parse_json(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {os_error_text(error)}") from error
    except InputError as error:
        raise InputError(f"{path} {error}") from error


def parse_json(data: bytes) -> dict[str, Any]:
    """One JSON object from bytes of UTF-8 that can be written as JSON again: no NaN, no half characters.

    Raises
    ------
    InputError
        If it is anything else.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number in JSON")

    try:
        document = json.loads(data.decode("utf-8"), parse_constant=refuse)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"is not a JSON object but {type(document).__name__}")
    return document


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as handle:
            while chunk := handle.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"cannot read {path}: {os_error_text(error)}") from error
    return digest.hexdigest()


def os_error_text(error: OSError) -> str:
    """Why something could not be read or written: the system's words, which other libraries bury in longer ones."""
    number = error.errno or int((re.findall(r"errno\D{0,3}(\d+)", str(error)) or [0])[0])
    return os.strerror(number) if number else one_line(error)


def require_file(path: Path, what: str) -> None:
    """Make sure that there is a file.

    Parameters
    ----------
    path
        The file.
    what
        What it holds, as the error names it.

    Raises
    ------
    InputError
        If there is none, or it may not be looked for.
    """
    try:
        found = path.is_file()
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be read: {os_error_text(error)}") from error
    if not found:
        raise InputError(f"{what} {path}: no such file")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def open_npy(path: Path, what: str) -> np.ndarray:
    """Open a .npy file, memory-mapped; nothing in it is run.

    Parameters
    ----------
    path
        The file.
    what
        What it holds, as the error names it.

    Raises
    ------
    InputError
        If it is missing or no .npy file of numbers.
    """
    require_file(path, what)
    try:
        return np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be read: {os_error_text(error)}") from error
    except Exception as error:  # a header is Python source to NumPy, and fails in as many ways
        with path.open("rb") as handle:
            if handle.read(2) == b"PK":
                raise InputError(f"{what} {path}: is an .npz archive; one .npy array is needed") from error
        raise InputError(f"{what} {path}: is no .npy file of numbers: {one_line(error)}") from error


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


def as_path(given: StrPath) -> Path:
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


def as_optional_path(given: StrPath | None) -> Path | None:
    """The same where nothing may be given.

    Raises
    ------
    InputError
        As `as_path`.
    """
    return None if given is None else as_path(given)


def check_int(name: str, value: Any, least: int = 1) -> None:
    """Make sure that a number is a whole one, from `least`; None is none at all.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value is not None and (type(value) is not int or value < least):
        raise InputError(f"{name} {value!r} is no whole number from {least}")


def check_choice(name: str, value: Any, known: Sequence[str]) -> None:
    """Make sure that a word is one of the known ones.

    Raises
    ------
    InputError
        If it is another.
    """
    if value not in known:
        raise InputError(f"{name} {value!r} is unknown (known: {', '.join(known)})")
