"""Result files: the same bytes for the same results, and nothing believed that was not checked."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.errors import InputError
from snnlp_lava.records import build, load
from snnlp_lava.sweep.results import CellRecord, DataIdentity, canonical, finished_result, write_result

IDENTITY = DataIdentity(name="demo", sha256="5a" * 32, vectors=None, words=None, codes=None)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("aé\n")
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner), max_leaves=8)


def reordered(value):
    """The same value with every dictionary's keys the other way round."""
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(value=VALUES)
def test_a_value_has_one_canonical_text(value):
    text = canonical(value)
    assert canonical(reordered(value)) == text
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_written_as_its_repr(number):
    assert canonical(number) == repr(number)
    assert math.copysign(1, float(canonical(number))) == math.copysign(1, number)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_json_cannot_say_is_refused(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"loss": number})


@pytest.mark.parametrize("method", ["ann", "snn-rate"])
def test_a_written_result_is_read_again(tmp_path, cell, document, record, method):
    this = cell(method)
    written = document(this)
    write_result(tmp_path / "r.json", record(this))
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == written
    assert finished_result(tmp_path / "r.json", this, IDENTITY) == record(this)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    (line,) = [line for line in (tmp_path / "r.json").read_text("utf-8").splitlines() if line.startswith('"results"')]
    assert line == f'"results":{canonical(written["results"])},'


def test_no_result_is_none(tmp_path, cell):
    assert finished_result(tmp_path / "r.json", cell(), IDENTITY) is None


def without(document, *path):
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]


def with_value(document, value, *path):
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value


DAMAGES = {
    "empty": lambda text: "",
    "half": lambda text: text[: len(text) // 2],
    "a list": lambda text: "[]",
    "NaN": lambda text: text.replace("0.25", "NaN"),
    "no results": lambda text: changed(text, lambda d: without(d, "results")),
    "results a list": lambda text: changed(text, lambda d: with_value(d, [], "results")),
    "a further key": lambda text: changed(text, lambda d: with_value(d, 1, "more")),
    "no accuracy": lambda text: changed(text, lambda d: without(d, "results", "emulator", "accuracy")),
    "accuracy 2": lambda text: changed(text, lambda d: with_value(d, 2, "results", "emulator", "accuracy")),
    "accuracy true": lambda text: changed(text, lambda d: with_value(d, True, "results", "test", "accuracy")),
    "accuracy a text": lambda text: changed(text, lambda d: with_value(d, "1", "results", "validation", "accuracy")),
    "no samples": lambda text: changed(text, lambda d: with_value(d, 0, "results", "samples")),
    "layers a text": lambda text: changed(text, lambda d: with_value(d, "x", "results", "emulator", "layers")),
    "a layer a number": lambda text: changed(text, lambda d: with_value(d, [3], "results", "emulator", "layers")),
    "spikes below 0": lambda text: changed(
        text, lambda d: with_value(d, -1, "results", "emulator", "layers", 0, "spikes")
    ),
    "no layers": lambda text: changed(text, lambda d: with_value(d, [], "results", "emulator", "layers")),
    "no epochs": lambda text: changed(text, lambda d: with_value(d, [], "results", "history")),
    "an epoch a number": lambda text: changed(text, lambda d: with_value(d, [3], "results", "history")),
    "both spikes and MACs": lambda text: changed(text, lambda d: with_value(d, 8, "results", "macs")),
    "a loss a text": lambda text: changed(text, lambda d: with_value(d, "x", "results", "history", 0, "train_loss")),
    "operations a text": lambda text: changed(
        text, lambda d: with_value(d, "x", "results", "emulator", "paper_operations")
    ),
    "neither spikes nor MACs": lambda text: changed(text, lambda d: without(d, "results", "emulator")),
    "seconds a text": lambda text: changed(text, lambda d: with_value(d, "1", "seconds")),
    "cell a list": lambda text: changed(text, lambda d: with_value(d, [], "cell")),
}


def changed(text, change):
    document = json.loads(text)
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_result_counts_as_absent(tmp_path, cell, record, caplog, damage):
    path = tmp_path / "r.json"
    write_result(path, record(cell()))
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    assert finished_result(path, cell(), IDENTITY) is None
    assert f"result {path}: " in caplog.text
    assert "run again" in caplog.text


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"epochs": 3}, r"another configuration \(name 'demo-sentence-snn-rate-s1-epochs3', here"),
        ({"identity": {"sha256": "00" * 32}}, r"other data \(sha256 5a5a5a5a5a5a5a5a, here 0000000000000000\)"),
        ({"identity": {"vectors": "11" * 32}}, r"other data \(vectors None, here 1111111111111111\)"),
        ({"identity": {"name": "own"}}, r"other data \(name demo, here own\)"),
    ],
)
def test_a_result_of_something_else_is_refused(tmp_path, cell, record, other, message):
    path = tmp_path / "r.json"
    stored = cell(epochs=other["epochs"]) if "epochs" in other else cell()
    write_result(path, record(stored))
    with pytest.raises(InputError, match=message):
        finished_result(path, cell(), IDENTITY.replace(**other.get("identity", {})))


@pytest.mark.parametrize("field", ["split_scheme", "limit", "learning_rate", "kept", "neuron", "calibration"])
def test_every_part_of_the_configuration_is_compared(tmp_path, cell, document, field):
    stored = cell(window=32) if field in ("neuron", "calibration") else cell()
    written, other = document(stored), {"split_scheme": "x", "limit": 7}.get(field, 0.125)
    for record in (written["cell"], written["cell"]["train"]):
        if field in record:
            record[field] = other
    write_result(tmp_path / "r.json", build(CellRecord, written))
    with pytest.raises(InputError, match=rf"another configuration \({field} {other!r}, here"):
        finished_result(tmp_path / "r.json", stored, IDENTITY)


def test_a_result_of_a_later_format_is_kept(tmp_path, cell, document):
    (tmp_path / "r.json").write_text(json.dumps({**document(cell()), "format": 2, "more": 1}), "utf-8")
    with pytest.raises(InputError, match="has format 2; this version reads format 1"):
        finished_result(tmp_path / "r.json", cell(), IDENTITY)


REPRODUCTION = Path(__file__).parents[2] / "docs" / "reproduction" / "cells"


def test_the_results_of_the_reproduction_are_read_and_written_as_they_are(tmp_path):
    """Files of 0.1.0 and before: the format stays readable, and `results` keeps its bytes."""
    paths = sorted(REPRODUCTION.glob("*.json"))
    assert len(paths) == 38
    for path in paths:
        write_result(tmp_path / "r.json", load(CellRecord, path, path.name))
        assert (tmp_path / "r.json").read_bytes() == path.read_bytes()
