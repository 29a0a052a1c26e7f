"""Write files and folders atomically, read files with size limits, and check simple arguments."""

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
"""Size limit for JSON records; those written by this package are far smaller."""

_CHUNK = 1 << 20  # bytes read in one go
_TEMPORARY, _OLD = ".tmp", ".old"
_TOKEN = "?" * 8  # glob pattern of the random part of a temporary name


def _beside(path: Path, suffix: str) -> Path:
    """Return an unused hidden name in the same folder, so that renaming copies no data."""
    return path.parent / f".{path.name}.{secrets.token_hex(4)}{suffix}"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; rename it to `path` if the block succeeds, else remove it.

    Raises
    ------
    InputError
        If the folder cannot be created or written to, or the disk is full.
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
    """Yield a temporary folder next to `path`; move it to `path` if the block succeeds, else remove it.

    Parameters
    ----------
    path
        The folder; previous contents are replaced.
    shared
        Whether the name determines the content, so that several processes may write it at the same time: the first
        one to finish wins.

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
    """Remove a folder so that other processes see either all of it or nothing."""
    old = _beside(path, _OLD)
    with contextlib.suppress(OSError):  # another process may have been faster
        path.rename(old)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[None]:
    """Lock a folder for this process until the block or the process ends (no lock on Windows, which lacks flock).

    The folder is created if needed, and removed again if it stays empty. Temporary files left in it by a killed process
    are removed.

    Parameters
    ----------
    folder
        The folder.
    what
        What it contains, for error messages.

    Raises
    ------
    InputError
        If another process holds the lock, `folder` is a file, or it cannot be created.
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
        finally:  # only the process that held the lock: an empty folder may belong to another one by now
            with contextlib.suppress(OSError):  # raised for the first folder that is not empty
                for place in made:
                    place.rmdir()
    finally:
        if handle is not None:
            os.close(handle)


def recover_interrupted(path: Path) -> None:
    """Clean up after a process killed inside `atomic_folder`: restore the old folder if there is no new one.

    No other process may be writing the folder.
    """
    beside = f".{glob.escape(path.name)}.{_TOKEN}"  # `*` would also match the temporary folders of NAME.OTHER
    for old in path.parent.glob(f"{beside}{_OLD}"):
        if not path.exists():
            old.replace(path)
        remove_all([old])
    remove_all(path.parent.glob(f"{beside}{_TEMPORARY}"))


def remove_all(paths: Iterable[Path]) -> None:
    """Remove files, and folders with everything in them."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _lock(handle: int, folder: Path, what: str) -> None:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.exists() and os.path.samestat(os.fstat(handle), folder.stat()):  # otherwise it was replaced
            return
    raise InputError(f"{what} {folder}: another process is writing it; wait until it ends or choose another folder")


def write_json(path: Path, document: Any) -> None:
    """Write `document` as indented UTF-8 JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def read_limited(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a file of at most `limit` bytes.

    Raises
    ------
    InputError
        If it is missing, cannot be read or is larger.
    """
    try:
        content = bytearray()
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):  # pipes and devices report no size
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
    """Parse one JSON object from UTF-8 bytes, refusing NaN and lone surrogates, which JSON cannot represent.

    Raises
    ------
    InputError
        If it is not.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number in JSON")

    try:
        document = json.loads(data.decode("utf-8"), parse_constant=refuse)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InputError(f"must be a JSON object, got {type(document).__name__}")
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
    """Return the user's home folder; one inside the temporary folder if the user has none, as in many containers.

    Raises
    ------
    InputError
        If that one cannot be created or belongs to another user.
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
    """Return the operating system's message of an error, without what other libraries add to it."""
    number = error.errno or int((re.findall(r"errno\D{0,3}(\d+)", str(error)) or [0])[0])
    return os.strerror(number) if number else one_line(error)


def require_file(path: Path, what: str) -> None:
    """Raise an InputError unless the file exists.

    Parameters
    ----------
    path
        The file.
    what
        What it holds, as the error names it.

    Raises
    ------
    InputError
        If it does not exist, or its folder is not readable.
    """
    try:
        found = path.is_file()
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be read: {os_error_text(error)}") from error
    if not found:
        raise InputError(f"{what} {path}: no such file")


def open_npy(path: Path, what: str) -> np.ndarray:
    """Open a .npy file memory-mapped; pickled objects are refused.

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
        return np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call, unused-ignore]
    except OSError as error:
        raise InputError(f"{what} {path}: cannot be read: {os_error_text(error)}") from error
    except Exception as error:  # NumPy parses the header as Python source, so damage raises many kinds of errors
        with path.open("rb") as handle:
            if handle.read(2) == b"PK":
                raise InputError(f"{what} {path}: is an .npz archive; save one array as .npy") from error
        raise InputError(f"{what} {path}: is not a .npy file of numbers: {one_line(error)}") from error


StrPath = str | os.PathLike[str]


def check_utf8(text: str, what: str) -> None:
    """Raise an InputError unless a text can be written as UTF-8, as records and tables are.

    Python represents non-UTF-8 bytes of a command line or a file name as lone surrogates, which cannot be encoded.

    Raises
    ------
    InputError
        If it contains lone surrogates.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        start = max(0, error.start - 20)
        shown = text[start : error.start + 20]
        raise InputError(f"{what} {shown!r} is not UTF-8; write it in UTF-8, or rename the file") from error


def as_path(value: StrPath) -> Path:
    """Convert a path given by the user.

    Raises
    ------
    InputError
        If it is not a path, or not UTF-8.
    """
    try:
        path = Path(value)
    except TypeError as error:
        raise InputError(f"{value!r} is not a path; use a str or a Path") from error
    check_utf8(str(path), "path")
    return path


def as_optional_path(value: StrPath | None) -> Path | None:
    """Convert a path given by the user, or pass None through.

    Raises
    ------
    InputError
        As `as_path`.
    """
    return None if value is None else as_path(value)


def check_int(name: str, value: Any, minimum: int = 1) -> None:
    """Raise an InputError unless a value is None or an integer >= `minimum`.

    Raises
    ------
    InputError
        If it is neither.
    """
    if value is not None and (type(value) is not int or value < minimum):
        raise InputError(f"{name} must be an integer >= {minimum}, got {value!r}")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Raise an InputError unless a value is one of the choices.

    Raises
    ------
    InputError
        If it is not.
    """
    if value not in choices:
        raise InputError(f"{name} {value!r} is unknown (known: {', '.join(choices)})")
