import contextlib
import csv
import gzip
import io
import json

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from snnlp_lava.errors import InputError
from snnlp_lava.text import table
from snnlp_lava.text.table import from_columns, read_file

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
AWKWARD = [
    'he said "no", twice',
    "two\nlines",
    "old\rmac",
    "dos\r\nend",
    "a\u2028b",
    "\ufeffa",
    "naïve 😡👩‍👩‍👧",
    " ,\t; ",
    "''",
    '"',
]


def write_csv(path, columns):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def write_json_lines(path, columns):
    lines = [
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)
        for row in zip(*columns.values(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")


def write_parquet(path, columns):
    parquet.write_table(pa.table(columns), path)


WRITERS = {".csv": write_csv, ".jsonl": write_json_lines, ".parquet": write_parquet}
rows_of_texts = pytest.mark.parametrize("suffix", WRITERS)


@st.composite
def tables(draw):
    """Columns of one to eight rows: text, number or name as label, perhaps names and a split."""
    texts = draw(st.lists(TEXTS, min_size=1, max_size=8))
    labels = draw(st.lists(st.integers(-3, 12), min_size=len(texts), max_size=len(texts)))
    columns = {"text": texts, "label": labels}
    if draw(st.booleans()):
        columns["label"] = [f"name {label}" for label in labels]
    elif draw(st.booleans()):
        columns["label_name"] = [f"name {label}" for label in labels]
    if draw(st.booleans()):
        columns["split"] = [draw(st.sampled_from(["train", "test"])) for _ in texts]
    return columns


@given(tables())
@example({"text": AWKWARD, "label": list(range(len(AWKWARD)))})
def test_csv_json_lines_and_parquet_give_the_same_data(tmp_path, columns):
    for suffix, write in WRITERS.items():
        write(tmp_path / f"data{suffix}", columns)
        data = read_file(tmp_path / f"data{suffix}")
        assert list(data.texts) == columns["text"]
        distinct = sorted(set(columns["label"]))
        assert data.labels.tolist() == [distinct.index(label) for label in columns["label"]]
        names = dict(zip(columns["label"], columns.get("label_name", map(str, columns["label"])), strict=True))
        assert data.label_names == tuple(names[label] for label in distinct)
        assert (None if data.splits is None else data.splits.tolist()) == columns.get("split")
        assert data.name == "data"
        if suffix == ".csv":
            sha256 = data.sha256
        assert data.sha256 == sha256


def test_numbers_in_csv_are_ordered_as_numbers(tmp_path):
    write_csv(tmp_path / "a.csv", {"text": ["a", "b", "c"], "label": ["10", "9", "-1"]})
    assert read_file(tmp_path / "a.csv").label_names == ("-1", "9", "10")


@rows_of_texts
def test_columns_of_other_names_are_read_when_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, {"review": ["good", "bad"], "stars": [5, 1], "id": [1, 2]})
    data = read_file(path, "review", "stars")
    assert (list(data.texts), data.label_names, data.labels.tolist()) == (["good", "bad"], ("1", "5"), [1, 0])
    with pytest.raises(InputError, match=r"a\.\w+: no column 'text'.*--text-column"):
        read_file(path)
    with pytest.raises(InputError, match=r"a\.\w+: no column 'label'; .*--label-column"):
        read_file(path, "review")


@rows_of_texts
def test_label_name_alone_holds_the_labels(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, {"text": ["good", "bad"], "label_name": ["pos", "neg"]})
    assert read_file(path).label_names == ("neg", "pos")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": [], "label": []}, ".*no texts"),
        ({"text": [None, " \n"], "label": [0, 1]}, ".*no texts"),
        ({"text": ["a", "b"], "label": [None, ""]}, "every label is empty"),
        ({"text": ["a", 7], "label": [0, 1]}, "row 2: the text .*text.* int '7'"),
        ({"text": ["a", "b"], "label": [0, 0.5]}, "row 2: the label .*a name or an integer.* float '0.5'"),
        ({"text": ["a", "b"], "label": [0, [1]]}, r"row 2: the label .*a name or an integer.* list '\[1\]'"),
        ({"text": ["a", "b"], "label": ["joy", 1]}, "labels .*names .*integers"),
        (
            {"text": ["a", "b"], "label": [4, 4], "label_name": ["joy", "fear"]},
            "row 2: label 4 .*'fear'.* 'joy'",
        ),
        ({"text": ["a", "b"], "label": [0, 1], "label_name": ["joy", "joy"]}, "two labels .*label_name"),
    ],
)
def test_rows_that_cannot_be_used_are_named(columns, message):
    with pytest.raises(InputError, match=f"^data mine: {message}"):
        from_columns("mine", columns)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"text,label\nfine,0\nbroken,1,2\n", "a.csv: line 3 .*2 fields.* 3"),
        ("a.csv", b'text,label\n"never closed,0\n', "a.csv: line 2: unexpected end of data"),
        ("a.csv", b"text,label,text\na,0,b\n", "a.csv: two columns .*'text'"),
        ("a.csv", b"", "a.csv: no column 'text'"),
        ("a.csv", "text,label\ngrün,0\n".encode("latin-1"), "a.csv: byte 13 is not UTF-8; .* iconv"),
        ("a.csv.gz", b"\x1f\x8bno gzip", "a.csv.gz: is a damaged gzip file"),
        pytest.param(
            "a.jsonl",
            b'{"text": "a"}\n' + b"x" * (1 << 24),
            "a.jsonl: line 2 .*16,777,216 characters",
            id="line without end",
        ),
        pytest.param(
            "a.csv",
            b'text,label\n"' + b"x\n" * (1 << 24) + b'",0',
            "a.csv: line .*field larger than field limit",
            id="field without end",
        ),
        ("a.jsonl", b'{"text": "a", "label": 0}\n{"text": "b", "label"\n', "a.jsonl: line 2 is not JSON"),
        ("a.jsonl", b'{"text": "a", "label": 0}\n\n["b", 1]\n', "a.jsonl: line 3 is not a JSON object"),
        ("a.jsonl", '{"text": "grün"}'.encode("latin-1"), "a.jsonl: byte 12 is not UTF-8"),
        ("a.parquet", b"PAR1 and nothing else PAR1", "a.parquet: is not a readable parquet file"),
        ("a.xlsx", b"", r"a.xlsx: unknown file type '.xlsx' \(known: .parquet, .csv, .tsv, .jsonl, .ndjson\)"),
        ("b.csv", None, "b.csv: no such file"),
    ],
)
def test_files_that_cannot_be_read_are_named_with_the_place(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_file(tmp_path / name)


def test_byte_order_mark_blank_lines_and_dos_line_ends_do_not_matter(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbftext,label\r\n\r\na,x\r\nb,y\r\n")
    (tmp_path / "A.JSONL").write_bytes(b'{"text":"a","label":"x"}\r\n \r\n{"text":"b","label":"y"}')
    data = read_file(tmp_path / "a.csv"), read_file(tmp_path / "A.JSONL")
    assert data[0].sha256 == data[1].sha256
    assert data[0].label_names == ("x", "y")


@given(st.binary() | st.text('text,label\n"\r 01{}[]:é\0').map(str.encode), st.sampled_from([*WRITERS]))
@example(b"PAR1" + b"\xff" * 20 + b"PAR1", ".parquet")
def test_random_bytes_raise_nothing_but_an_input_error(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"text,label\n" + content if suffix == ".csv" else content)
    with contextlib.suppress(InputError):
        assert len(read_file(path)) > 0


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(["text", "label", "label_name", "split"], JSON))))
@example([{"text": "a", "label": "\ud800"}])
@example([{"text": "a", "label": "b", "split": split} for split in ([1], 2)])
def test_random_json_lines_raise_nothing_but_an_input_error(tmp_path, records):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"text": "a", "label": 0, **record}) for record in records))
    with contextlib.suppress(InputError):
        data = read_file(path)
        assert len(data.texts) == len(data.labels) == len(data.rows)
        assert len(data.texts) + sum(data.skipped.values()) == data.source_rows == len(records)
        assert data.splits is None or data.splits.shape == (len(data.texts),)


@given(st.lists(st.text("-0123456789٣ a", min_size=1), min_size=1))
@example(["--5", "1"])
@example(["9" * 5000, "1"])
def test_any_text_is_a_label_or_an_input_error(labels):
    with contextlib.suppress(InputError):
        data = from_columns("a", {"text": ["a"] * len(labels), "label": labels})
        assert data.labels.max() < len(data.label_names) <= len(set(labels))


@given(st.integers(0), st.integers(0, 255), st.floats(0.5, 1))
def test_damaged_parquet_raises_nothing_but_an_input_error(tmp_path, place, byte, kept):
    path = tmp_path / "a.parquet"
    write_parquet(path, {"text": ["a", "b"] * 4, "label": [0, 1] * 4})
    content = bytearray(path.read_bytes())
    content[place % len(content)] = byte
    path.write_bytes(content if byte else content[: int(kept * len(content))])
    with contextlib.suppress(InputError):
        assert len(read_file(path)) > 0


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path):
    parquet.write_table(pa.table([["a"], ["b"], [1]], names=["text", "text", "label"]), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: .*'?text'?"):
        read_file(tmp_path / "a.parquet")


@pytest.mark.parametrize("kind", [pa.timestamp("ms"), pa.duration("s"), pa.binary(8), pa.list_(pa.int64())], ids=str)
@pytest.mark.parametrize("name", ["text", "label", "label_name", "split"])
def test_parquet_of_other_types_is_refused_by_its_column(tmp_path, name, kind):
    """Values of such types may have no Python object to become: a timestamp holds years beyond 9999."""
    content = {pa.binary(8): b"12345678", pa.list_(pa.int64()): [1]}.get(kind, 1 << 61)
    columns = {"text": ["a"], "label": [1], "label_name": ["x"], "split": ["train"], name: pa.array([content], kind)}
    write_parquet(tmp_path / "a.parquet", columns)
    with pytest.raises(InputError, match=rf"a\.parquet: column '{name}' must be .*, got "):
        read_file(tmp_path / "a.parquet")


@rows_of_texts
def test_a_label_keeps_its_zeros(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, {"text": ["good", "bad", "ugly"], "label": ["007", "7", "-0"]})
    assert read_file(path).label_names == ("-0", "007", "7")


@rows_of_texts
def test_of_many_columns_the_first_are_named(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, {f"column {number}": ["a"] for number in range(30)})
    with pytest.raises(
        InputError, match=r"no column 'text' \(found 'column 0', .*, 'column 9' and 20 more\); .*--text-column"
    ):
        read_file(path)


SKIPPED = {
    "text": ["a", " \n", "c", None, "e", "f", "\ud800"],
    "label": ["x", "y", "", "x", "y", None, "y"],
    "split": ["train", "train", "train", "train", "", "train", "train"],
}


def test_rows_that_cannot_be_used_are_left_out_counted_and_logged(caplog):
    data = from_columns("mine", {name: [*values, "b"] for name, values in SKIPPED.items()})
    assert (list(data.texts), data.rows.tolist(), data.source_rows) == (["a", "b"], [0, 7], 8)
    assert data.skipped == {"empty text": 2, "no label": 2, "no split": 1, "invalid Unicode": 1}
    assert (data.splits.tolist(), data.label_names) == (["train", "b"], ("b", "x"))
    (message,) = caplog.messages
    assert "mine: 6 rows cannot be used (empty text 2, no label 2, no split 1, invalid Unicode 1)" in message
    assert "the first is row 2" in message
    with pytest.raises(InputError, match=r"mine: 6 rows cannot be used .* the first is row 2"):
        from_columns("mine", {name: [*values, "b"] for name, values in SKIPPED.items()}, strict=True)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
def test_semicolons_tabs_and_gzip_are_read(tmp_path, separator, suffix):
    with io.StringIO(newline="") as file:
        csv.writer(file, delimiter=separator).writerows([["text", "label"], *zip(AWKWARD, range(10), strict=True)])
        content = file.getvalue().encode()
    (tmp_path / f"a{suffix}").write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    data = read_file(tmp_path / f"a{suffix}")
    assert (list(data.texts), data.name) == (AWKWARD, "a")


@rows_of_texts
def test_several_columns_of_texts_are_joined(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    WRITERS[suffix](path, {"title": ["good", "", "x"], "body": ["film", "bad", ""], "label": [1, 0, 1]})
    assert list(read_file(path, ("title", "body")).texts) == ["good film", "bad", "x"]
    with pytest.raises(InputError, match=r"no column 'more' \(found 'title', 'body'.*--text-column"):
        read_file(path, ("title", "more"))


def test_a_parquet_file_of_many_equal_rows_is_refused_before_they_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 10_000)
    write_parquet(tmp_path / "a.parquet", {"text": ["a"] * 10_001, "label": [0] * 10_001})
    with pytest.raises(InputError, match=r"has more than 10,000 rows.*--split all"):
        read_file(tmp_path / "a.parquet")
