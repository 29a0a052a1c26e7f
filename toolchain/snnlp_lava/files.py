"""Write files and folders whole or not at all; read what users name; check simple arguments."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnlp_lava.errors import InputError, one_line

if TYPE_CHECKING:
    import numpy as np

try:
    import fcntl
except ModuleNotFoundError:  # on Windows
    fcntl = None  # type: ignore[assignment]

MAX_FILE_BYTES = 64 << 20
"""Largest JSON record that is read; none that this package writes comes near it."""

_CHUNK = 1 << 20  # bytes read in one go
_TEMPORARY, _OLD = ".tmp", ".old"
_TOKEN = "?" * 8  # the random part of a temporary name, as glob sees it


def _beside(path: Path, suffix: str) -> Path:
    """A hidden name that nobody else uses, in the same folder, so that a rename moves no bytes."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}{suffix}"


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
        temporary = _beside(path, _TEMPORARY)
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path`; put it in `path`'s place if the block succeeds, else remove it.

    Parameters
    ----------
    path
        The folder; what it held before is replaced.
    shared
        Its name tells its content, so that any number of processes may write it at once: the first one's stays.

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
        temporary = _beside(path, _TEMPORARY)
        temporary.mkdir()
    except OSError as error:
        raise InputError(f"cannot write {path}: {os_error_text(error)}") from error
    old = temporary.with_suffix(_OLD)
    try:
        yield temporary
        if shared:
            _rename_unless_there(temporary, path)
        else:
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


def _rename_unless_there(temporary: Path, path: Path) -> None:
    try:
        temporary.rename(path)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def remove_folder(path: Path) -> None:
    """Remove a folder at once for all other processes, which see it whole or not at all."""
    old = _beside(path, _OLD)
    with contextlib.suppress(OSError):  # another process may have been faster
        path.rename(old)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder for this process alone, until the block or the process ends; not on Windows, which has no flock.

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
        handle = None if fcntl is None else os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {os_error_text(error)}") from error
    try:
        if handle is not None:
            _lock(handle, folder, what)
        try:
            remove_all(folder.glob(f".*{_TEMPORARY}"))
            yield
        finally:  # not by a process that was refused: the folder may still be empty, and is another's by now
            with contextlib.suppress(OSError):  # raised for the first that is not empty
                for place in made:
                    place.rmdir()
    finally:
        if handle is not None:
            os.close(handle)


def recover_interrupted(path: Path) -> None:
    """Put right what a killed process left of `atomic_folder`: an old folder comes back if there is no new one.

    No other process may be writing the folder.
    """
    beside = f".{glob.escape(path.name)}.{_TOKEN}"  # `*` would take in what belongs to a folder NAME.OTHER
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


def read_limited(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """All bytes of a file that has at most `limit` of them.

    Raises
    ------
    InputError
        If it is missing, cannot be read or is larger.
    """
    try:
        content = bytearray()
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):  # pipes and devices have no size to ask for
                content += chunk
                if len(content) > limit or os.fstat(file.fileno()).st_size > limit:
                    raise InputError(f"{path} is larger than {limit:,} bytes")
    except OSError as error:
        raise InputError(f"cannot read {path}: {os_error_text(error)}") from error
    return bytes(content)


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object of at most MAX_FILE_BYTES.

    Raises
    ------
    InputError
        If the file is missing or is not a JSON object.
    """
    content = read_limited(path)
    try:
        return parse_json(content)
    except InputError as error:
        raise InputError(f"{path} {error}") from error


def parse_json(data: bytes) -> dict[str, Any]:
    """One JSON object from bytes of UTF-8 that can be written as JSON again: no NaN, no lone surrogates.

    Raises
    ------
    InputError
        If it is anything else.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number in JSON")

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
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"cannot read {path}: {os_error_text(error)}") from error
    return digest.hexdigest()


def home_folder() -> Path:
    """The user's home folder; a folder in the temporary one where the user has none, as in many containers.

    Raises
    ------
    InputError
        If that cannot be made or belongs to another user.
    """
    with contextlib.suppress(RuntimeError):
        return Path.home()
    folder = Path(tempfile.gettempdir()) / f"snnlp-lava-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid == os.getuid():
            return folder
    except OSError as error:
        raise InputError(f"cannot write {folder}: {os_error_text(error)}; set HOME") from error
    raise InputError(f"{folder} belongs to another user; set HOME")


def os_error_text(error: OSError) -> str:
    """Why something could not be read or written: the system's message, without what other libraries add to it."""
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
        If there is none, or its folder may not be read.
    """
    try:
        found = path.is_file()
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be read: {os_error_text(error)}") from error
    if not found:
        raise InputError(f"{what} {path}: no such file")


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
        If it is missing or not a .npy file of numbers.
    """
    import numpy as np

    require_file(path, what)
    try:
        return np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be read: {os_error_text(error)}") from error
    except Exception as error:  # a header is Python source to NumPy, and fails in as many ways
        with path.open("rb") as handle:
            if handle.read(2) == b"PK":
                raise InputError(f"{what} {path}: is an .npz archive; save one array as .npy") from error
        raise InputError(f"{what} {path}: is not a .npy file of numbers: {one_line(error)}") from error


StrPath = str | os.PathLike[str]


def check_utf8(text: str, what: str) -> None:
    """Make sure that a text can be written as UTF-8, as every record and table is.

    Python keeps bytes of a command line or a file's name that are not UTF-8 as lone surrogates, which cannot.

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


def as_path(value: StrPath) -> Path:
    """The path that a user wrote.

    Raises
    ------
    InputError
        If it is not a path, or not UTF-8.
    """
    try:
        path = Path(value)
    except TypeError as error:
        raise InputError(f"{value!r} is not a path; give a str or a Path") from error
    check_utf8(str(path), "path")
    return path


def as_optional_path(value: StrPath | None) -> Path | None:
    """The same where None stands for no path.

    Raises
    ------
    InputError
        As `as_path`.
    """
    return None if value is None else as_path(value)


def check_int(name: str, value: Any, minimum: int = 1) -> None:
    """Make sure that a value is None or an integer, `minimum` or more.

    Raises
    ------
    InputError
        If it is something else.
    """
    if value is not None and (type(value) is not int or value < minimum):
        raise InputError(f"{name} must be an integer >= {minimum}, got {value!r}")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Make sure that a value is one of the choices.

    Raises
    ------
    InputError
        If it is another.
    """
    if value not in choices:
        raise InputError(f"{name} {value!r} is unknown (known: {', '.join(choices)})")
