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
from snnlp_lava.records import load_toml
from snnlp_lava.text.dataset import SCHEMES
from snnlp_lava.text.sources import DEMO, HUB
from snnlp_lava.train.methods.base import (
    FIELDS,
    SENTENCE,
    TEXT_METHODS,
    WORD,
    NeuronConfig,
    TrainConfig,
    used_fields,
    used_origin,
)

MAX_CELLS = 10_000
_MAX_NEURONS = 1 << 20  # of one hidden layer
_MAX_NAME = 160  # characters; with a hash and an ending still far below what file systems take
_DEFAULTS = TrainConfig()
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

    def used_by(self, train: TrainConfig) -> Source:
        """The same without the files that a training does not read, so that they do not count as its data."""
        used = used_origin(train.method, train.level)
        return replace(
            self,
            vectors=self.vectors if "vectors" in used and train.level == SENTENCE else None,
            words=self.words if "words" in used else None,
            codes=self.codes if "codes" in used else None,
        )


@dataclass(frozen=True)
class Cell:
    """One training of a sweep.

    Attributes
    ----------
    source
        Its texts and vectors.
    train
        Its configuration; fields that its method does not use have their defaults.
    """

    source: Source
    train: TrainConfig

    @property
    def name(self) -> str:
        """Readable, the same in every sweep, fit for a file name: ``emotion-sentence-snn-rate-t50-s1``.

        What differs from the method's defaults is added, so that no two configurations share a name.
        """
        train, used = self.train, used_fields(self.train.method)
        parts = [_file_name(self.source.name), train.level, train.method]
        if "window" in used:
            parts.append(f"t{train.window}")
        parts.append(f"s{train.seed}")
        usual = replace(TrainConfig.defaults_for(train.method, reference=train.reference), reference=False)
        for field in used:
            value = getattr(train, field)
            if field in ("method", "level", "window", "seed") or value == getattr(usual, field):
                continue
            if isinstance(value, NeuronConfig):
                changed = asdict(value).items() - asdict(usual.neuron).items()
                parts += [f"{name}{number}".replace("_", "-") for name, number in sorted(changed)]
            else:
                text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
                parts.append(field.replace("_", "-") + ("" if value is True else text))
        name = "-".join(parts)
        if len(name) > _MAX_NAME:
            name = f"{name[:_MAX_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        return name

    def to_dict(self) -> dict[str, Any]:
        """The configuration as result files hold it: what its method uses, without paths, which are private."""
        source, train = self.source, self.train.to_dict()
        return {
            "name": self.name,
            "split_scheme": source.split_scheme,
            "limit": source.limit,
            "train": {name: train[name] for name in used_fields(self.train.method)},
        }

    def pack(self) -> dict[str, Any]:
        """All that a worker needs, ready for JSON; `unpack` is its inverse."""
        return {"source": asdict(self.source), "train": self.train.to_dict()}

    @classmethod
    def unpack(cls, document: Mapping[str, Any]) -> Cell:
        """Inverse of `pack`."""
        return cls(Source(**document["source"]), TrainConfig.from_dict(document["train"]))


def read_grid(path: Path) -> list[Cell]:
    """Read a grid file and list its cells: every combination once, in the order of data and then of TrainConfig.

    Methods that take the texts themselves work on words and take part in no combination with another level.

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
    _check_keys(document["grid"], FIELDS, "[grid]")
    axes = {name: _values(name, document["grid"][name]) for name in FIELDS if name in document["grid"]}
    for method in TEXT_METHODS:
        if method in axes.get("method", ()) and WORD not in axes.get("level", (WORD,)):
            raise InputError(f"method {method} has no cell: it works at level {WORD}")
    overrides = _overrides(document.get("where", []), [source.name for source in sources])
    count = len(sources) * math.prod(map(len, axes.values()))
    if count > MAX_CELLS:
        raise InputError(f"has {count} combinations; {MAX_CELLS} are the most")
    cells: dict[Cell, None] = {}
    for source, *values in itertools.product(sources, *axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        if chosen.get("method") in TEXT_METHODS and chosen.get("level", WORD) != WORD:
            continue
        plain = Cell(source, _config(chosen))
        for override in overrides:
            if override.matches(plain):
                chosen |= override.change
        config = _config(chosen)
        cells[Cell(source.used_by(config), config)] = None
    for number, override in enumerate(overrides, start=1):
        if not override.used:
            raise InputError(f"[[where]] number {number} matches no cell")
    return list(cells)


class _Override:
    """One [[where]]: what a cell must be, and what is then set."""

    def __init__(self, match: Mapping[str, Sequence[Any]], change: Mapping[str, Any]) -> None:
        self.match, self.change, self.used = match, change, False

    def matches(self, cell: Cell) -> bool:
        """Whether a cell is meant; a field that its method does not use is never meant."""
        known = {name: getattr(cell.train, name) for name in used_fields(cell.train.method)}
        known["data"] = cell.source.name
        meant = all(known.get(name) in values for name, values in self.match.items())
        self.used |= meant
        return meant


def _overrides(tables: Any, data: Sequence[str]) -> list[_Override]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError("where is no list of tables; write [[where]]")
    overrides = []
    for table in tables:
        change = table.get("set")
        if not isinstance(change, dict):
            raise InputError("[[where]] has no set = { ... }")
        _check_keys(table, ("data", *FIELDS, "set"), "[[where]]")
        _check_keys(change, FIELDS, "set of [[where]]")
        match = {name: _values(name, value) for name, value in table.items() if name not in ("set", "data")}
        if "data" in table:
            match["data"] = _texts("data of [[where]]", table["data"])
            if unknown := set(match["data"]) - set(data):
                raise InputError(f"[[where]] names data {min(unknown)!r}; the grid has {', '.join(data)}")
        overrides.append(_Override(match, {name: _value(name, value) for name, value in change.items()}))
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
    """The values of one axis; a list of numbers is one value where the field itself is a list."""
    several = isinstance(value, list)
    if several and isinstance(getattr(_DEFAULTS, name), tuple):
        several = any(isinstance(item, list) for item in value)
    values = [_value(name, item) for item in (value if several else [value])]
    if not values:
        raise InputError(f"{name} has no values")
    return values


def _value(name: str, value: Any) -> Any:
    """One value, of the type of its field."""
    default = getattr(_DEFAULTS, name)
    if isinstance(default, NeuronConfig):
        if not isinstance(value, dict):
            raise InputError(f"{name} {value!r} is no table")
        _check_keys(value, tuple(asdict(default)), name)
        return NeuronConfig(**{key: _number(f"{name} {key}", number) for key, number in value.items()})
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(_is_whole(size) and 0 < size <= _MAX_NEURONS for size in value):
            raise InputError(f"{name} {value!r} is no list of whole numbers from 1 to {_MAX_NEURONS}")
        return tuple(value)
    if isinstance(default, float):
        return _number(name, value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InputError(f"{name} {value!r} is neither true nor false")
    elif isinstance(default, int) and not _is_whole(value):
        raise InputError(f"{name} {value!r} is no whole number")
    if isinstance(default, str) and not isinstance(value, str):
        raise InputError(f"{name} {value!r} is no text")
    return value


def _number(name: str, value: Any) -> float:
    if not isinstance(value, float) and not (_is_whole(value) and abs(value) < 1 << 53):
        raise InputError(f"{name} {value!r} is no number")
    return float(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _config(chosen: Mapping[str, Any]) -> TrainConfig:
    config = TrainConfig.defaults_for(**{"method": _DEFAULTS.method, **chosen})
    usual, used = TrainConfig.defaults_for(config.method), used_fields(config.method)
    return replace(config, **{name: getattr(usual, name) for name in FIELDS if name not in used})
