"""The grid file: which trainings a sweep is made of."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.records import Record, load_toml
from snnlp_lava.text.dataset import SCHEMES
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
_KEYS = ("data", "text_column", "label_column", "vectors", "words", "codes", "split_scheme", "limit", "grid", "where")


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
        if "window" in options:
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
    document = load_toml(path, "grid")
    try:
        return _cells(document, path.resolve().parent)
    except InputError as error:
        raise InputError(f"grid {path}: {error}") from error


def _cells(document: Mapping[str, Any], folder: Path) -> list[Cell]:
    _check_keys(document, _KEYS, "the file")
    if not isinstance(document.get("grid"), dict):
        raise InputError("has no table [grid]")
    sources = _sources(document, folder)
    names = ("method", *all_option_names())
    _check_keys(document["grid"], names, "[grid]")
    axes = {name: _values(name, document["grid"][name]) for name in names if name in document["grid"]}
    methods = axes.get("method", [DEFAULT_METHOD])
    for name in axes:
        if name != "method" and not any(name in _options_of(method) for method in methods):
            having = [method for method, kind in importable_methods().items() if name in kind.option_names()]
            raise InputError(f"{name} only applies to method {' or '.join(having)}, not {', '.join(methods)}")
    overrides = _overrides(document.get("where", []), [source.name for source in sources], names)
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


def _overrides(tables: Any, data: Sequence[str], names: Sequence[str]) -> list[_Override]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError("where is no list of tables; write [[where]]")
    overrides = []
    for table in tables:
        change = table.get("set")
        if not isinstance(change, dict):
            raise InputError("[[where]] has no set = { ... }")
        _check_keys(table, ("data", *names, "set"), "[[where]]")
        _check_keys(change, names, "set of [[where]]")
        match = {name: _values(name, value) for name, value in table.items() if name not in ("set", "data")}
        if "data" in table:
            match["data"] = _texts("data of [[where]]", table["data"])
            if unknown := set(match["data"]) - set(data):
                raise InputError(f"[[where]] names data {min(unknown)!r}; the grid has {', '.join(data)}")
        overrides.append(_Override(match, change))
    return overrides


def _sources(document: Mapping[str, Any], folder: Path) -> list[Source]:
    data = [_place(name, folder) for name in dict.fromkeys(_texts("data", document.get("data")))]
    names = [Path(place).stem for place in data]
    files = [_file_name(name).casefold() for name in names]
    if len(set(files)) < len(files):
        raise InputError(f"data of the same name ({', '.join(names)}); rename a file, results are named after it")
    vectors = document.get("vectors", {})
    if isinstance(vectors, str):
        if len(names) > 1:
            raise InputError("vectors is one file for several data; write vectors = { NAME = FILE, ... }")
        vectors = {names[0]: vectors}
    if not isinstance(vectors, dict) or not all(isinstance(file, str) and file for file in vectors.values()):
        raise InputError("vectors is neither a file nor a table of them")
    _check_keys(vectors, names, "vectors")
    scheme, limit = document.get("split_scheme", "official"), document.get("limit")
    if scheme not in SCHEMES:
        raise InputError(f"split_scheme {scheme!r} is unknown (known: {', '.join(SCHEMES)})")
    if limit is not None and (not _is_whole(limit) or limit < 1):
        raise InputError(f"limit {limit!r} is no whole number above 0")
    return [
        Source(
            data=place,
            vectors=str(folder / vectors[name]) if name in vectors else None,
            split_scheme=scheme,
            limit=limit,
            **_texts_of_source(document, folder),
        )
        for name, place in zip(names, data, strict=True)
    ]


def _texts_of_source(document: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Columns and files that hold for all data."""
    texts = {}
    for name in ("text_column", "label_column", "words", "codes"):
        if name in document:
            value = document[name]
            if not isinstance(value, str) or not value:
                raise InputError(f"{name} {value!r} is no text")
            texts[name] = str(folder / value) if name in ("words", "codes") else value
    return texts


def _place(data: str, folder: Path) -> str:
    return data if data in (DEMO, *HUB) else str(folder / data)


def _file_name(text: str) -> str:
    return re.sub(r"^\.|[^A-Za-z0-9_.-]", "_", text)


def _check_keys(table: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for name in table:
        if name not in known:
            raise InputError(f"{what} has an unknown key {name!r} (known: {', '.join(known)})")


def _texts(name: str, value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise InputError(f"{name} is neither a name nor a list of names")
    return texts


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


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _options_of(method: Any) -> tuple[str, ...]:
    if not isinstance(method, str):
        raise InputError(f"method must be text, got {method!r}")
    return METHODS[method].option_names()


def _method(chosen: Mapping[str, Any]) -> Method:
    """A method with those of the values that it has options for."""
    name = chosen.get("method", DEFAULT_METHOD)
    return make_method(name, **{key: value for key, value in chosen.items() if key in _options_of(name)})
