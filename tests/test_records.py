"""Records: a wrong value is told in one line, with its place, its limit and the value."""

import importlib
import pkgutil
import types
import typing
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import snnlp_lava
from snnlp_lava.errors import InputError
from snnlp_lava.records import Count, Finite, Fraction, Record, build, load


class Inner(Record):
    share: Fraction = 0.5
    spikes: Count = 0


class Outer(Record):
    FORMAT = 3
    size: Annotated[int, msgspec.Meta(ge=1, le=100)]
    kind: Literal["rate", "latency"] = "rate"
    hidden: tuple[Annotated[int, msgspec.Meta(ge=1, le=99)], ...] = (1,)
    layers: tuple[Inner, ...] = ()
    name: str | None = None
    by_name: dict[str, Finite] = msgspec.field(default_factory=dict)

    def __post_init__(self):
        if self.kind == "latency" and len(self.hidden) > 1:
            raise ValueError("latency has one hidden layer")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"size": 0}, ["size", ">= 1", "got 0"]),
        ({"size": True}, ["size", "integer", "True"]),
        ({"size": 1.0}, ["size", "integer", "1.0"]),
        ({"size": "7"}, ["size", "integer", "'7'"]),
        ({"size": 10**30}, ["size", "100"]),
        ({}, ["size", "missing"]),
        ({"size": 1, "kind": "other"}, ["kind", "rate, latency", "'other'"]),
        ({"size": 1, "hidden": [4, 0]}, ["hidden[1]", ">= 1", "got 0"]),
        ({"size": 1, "hidden": 4}, ["hidden", "list", "got 4"]),
        ({"size": 1, "layers": [{}, {"spikes": -1}]}, ["layers[1].spikes", ">= 0", "got -1"]),
        ({"size": 1, "layers": [{"share": float("nan")}]}, ["layers[0].share", "nan"]),
        ({"size": 1, "layers": [{"shares": 1}]}, ["layers[0].shares", "unknown", "share, spikes"]),
        ({"size": 1, "name": 4}, ["name", "text or null", "got 4"]),
        ({"size": 1, "by_name": {"a": "b"}}, ["by_name", "number"]),
        ({"size": 1, "kind": "latency", "hidden": [1, 2]}, ["latency has one hidden layer"]),
        ({"size": 1, "other": 2}, ["other", "unknown", "size"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(values, told):
    with pytest.raises(InputError) as caught:
        build(Outer, {"format": 3, **values}, "file x")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("file x: ")
    assert [word for word in told if word not in message] == []


def test_another_format_is_refused_with_both_numbers():
    with pytest.raises(InputError, match=r"has format 2; this version reads 3"):
        build(Outer, {"format": 2, "size": 1})
    with pytest.raises(InputError, match=r"has format None"):
        build(Outer, {"size": 1})


@given(st.builds(dict, size=st.integers(1, 100), hidden=st.lists(st.integers(1, 99)), name=st.none() | st.text()))
def test_a_document_comes_back_as_it_was_written(values):
    record = Outer.of(**values)
    assert build(Outer, record.to_dict()) == record
    assert record.replace(size=7).size == 7


def test_files_that_are_no_records(tmp_path):
    path = tmp_path / "x.json"
    for content in (b"", b"{", b"[" * 100_000, b'{"format": 3, "size": 1e999}', b"\xff", b'{"a": "\\ud800"}'):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            load(Outer, path, "file x")
        assert "\n" not in str(caught.value)
    with path.open("wb") as file:
        file.truncate(30 << 30)  # 30 GB of nothing
    with pytest.raises(InputError, match="bytes"):
        load(Outer, path, "file x")
    with pytest.raises(InputError, match="cannot read"):
        load(Outer, tmp_path / "absent.json", "file x")


def every_record():
    """All records of the package, found by importing it."""
    for module in pkgutil.walk_packages(snnlp_lava.__path__, "snnlp_lava."):
        if "backends.lava" not in module.name:  # Lava's processes, which hold no records
            importlib.import_module(module.name)
    found, waiting = set(), [Record]
    while waiting:
        fresh = set(waiting.pop().__subclasses__()) - found
        found |= fresh
        waiting += fresh
    return [cls for cls in found if cls.__module__.startswith("snnlp_lava.")]


def unbounded(kind, meta=()):
    """The numbers within a type that lack a lowest or a highest value."""
    if typing.get_origin(kind) is Annotated:
        inner, *annotations = typing.get_args(kind)
        return unbounded(inner, (*meta, *annotations))
    if kind in (int, float):
        limits = [found for found in meta if isinstance(found, msgspec.Meta)]
        low = any(found.ge is not None or found.gt is not None for found in limits)
        high = any(found.le is not None or found.lt is not None for found in limits)
        return [] if low and high else [kind]
    union = typing.get_origin(kind) in (typing.Union, types.UnionType)  # whose Annotated is that of each member
    return [number for inner in typing.get_args(kind) for number in unbounded(inner, meta if union else ())]


def test_every_number_of_every_record_has_a_lowest_and_a_highest_value():
    """Else any size and NaN would pass, and a sum of what a file says could overflow."""
    records = every_record()
    assert len(records) >= 10
    for cls in records:
        for name, kind in typing.get_type_hints(cls, include_extras=True).items():
            if name in cls.__struct_fields__:
                assert not unbounded(kind), f"{cls.__module__}.{cls.__name__}.{name} has a number without bounds"


def test_a_number_without_bounds_is_found():
    assert unbounded(dict[str, tuple[Annotated[int, msgspec.Meta(ge=0)], ...]] | None) == [int]
    assert unbounded(Annotated[float | None, msgspec.Meta(le=1)]) == [float]
    assert not unbounded(Annotated[float, msgspec.Meta(ge=0, le=1)] | None)
    assert not unbounded(Annotated[float | None, msgspec.Meta(gt=0, lt=1)])
