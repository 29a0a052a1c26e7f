"""Texts in order, whatever file they come from and wherever reading begins."""

import json
import tracemalloc

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
    assert [text for part in parts for text in part.texts] == TEXTS
    assert [label for part in parts for label in part.labels] == LABELS
    assert np.concatenate([part.rows for part in parts]).tolist() == list(range(10_000))


@settings(max_examples=25)
@given(st.data())
def test_reading_may_begin_anywhere(folder, data):
    stream = open_texts(str(folder / "unlabelled.parquet"))
    for _ in range(3):
        start = data.draw(st.integers(0, 9_999))
        stop = data.draw(st.integers(start + 1, 10_000))
        rows, texts, labels = stream.read(start, stop)
        assert (rows.tolist(), texts, labels) == (list(range(start, stop)), TEXTS[start:stop], None)


def test_the_demo_data_are_those_that_are_split(folder):
    known, stream = load_texts("demo"), open_texts("demo")
    _, texts, labels = stream.read(0, len(stream))
    assert texts == list(known.texts)
    assert labels == [known.label_names[label] for label in known.labels]


def damaged(content):
    return content[:200] + bytes(200) + content[400:]


WRONG = {
    "all null": ({"text": [None, None]}, "no texts"),
    "numbers": ({"text": [1, 2]}, r"column 'text' .*text.* int64"),
    "floats as labels": ({"text": ["a"], "label": [0.5]}, r"column 'label' .*names or integers.* double"),
    "other columns": ({"body": ["a"], "stars": [1]}, r"no column 'text' \(found 'body', 'stars'\)"),
    "no rows": ({"text": np.array([], dtype=str)}, "no texts"),
    "bytes": ({"text": [b"\xff\xfe"]}, r"column 'text' .*text.* binary"),
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
    rows, texts, label = stream.read(0, 9)
    assert (stream.labelled, rows.tolist(), texts, label) == (False, list(range(9)), columns["text"], None)
    empty = 9 if labels["label"] == [None] * 9 else 1
    expected = [f"data mine: {empty} of 9 labels are empty: all texts count as unlabelled"]
    assert caplog.messages == (expected if empty < 9 else [])  # a table without labels is nothing to warn of


def test_half_a_character_is_no_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "\\ud800"}')
    with pytest.raises(InputError, match="no texts"):
        open_texts(str(tmp_path / "a.jsonl"))
    column = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="is not a readable parquet file"):
        open_texts(str(tmp_path / "a.parquet"))


def test_names_of_columns_that_are_no_text_are_refused(tmp_path):
    parquet.write_table(pa.table({"text": ["a"], "zzzz": [1]}), tmp_path / "a.parquet", store_schema=False)
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content.replace(b"zzzz", b"zz\xecz"))
    with pytest.raises(InputError, match="is not a readable parquet file"):
        open_texts(str(tmp_path / "a.parquet"))


def test_rows_without_text_are_left_out_and_the_others_keep_their_numbers(tmp_path, caplog):
    texts = [text if row % 3 else " " for row, text in enumerate(TEXTS[:9000])]
    parquet.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=1000)
    table = open_texts(tmp_path / "a.parquet")
    assert (len(table), table.skipped, table.source_rows) == (6000, {"empty text": 3000}, 9000)
    assert len(caplog.messages) == 1
    usable = [row for row in range(9000) if row % 3]
    for start, stop in ((0, 10), (10, 25), (4000, 4500), (7, 9), (5999, 6000)):
        rows, found, _ = table.read(start, stop)
        assert rows.tolist() == usable[start:stop]
        assert found == [texts[row] for row in usable[start:stop]]
    with pytest.raises(InputError, match=r"3000 rows cannot be used \(empty text 3000\), the first is row 1;"):
        open_texts(tmp_path / "a.parquet", strict=True)


def test_a_limit_reads_no_more_than_it_needs(tmp_path):
    """A file of 600 kB may hold 10^8 rows."""
    rows = 20_000_000
    equal = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), ["how lovely"])
    parquet.write_table(pa.table({"text": equal, "label": equal}), tmp_path / "a.parquet")
    tracemalloc.start()
    try:
        table = open_texts(tmp_path / "a.parquet", limit=5)
        assert table.read(0, 5).texts == ["how lovely"] * 5
        assert len(table) == 5
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_file_that_shrinks_while_it_is_read_is_an_input_error(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 10)
    table = open_texts(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' * 9)
    assert len(table.read(0, 9).texts) == 9
    with pytest.raises(InputError, match="changed while it was read"):
        table.read(9, 10)
