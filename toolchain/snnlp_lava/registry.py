"""Look up built-ins and plug-ins by name, importing each on first use."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from snnlp_lava.errors import InputError, one_line

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Maps names to objects: built-ins first, then entry points of installed packages.

    Parameters
    ----------
    what
        Kind of object, for error messages: ``encoder``.
    group
        Entry point group of plug-ins: ``snnlp_lava.encoders``.
    builtin
        Name to ``module:attribute``.
    """

    def __init__(self, what: str, group: str, builtin: Mapping[str, str]) -> None:
        self._what, self._group, self._builtin = what, group, builtin
        self._loaded: dict[str, T] = {}

    @cached_property
    def _plugins(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self._group)}

    def __getitem__(self, name: str) -> T:
        """Return the object registered under a name.

        Raises
        ------
        InputError
            If the name is unknown, or its package cannot be imported or reuses the name of a built-in.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> T:
        if name in self._builtin:
            if name in self._plugins:
                raise InputError(f"{self._what} {name!r} is built in, but {self._origin(name)} also declares it")
            module, _, attribute = self._builtin[name].partition(":")
            found: T = getattr(importlib.import_module(module), attribute)
            return found
        if name not in self._plugins:
            raise InputError(f"{self._what} {name!r} is unknown (known: {', '.join(self)}); is its package installed?")
        try:
            return self._plugins[name].load()
        except Exception as error:  # importing a plug-in can raise anything
            raise InputError(
                f"{self._what} {name!r} cannot be imported from {self._origin(name)}: {one_line(error)}"
            ) from error

    def _origin(self, name: str) -> str:
        point = self._plugins[name]
        return f"package {point.dist.name}" if point.dist else point.value

    def __contains__(self, name: Any) -> bool:
        return name in self._builtin or name in self._plugins

    def __iter__(self) -> Iterator[str]:
        yield from self._builtin
        yield from sorted(self._plugins.keys() - self._builtin.keys())

    def __len__(self) -> int:
        return len(self._builtin.keys() | self._plugins.keys())
