"""Check files and options against typed records.

`Struct.__init__` of msgspec checks nothing, so values from outside go through `Record.of`, `build` or `load`. Errors
are one-line InputErrors with the place, the limit and the value:
``run runs/x: layers[2].spikes must be an integer >= 0, got -1``.
"""

from __future__ import annotations

import platform
import re
import typing
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
import tomli
from msgspec import Meta, Struct

from snnlp_lava import __version__
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import read_limited

_MAX_TOML_BYTES = 1 << 20
_PACKAGES = ("lava-nc", "lava-dl", "torch", "numpy", "sentence-transformers", "h5py")
_LONGEST = 60  # characters of a value in a message

Count = Annotated[int, Meta(ge=0, le=1 << 62)]
"""A count. Every number of a record has bounds: without them any size and NaN would pass."""
Positive = Annotated[int, Meta(ge=1, le=1 << 62)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Amount = Annotated[float, Meta(ge=0, le=1e300)]


def opt(text: str, *, ge: float | None = None, le: float | None = None) -> Meta:
    """Declare help and limits of an option field: ``Annotated[int, opt("Time steps of a text.", ge=1, le=99)]``."""
    return Meta(description=text, ge=ge, le=le)


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records. A subclass with a FORMAT describes a file whose ``format`` must be that number.

    Constraints between fields are checked in ``__post_init__``, which raises ValueError.
    """

    FORMAT: ClassVar[int | None] = None

    @classmethod
    def of(cls: type[R], **values: Any) -> R:
        """Build a record from user input such as options; tuples may be given as lists, records as dictionaries.

        Raises
        ------
        InputError
            If a value has the wrong type or is out of range, a name is unknown or missing, or a constraint is violated.
        """
        return _convert(cls, values)

    def replace(self: R, **values: Any) -> R:
        """Return a copy with other values, checked as in `of`.

        Raises
        ------
        InputError
            As `of`.
        """
        return _convert(type(self), {**{name: getattr(self, name) for name in self.__struct_fields__}, **values})

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain JSON types; a record with a FORMAT starts with ``format``."""
        document = _lists(msgspec.to_builtins(self))
        return document if self.FORMAT is None else {"format": self.FORMAT, **document}


R = TypeVar("R", bound=Record)


def build(cls: type[R], document: Any, what: str = "") -> R:
    """Build a record from a JSON-like document.

    Parameters
    ----------
    cls
        The record's class.
    document
        Dictionaries, lists, strings, numbers, None.
    what
        Prefix of error messages: ``run runs/x``.

    Raises
    ------
    InputError
        If the document does not match the record, or its ``format`` differs from the record's.
    """
    prefix = f"{what}: " if what else ""
    if cls.FORMAT is not None and isinstance(document, Mapping):
        if document.get("format") != cls.FORMAT:
            raise InputError(f"{prefix}has format {_shown(document.get('format'))}; this version reads {cls.FORMAT}")
        document = {name: value for name, value in document.items() if name != "format"}
    return _convert(cls, document, prefix)


def _convert(cls: type[R], document: Any, prefix: str = "") -> R:
    try:
        return msgspec.convert(document, cls)
    except msgspec.ValidationError as error:
        raise InputError(prefix + _explain(str(error), cls, document)) from error
    except RecursionError as error:
        raise InputError(f"{prefix}is nested too deeply") from error


def load(cls: type[R], path: Path, what: str) -> R:
    """Read a record from a JSON file.

    Parameters
    ----------
    cls
        The record's class.
    path
        The file.
    what
        What the file is part of, for error messages: ``run runs/x``.

    Raises
    ------
    InputError
        If the file cannot be read, is larger than files.MAX_FILE_BYTES, is not JSON, or is not such a record.
    """
    return build(cls, load_json(path, what), what)


def load_json(path: Path, what: str) -> Any:
    """Read a JSON file of limited size; arguments and errors as for `load`."""
    try:
        return msgspec.json.decode(read_limited(path))
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{what}: {path.name} is not valid JSON: {one_line(error)}") from error


def load_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file of at most 1 MiB.

    Parameters
    ----------
    path
        The file.
    what
        What it contains, for error messages: ``grid``.

    Raises
    ------
    InputError
        If the file cannot be read, is too large or is not TOML.
    """
    try:
        return tomli.loads(read_limited(path, _MAX_TOML_BYTES).decode("utf-8"))
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{what} {path}: is not TOML: {one_line(error)}") from error


def check_applies(what: str, chosen: str, choices: Mapping[str, Collection[str]], given: Mapping[str, Any]) -> None:
    """Raise an InputError for options that do not apply to the chosen method, backend or source.

    Parameters
    ----------
    what
        Name of the choosing option: ``--method``, or ``method`` from Python.
    chosen
        Its value.
    choices
        Names of the options of each choice.
    given
        Values of options by name.

    Raises
    ------
    InputError
        For the first option that the choice does not have.
    """
    for name, value in given.items():
        if name in choices[chosen]:
            continue
        having = [choice for choice, names in choices.items() if name in names]
        if not having:
            raise InputError(f"{name} is unknown (known: {', '.join(choices[chosen])})")
        flag = f"--{name.replace('_', '-')}" if what.startswith("--") else name
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        raise InputError(f"{flag} {shown} only applies to {what} {' or '.join(having)}, not {chosen}")


_PLACE = re.compile(r"(?s)(.*?)(?: - at `(?:key` in `)?\$(.*)`)?")
_NAMES = {
    "int": "an integer",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table of names and values",
    "null": "null",
}


def _explain(message: str, cls: type, document: Any) -> str:
    """Rewrite a msgspec message in plain English and add the offending value."""
    text, path = typing.cast("re.Match[str]", _PLACE.fullmatch(message)).groups()
    place = (path or "").removeprefix(".")
    if found := re.fullmatch(r"Object missing required field `(.*)`", text):
        return f"{'.'.join(filter(None, (place, found[1])))} is missing"
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", text):
        inner = _type_at(cls, place)
        known = f" (known: {', '.join(inner.__struct_fields__)})" if hasattr(inner, "__struct_fields__") else ""
        return f"{'.'.join(filter(None, (place, found[1])))} is unknown{known}"
    value, known_place = _value_at(document, place)
    shown = f", got {_shown(value)}" if known_place else ""
    subject = place or "it"
    if text.startswith("Invalid enum value"):
        choices = ", ".join(map(str, typing.get_args(_bare(_type_at(cls, place)))))
        return f"{subject} must be one of {choices}{shown}"
    if found := re.fullmatch(r"Expected `([^`]*)`(?:, got `([^`]*)`)?(.*)", text):
        kinds = " or ".join(_NAMES.get(kind, kind) for kind in found[1].split(" | "))
        limit = re.sub(r"(\d)\.0\b", r"\1", found[3])
        return f"{subject} must be {kinds}{limit}" + (shown or (f", got {found[2]}" if found[2] else ""))
    return f"{place}: {text}" if place else text


def _steps(place: str) -> list[str | int]:
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", place)]


def _value_at(document: Any, place: str) -> tuple[Any, bool]:
    """Return the value at a msgspec path, and whether it was found: msgspec does not name dictionary keys."""
    value = document
    for step in _steps(place):
        try:
            value = getattr(value, str(step)) if isinstance(value, Struct) else value[step]
        except (LookupError, TypeError, AttributeError):
            return None, False
    return value, True


def _bare(kind: Any) -> Any:
    """Strip Annotated and an optional None from a type."""
    while typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    options = [option for option in typing.get_args(kind) if option is not type(None)]
    return _bare(options[0]) if type(None) in typing.get_args(kind) and len(options) == 1 else kind


def _type_at(cls: Any, place: str) -> Any:
    for step in _steps(place):
        cls = _bare(cls)
        if isinstance(step, str) and hasattr(cls, "__struct_fields__"):
            cls = typing.get_type_hints(cls, include_extras=True).get(step, Any)
        else:
            inner = [option for option in typing.get_args(cls) if option is not Ellipsis]
            cls = inner[-1] if inner else Any
    return _bare(cls)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(inner) for name, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value


def versions() -> dict[str, str]:
    """Return package versions, read from installed metadata without importing anything."""
    found = {"snnlp-lava": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
