"""Read a grid file, and list the cells of a sweep."""

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
from snnlp_lava.text.sources import DEMO, HUB
from snnlp_lava.train.methods.base import (
    DEFAULT_METHOD,
    METHODS,
    FeatureSource,
    Method,
    all_option_names,
    from_document,
    importable_methods,
    make_method,
    to_document,
)

MAX_CELLS = 10_000
_MAX_NAME = 160  # characters; with a hash and an ending still far below what file systems take
Name = Annotated[str, Meta(min_length=1)]
Names = Name | Annotated[tuple[Name, ...], Meta(min_length=1)]


class GridFile(Record, frozen=True):
    """A grid file as it is written. The methods check the options in its tables."""

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
    """Where a cell's texts and vectors come from.

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
        """What the data is called."""
        return Path(self.data).stem

    def used_by(self, method: Method) -> Source:
        """The same without the files that a training does not read, so that they do not count as its data."""
        read = method.sources()
        return replace(
            self,
            # A grid's vectors are of sentences; at level word a text's vector is made of words.
            vectors=self.vectors if "vectors" in read and method.unit == "sentence" else None,
            words=self.words if "words" in read else None,
            codes=self.codes if "codes" in read else None,
        )

    def features(self) -> FeatureSource:
        """Where features come from."""
        return FeatureSource(vectors=self.vectors, words=self.words, codes=self.codes)


@dataclass(frozen=True)
class Cell:
    """One training of a sweep.

    Attributes
    ----------
    source
        Its texts and vectors.
    train
        Its method with options.
    """

    source: Source
    train: Method

    @property
    def name(self) -> str:
        """Readable, the same in every sweep, fit for a file name: ``emotion-sentence-snn-rate-t50-s1``.

        What differs from the method's defaults is added, so that no two configurations share a name.
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
        """Method and options as result files hold them, without paths, which are private."""
        return {
            "name": self.name,
            "split_scheme": self.source.split_scheme,
            "limit": self.source.limit,
            "train": to_document(self.train),
        }

    def pack(self) -> dict[str, Any]:
        """All that a worker needs, ready for JSON; `unpack` is its inverse."""
        return {"source": asdict(self.source), "train": to_document(self.train)}

    @classmethod
    def unpack(cls, document: Mapping[str, Any]) -> Cell:
        """Inverse of `pack`."""
        return cls(Source(**document["source"]), from_document(document["train"]))


def read_grid(path: Path) -> list[Cell]:
    """Read a grid file and list its cells: every combination once, in the order of data and then of the options.

    A method takes of a combination the options that it has, so that several combinations may be one cell.

    Parameters
    ----------
    path
        A TOML file. Relative paths in it start from its folder.

    Raises
    ------
    InputError
        If it cannot be read, has unknown keys, or a value that no training takes.
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
        raise InputError(f"has {count} combinations; {MAX_CELLS} are the most")
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
    """One [[where]]: what a cell must be, and what is then set."""

    def __init__(self, match: Mapping[str, Sequence[Any]], change: Mapping[str, Any]) -> None:
        self.match, self.change, self.used = match, change, False

    def matches(self, cell: Cell) -> bool:
        """Whether a cell is meant; one whose method lacks an option is not."""
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
                raise InputError(f"[[where]] names data {unknown[0]!r}; the grid has {', '.join(data)}")
        overrides.append(_Override(match, change))
    return overrides


def _sources(file: GridFile, folder: Path) -> list[Source]:
    given = (file.data,) if isinstance(file.data, str) else file.data
    data = [_absolute(name, folder) for name in dict.fromkeys(given)]
    names = [Path(path).stem for path in data]
    if len({_file_name(name).casefold() for name in names}) < len(names):
        raise InputError(f"data of the same name ({', '.join(names)}); rename a file, results are named after it")
    vectors = file.vectors or {}
    if isinstance(vectors, str):
        if len(names) > 1:
            raise InputError("vectors is one file for several data; write vectors = { NAME = FILE, ... }")
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
    return data if data in (DEMO, *HUB) else str(folder / data)


def _file_name(text: str) -> str:
    return re.sub(r"^\.|[^A-Za-z0-9_.-]", "_", text)


def _check_keys(table: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in table:
        if name not in known:
            raise InputError(f"{what} has an unknown key {name!r} (known: {', '.join(known)})")


def _values(name: str, value: Any) -> list[Any]:
    """The values of one axis; a list of numbers is one value where the option itself is a list."""
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
    """A method with those of the values that it has options for."""
    name = chosen.get("method", DEFAULT_METHOD)
    return make_method(name, **{key: value for key, value in chosen.items() if key in _options_of(name)})
