"""Registries: built-ins first, plug-ins by entry points, nothing else is ever imported."""

from importlib.metadata import EntryPoint

import pytest

from snnlp_lava import registry
from snnlp_lava.errors import InputError
from snnlp_lava.registry import Registry


@pytest.fixture
def declare(monkeypatch):
    def declared(**points):
        found = [EntryPoint(name, value, "group") for name, value in points.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: found if group == "group" else [])
        return Registry("thing", "group", {"b": "math:pi", "a": "math:e"})

    return declared


def test_built_ins_come_first_and_in_their_order(declare):
    things = declare(d="math:tau", c="math:inf")
    assert list(things) == ["b", "a", "c", "d"]
    assert len(things) == 4
    assert things["d"] > things["b"] > things["a"]


def test_an_unknown_name_is_refused_with_the_known_ones(declare):
    with pytest.raises(InputError, match=r"thing 'os:system' is unknown \(known: b, a\)"):
        declare()["os:system"]
    assert "os:system" not in declare()


def test_a_plug_in_cannot_take_a_built_in_s_name(declare):
    with pytest.raises(InputError, match="'b'"):
        declare(b="math:tau")["b"]


def test_a_plug_in_that_cannot_be_imported_fails_when_it_is_chosen(declare):
    things = declare(broken="no_such_package.module:thing")
    assert "broken" in things
    assert things["a"] > 0
    with pytest.raises(InputError, match=r"'broken'.*no_such_package"):
        things["broken"]
