"""Read a grid file and list the cells of a sweep."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from snnlp_lava.errors import InputError
from snnlp_lava.records import Positive, Record, build, load_toml
from snnlp_lava.text.sources import is_file
from snnlp_lava.train.methods.base import DEFAULT_METHOD, METHODS, FeatureSource, Method
from snnlp_lava.train.methods.make import all_option_names, from_document, importable_methods, make_method, to_document

MAX_CELLS = 10_000
_MAX_NAME = 160  # characters; with a hash and a suffix still far below the limit of file systems
Name = Annotated[str, Meta(min_length=1)]
Names = Name | Annotated[tuple[Name, ...], Meta(min_length=1)]


class GridFile(Record, frozen=True):
    """The contents of a grid file. The methods check the options in its tables."""

    data: Names
    grid: dict[str, Any]
    text_column: Name = "text"
    label_column: Name = "label"
    vectors: Name | dict[str, Name] | None = None
    words: Name | None = None
    codes: Name | None = None
    split_scheme: Literal["official", "paper"] = "official"
    limit: Positive | None = None
    where: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Source:
    """The source of a cell's texts and vectors.

    Attributes
    ----------
    data
        ``demo``, ``emotion``, ``imdb``, or the absolute path of a file.
    text_column, label_column
        Columns of a file.
    vectors
        Absolute path of a .npy file with a sentence vector for each row, or None.
    words, codes
        Absolute paths of files of word vectors and word codes, or None.
    split_scheme, limit
        See `snnlp_lava.text.dataset`.
    """

    data: str
    text_column: str = "text"
    label_column: str = "label"
    vectors: str | None = None
    words: str | None = None
    codes: str | None = None
    split_scheme: str = "official"
    limit: int | None = None

    @property
    def name(self) -> str:
        """Name of the data."""
        return Path(self.data).stem

    def used_by(self, method: Method) -> Source:
        """Return a copy without files that a training does not read, so that they do not identify its data."""
        read = method.sources()
        return replace(
            self,
            # A grid's vectors are sentence vectors; at level word, vectors are computed from words.
            vectors=self.vectors if "vectors" in read and method.unit == "sentence" else None,
            words=self.words if "words" in read else None,
            codes=self.codes if "codes" in read else None,
        )

    def features(self) -> FeatureSource:
        """The source of its features."""
        return FeatureSource(vectors=self.vectors, words=self.words, codes=self.codes)


@dataclass(frozen=True)
class Cell:
    """One training of a sweep.

    Attributes
    ----------
    source
        Source of texts and vectors.
    train
        Method with options.
    """

    source: Source
    train: Method

    @property
    def name(self) -> str:
        """Readable name, the same in every sweep, valid as a file name: ``emotion-sentence-snn-rate-t50-s1``.

        Options that differ from the method's defaults are appended, so that names are unique.
        """
        train, options = self.train, self.train.options()
        parts = [_file_name(self.source.name), train.unit, train.name]
        if options.get("window"):
            parts.append(f"t{options['window']}")
        parts.append(f"s{train.seed}")
        usual = type(train).of(**({"reference": True} if options.get("reference") else {})).options()
        for option, value in options.items():
            if option in ("level", "window", "seed") or (value == usual[option] and value is not True):
                continue
            if isinstance(value, Record):
                changed = value.to_dict().items() - usual[option].to_dict().items()
                parts += [f"{name}{number}".replace("_", "-") for name, number in sorted(changed)]
            else:
                text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
                parts.append(option.replace("_", "-") + ("" if value is True else text))
        name = "-".join(parts)
        if len(name) > _MAX_NAME:
            name = f"{name[:_MAX_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        return name

    def to_dict(self) -> dict[str, Any]:
        """Return method and options for result files, without paths, which are private."""
        return {
            "name": self.name,
            "split_scheme": self.source.split_scheme,
            "limit": self.source.limit,
            "train": to_document(self.train),
        }

    def pack(self) -> dict[str, Any]:
        """Return everything that a worker needs as plain JSON types; `unpack` is its inverse."""
        return {"source": asdict(self.source), "train": to_document(self.train)}

    @classmethod
    def unpack(cls, document: Mapping[str, Any]) -> Cell:
        """Inverse of `pack`."""
        return cls(Source(**document["source"]), from_document(document["train"]))


def read_grid(path: Path) -> list[Cell]:
    """Read a grid file and list its cells: each combination once, ordered by data, then by options.

    A method ignores options of a combination that it does not have, so several combinations may be one cell.

    Parameters
    ----------
    path
        A TOML file. Relative paths in it start from its folder.

    Raises
    ------
    InputError
        If it cannot be read, has unknown keys, or a value is invalid.
    """
    file = build(GridFile, load_toml(path, "grid"), f"grid {path}")
    try:
        return _cells(file, path.resolve().parent)
    except InputError as error:
        raise InputError(f"grid {path}: {error}") from error


def _cells(file: GridFile, folder: Path) -> list[Cell]:
    sources = _sources(file, folder)
    names = ("method", *all_option_names())
    _check_keys(file.grid, names, "[grid]")
    axes = {name: _values(name, file.grid[name]) for name in names if name in file.grid}
    methods = axes.get("method", [DEFAULT_METHOD])
    for name in axes:
        if name != "method" and not any(name in _options_of(method) for method in methods):
            having = [method for method, kind in importable_methods().items() if name in kind.option_names()]
            raise InputError(f"{name} only applies to method {' or '.join(having)}, not {', '.join(methods)}")
    overrides = _overrides(file.where, [source.name for source in sources], names)
    count = len(sources) * math.prod(map(len, axes.values()))
    if count > MAX_CELLS:
        raise InputError(f"must have at most {MAX_CELLS} combinations, got {count}")
    cells: dict[Cell, None] = {}
    for source, *values in itertools.product(sources, *axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        plain = Cell(source, _method(chosen))
        for override in overrides:
            if override.matches(plain):
                chosen |= override.change
        method = _method(chosen)
        cells[Cell(source.used_by(method), method)] = None
    for number, override in enumerate(overrides, start=1):
        if not override.used:
            raise InputError(f"[[where]] number {number} matches no cell")
    return list(cells)


class _Override:
    """One [[where]]: conditions on a cell, and the options to set."""

    def __init__(self, match: Mapping[str, Sequence[Any]], change: Mapping[str, Any]) -> None:
        self.match, self.change, self.used = match, change, False

    def matches(self, cell: Cell) -> bool:
        """Return whether a cell matches; a cell whose method lacks an option does not."""
        known = {**to_document(cell.train), "data": cell.source.name}
        meant = all(name in known and known[name] in values for name, values in self.match.items())
        self.used |= meant
        return meant


def _overrides(tables: Sequence[Mapping[str, Any]], data: Sequence[str], names: Sequence[str]) -> list[_Override]:
    overrides = []
    for table in tables:
        change = table.get("set")
        if not isinstance(change, dict):
            raise InputError("[[where]] has no set = { ... }")
        _check_keys(table, ("data", *names, "set"), "[[where]]")
        _check_keys(change, names, "set of [[where]]")
        match = {name: _values(name, value) for name, value in table.items() if name not in ("set", "data")}
        if "data" in table:
            match["data"] = table["data"] if isinstance(table["data"], list) else [table["data"]]
            if unknown := [name for name in match["data"] if name not in data]:
                raise InputError(f"[[where]] data {unknown[0]!r} is unknown (known: {', '.join(data)})")
        overrides.append(_Override(match, change))
    return overrides


def _sources(file: GridFile, folder: Path) -> list[Source]:
    given = (file.data,) if isinstance(file.data, str) else file.data
    data = [_absolute(name, folder) for name in dict.fromkeys(given)]
    names = [Path(path).stem for path in data]
    if len({_file_name(name).casefold() for name in names}) < len(names):
        raise InputError(
            f"data must have different names, got {', '.join(names)}; rename a file, since results are named after it"
        )
    vectors = file.vectors or {}
    if isinstance(vectors, str):
        if len(names) > 1:
            raise InputError("vectors must be one file for each data set: vectors = { NAME = FILE, ... }")
        vectors = {names[0]: vectors}
    _check_keys(vectors, names, "vectors")
    return [
        Source(
            data=path,
            text_column=file.text_column,
            label_column=file.label_column,
            vectors=str(folder / vectors[name]) if name in vectors else None,
            words=str(folder / file.words) if file.words else None,
            codes=str(folder / file.codes) if file.codes else None,
            split_scheme=file.split_scheme,
            limit=file.limit,
        )
        for name, path in zip(names, data, strict=True)
    ]


def _absolute(data: str, folder: Path) -> str:
    return str(folder / data) if is_file(data) else data


def _file_name(text: str) -> str:
    return re.sub(r"^\.|[^A-Za-z0-9_.-]", "_", text)


def _check_keys(table: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in table:
        if name not in known:
            raise InputError(f"{what} has an unknown key {name!r} (known: {', '.join(known)})")


def _values(name: str, value: Any) -> list[Any]:
    """Return the values of one axis; a list of numbers is one value if the option itself is a list."""
    several = isinstance(value, list)
    if several and _is_list(name):
        several = any(isinstance(item, list) for item in value)
    values = value if several else [value]
    if not values:
        raise InputError(f"{name} has no values")
    return list(values)


def _is_list(option: str) -> bool:
    defaults = (kind.of().options().get(option) for kind in importable_methods().values())
    return any(isinstance(default, tuple) for default in defaults)


def _options_of(method: Any) -> tuple[str, ...]:
    if not isinstance(method, str):
        raise InputError(f"method must be text, got {method!r}")
    return METHODS[method].option_names()


def _method(chosen: Mapping[str, Any]) -> Method:
    """Create a method from the values that it has options for."""
    name = chosen.get("method", DEFAULT_METHOD)
    return make_method(name, **{key: value for key, value in chosen.items() if key in _options_of(name)})
