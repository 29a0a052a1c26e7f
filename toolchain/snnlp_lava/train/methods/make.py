"""Make methods of their names and options, from users and from files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.records import build, check_applies
from snnlp_lava.train.methods.base import DEFAULT_METHOD, METHODS, Method


def importable_methods() -> dict[str, type[Method]]:
    """Return all methods; a plug-in that cannot be imported is refused when it is chosen."""
    found = {}
    for name in METHODS:
        with contextlib.suppress(InputError):
            found[name] = METHODS[name]
    return found


def all_option_names() -> tuple[str, ...]:
    """Return the names of the options of all methods."""
    return tuple(dict.fromkeys(name for kind in importable_methods().values() for name in kind.option_names()))


def _kind_of(method: Any) -> type[Method]:
    if not isinstance(method, str):
        raise InputError(f"method must be text, got {method!r}")
    return METHODS[method]


def make_method(method: str = DEFAULT_METHOD, *, flags: bool = False, **options: Any) -> Method:
    """Create a method with options.

    Parameters
    ----------
    method
        One of METHODS.
    flags
        Whether errors name options as on the command line: ``--window``.
    options
        Its options; others have their defaults.

    Raises
    ------
    InputError
        If the method is unknown, has no such option, or a value is of the wrong type or out of range.
    """
    kind = _kind_of(method)
    what = "--method" if flags else "method"
    if set(options) - set(kind.option_names()):
        check_applies(what, method, {name: kind.option_names() for name, kind in importable_methods().items()}, options)
    try:
        return kind.variant(options).of(**options)
    except InputError as error:
        message = str(error)
        name = re.split(r"\W", message, maxsplit=1)[0]
        if flags and name in options:
            message = f"--{name.replace('_', '-')}{message[len(name) :]}"
        raise InputError(message) from error


def check_sources(method: Method, given: Mapping[str, Any], *, flags: bool = False) -> None:
    """Check that a training uses every given source.

    Parameters
    ----------
    method
        The method with its options.
    given
        Values of fields of `FeatureSource`, by name.
    flags
        As for `make_method`.

    Raises
    ------
    InputError
        If it does not use one of them, at its level or together with the others.
    """
    sign = "--" if flags else ""
    check_applies(
        f"{sign}method", method.name, {name: kind.reads for name, kind in importable_methods().items()}, given
    )
    for name, value in given.items():
        if name not in method.sources():
            other = "word" if method.unit == "sentence" else "sentence"
            raise InputError(f"{sign}{name} {value} only applies to {sign}level {other}, not {method.unit}")
    read = [name for name in method.sources() if name in given and name != "vectors"]
    if len(read) > 1:
        first, second = read[:2]
        raise InputError(
            f"{sign}{second} {given[second]} is not used together with {sign}{first} {given[first]}; use one of them"
        )


def to_document(method: Method) -> dict[str, Any]:
    """Convert method and options to plain JSON types."""
    return {"method": method.name, **method.to_dict()}


def from_document(document: Mapping[str, Any], what: str = "", *, ignore_unknown: bool = False) -> Method:
    """Inverse of `to_document`.

    Parameters
    ----------
    document
        ``method`` and options.
    what
        Prefix of error messages.
    ignore_unknown
        Whether to ignore options that the method does not have.

    Raises
    ------
    InputError
        If the method is unknown, or an option is unknown, of the wrong type or out of range.
    """
    name = document.get("method")
    try:
        kind = _kind_of(name)
    except InputError as error:
        raise InputError(f"{what}: {error}" if what else str(error)) from error
    options = {key: value for key, value in document.items() if key != "method"}
    if ignore_unknown:
        options = {key: value for key, value in options.items() if key in kind.option_names()}
    return build(kind.variant(options), options, what)
