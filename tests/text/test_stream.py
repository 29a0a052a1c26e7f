"""Texts in order, whatever file they come from and wherever reading begins."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from snnlp_lava.errors import InputError
from snnlp_lava.text.sources import load_texts, open_texts

TEXTS = [f"text number {row} \x00 \u202e 😀" for row in range(10_000)]
LABELS = [("dull", "fine")[row % 3 == 0] for row in range(10_000)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streams")
    whole = {"text": TEXTS, "label": LABELS}
    parquet.write_table(pa.table(whole), folder / "whole.parquet", row_group_size=1500)
    encoded = pa.array(LABELS).dictionary_encode()
    parquet.write_table(pa.table({"text": pa.array(TEXTS).dictionary_encode(), "label": encoded}), folder / "d.parquet")
    parquet.write_table(pa.table({"text": TEXTS}), folder / "unlabelled.parquet", row_group_size=700)
    numbers = [int(label == "fine") for label in LABELS]
    parquet.write_table(pa.table({"text": TEXTS, "label": numbers, "label_name": LABELS}), folder / "named.parquet")
    lines = [json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, LABELS, strict=True)]
    (folder / "lines.jsonl").write_text("\n".join(lines), "utf-8")
    return folder


@pytest.mark.parametrize("name", ["whole.parquet", "d.parquet", "named.parquet", "lines.jsonl"])
def test_every_row_comes_once_in_order(folder, name):
    stream = open_texts(str(folder / name))
    assert (len(stream), stream.labelled) == (10_000, True)
    parts = [stream.read(start, min(start + 999, 10_000)) for start in range(0, 10_000, 999)]
    assert [text for texts, _ in parts for text in texts] == TEXTS
    assert [label for _, labels in parts for label in labels] == LABELS


@settings(max_examples=25)
@given(st.data())
def test_reading_may_begin_anywhere(folder, data):
    stream = open_texts(str(folder / "unlabelled.parquet"))
    for _ in range(3):
        start = data.draw(st.integers(0, 9_999))
        stop = data.draw(st.integers(start + 1, 10_000))
        assert stream.read(start, stop) == (TEXTS[start:stop], None)


def test_the_demo_data_are_those_that_are_split(folder):
    known, stream = load_texts("demo"), open_texts("demo")
    texts, labels = stream.read(0, len(stream))
    assert texts == list(known.texts)
    assert labels == [known.label_names[label] for label in known.labels]


def damaged(content):
    return content[:200] + bytes(200) + content[400:]


WRONG = {
    "null": ({"text": ["a", None]}, r"the text of row 2 is empty"),
    "blank": ({"text": ["a"] * 5000 + [" \t\u3000"]}, r"the text of row 5001 is empty"),
    "numbers": ({"text": [1, 2]}, r"column 'text' holds int64, not text"),
    "floats as labels": ({"text": ["a"], "label": [0.5]}, r"column 'label' holds double, not names or whole numbers"),
    "other columns": ({"body": ["a"], "stars": [1]}, r"no column 'text' \(found 'body', 'stars'\)"),
    "no rows": ({"text": np.array([], dtype=str)}, "holds no texts"),
    "bytes": ({"text": [b"\xff\xfe"]}, r"column 'text' holds binary, not text"),
}


@pytest.mark.parametrize(("columns", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_text_is_named(tmp_path, columns, message):
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message):
        open_texts(str(tmp_path / "a.parquet"))


EMPTY = {
    "one is null": {"label": ["x"] * 7 + [None, "x"]},
    "one is blank": {"label": ["x"] * 7 + ["", "x"]},
    "all are null": {"label": [None] * 9},
    "no number": {"label": [1] * 8 + [None]},
    "no name": {"label": [1] * 9, "label_name": ["x"] * 8 + [None]},
}


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("labels", EMPTY.values(), ids=EMPTY)
def test_texts_with_an_empty_label_count_as_unlabelled(tmp_path, caplog, suffix, labels):
    columns = {"text": [f"a{row}" for row in range(9)], **labels}
    table, path = pa.table(columns), tmp_path / f"mine.{suffix}"
    if suffix == "csv":
        csv.write_csv(table, path)
    elif suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, table.to_pylist())))
    else:
        parquet.write_table(table, path)
    stream = open_texts(str(path))
    assert (stream.labelled, stream.read(0, 9)) == (False, (columns["text"], None))
    empty = 9 if labels["label"] == [None] * 9 else 1
    assert caplog.messages == [f"data mine: {empty} of 9 labels are empty: all texts count as unlabelled"]


def test_half_a_character_is_no_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "\\ud800"}')
    with pytest.raises(InputError, match="data a: holds something else than text"):
        open_texts(str(tmp_path / "a.jsonl"))
    column = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="is no readable parquet file"):
        open_texts(str(tmp_path / "a.parquet"))


def test_names_of_columns_that_are_no_text_are_refused(tmp_path):
    parquet.write_table(pa.table({"text": ["a"], "zzzz": [1]}), tmp_path / "a.parquet", store_schema=False)
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content.replace(b"zzzz", b"zz\xecz"))
    with pytest.raises(InputError, match="is no readable parquet file"):
        open_texts(str(tmp_path / "a.parquet"))
