"""Readers for parquet, CSV and JSON lines: columns in, `TextData` out."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import os_error_text, require_file
from snnlp_lava.text.dataset import TextData

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

NAME_COLUMN = "label_name"


SPLIT_COLUMN = "split"


_SHOWN = 20  # names of columns in an error


_MAX_FIELD = 1 << 24  # characters of one CSV field; reviews have some ten thousand


_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")  # whole numbers as they are printed: 01 is a name


Columns = dict[str, list[Any]]


class MissingLabelError(InputError):
    """Texts have no label, or some of them have none."""


def read_file(path: Path, text_column: str = "text", label_column: str = "label") -> TextData:
    """Read labelled texts from a ``.parquet``, ``.csv``, ``.jsonl`` or ``.ndjson`` file.

    Labels are the values of `label_column`, whose order is that of the classes. If there is a column ``label_name``,
    too, it names the classes; without `label_column` it holds the labels. A column ``split`` gives the source's own
    split.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, or has a row without text or label.
    """
    columns = read_columns(path, text_column, label_column)
    return from_columns(path.stem, columns, text_column, label_column, source=str(path))


def read_columns(path: Path, text_column: str = "text", label_column: str = "label") -> Columns:
    """Read texts, labels, their names and the split of a file; where it has no `text_column`, the names of all columns.

    Raises
    ------
    InputError
        If the file is of an unknown kind or cannot be read.
    """
    readers = {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"data {path}: unknown kind of file {path.suffix!r} (known: {', '.join(readers)})")
    require_file(path, "data")
    try:
        return reader(path, [text_column, label_column, NAME_COLUMN, SPLIT_COLUMN])
    except OSError as error:
        raise InputError(f"data {path}: cannot be read: {os_error_text(error)}") from error


def check_columns(columns: Columns, text_column: str, source: str) -> None:
    """Make sure that there is a column of texts.

    Raises
    ------
    InputError
        If there is none; names those that were found.
    """
    if text_column not in columns:
        found = ", ".join(repr(name)[:40] for name in list(columns)[:_SHOWN]) + ", ..." * (len(columns) > _SHOWN)
        raise InputError(
            f"data {source}: no column {text_column!r} (found {found or 'none'}); name it with --text-column"
        )


def from_columns(
    name: str, columns: Columns, text_column: str = "text", label_column: str = "label", *, source: str | None = None
) -> TextData:
    """Build `TextData` from columns of equal length (see `read_file` for the rules).

    Raises
    ------
    InputError
        If a column is missing or a row has no text or label; `MissingLabelError` if it is that of the labels.
    """
    source = source or name
    check_columns(columns, text_column, source)
    if label_column not in columns and NAME_COLUMN in columns:
        label_column = NAME_COLUMN
    if label_column not in columns:
        raise MissingLabelError(f"data {source}: no column {label_column!r}; name it with --label-column")
    texts = columns[text_column]
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"data {source}: row {row + 1}: the text is {_kind(text)}, not text")
    values = columns[label_column]
    for row, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            kind = MissingLabelError if is_empty(value) else InputError
            raise kind(f"data {source}: row {row + 1}: the label is {_kind(value)}, not a name or whole number")
    names = columns.get(NAME_COLUMN) if label_column != NAME_COLUMN else None
    labels, label_names = _classes(values, names, source)
    splits = columns.get(SPLIT_COLUMN)
    for row, value in enumerate(splits or []):
        if not isinstance(value, str) or not value:
            raise InputError(f"data {source}: row {row + 1}: the split is {_kind(value)}, not text")
    return TextData(name, texts, labels, label_names, np.array(splits, dtype=str) if splits is not None else None)


def _classes(
    values: Sequence[str | int], names: Sequence[Any] | None, source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    if len({type(value) is str for value in values}) > 1:
        raise InputError(f"data {source}: labels are part names, part numbers")
    if all(isinstance(value, str) and _NUMBER.fullmatch(value) for value in values):
        values = [int(value) for value in values]  # CSV has no types; 10 comes after 9
    distinct = sorted(set(values))
    index = {value: i for i, value in enumerate(distinct)}
    labels = np.array([index[value] for value in values], dtype=np.int64)
    if names is None:
        return labels, tuple(str(value) for value in distinct)
    found: dict[int, str] = {}
    for row, (label, name) in enumerate(zip(labels, names, strict=True)):
        if not isinstance(name, str) or not name:
            raise InputError(f"data {source}: row {row + 1}: the label_name is {_kind(name)}, not text")
        if found.setdefault(int(label), name) != name:
            raise InputError(
                f"data {source}: row {row + 1}: label {values[row]} is named {name!r} here "
                f"and {found[int(label)]!r} before"
            )
    label_names = tuple(found[i] for i in range(len(distinct)))
    if len(set(label_names)) < len(label_names):
        raise InputError(f"data {source}: two labels share one label_name")
    return labels, label_names


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing."""
    return value is None or value == ""


def _kind(value: Any) -> str:
    return "empty" if is_empty(value) else f"{type(value).__name__} {str(value)[:40]!r}"


def check_unique(path: Path, names: Sequence[str]) -> None:
    """Make sure that no two columns share a name.

    Raises
    ------
    InputError
        If two do.
    """
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"data {path}: two columns are called {name!r}")


def plain_column(column: pa.Array, path: Path, name: str, *, numbers: bool = False) -> pa.Array:
    """A parquet column of texts, decoded where it is a dictionary.

    Parameters
    ----------
    column
        An array, or a chunked one.
    path, name
        File and column, for the error.
    numbers
        Whether it may hold whole numbers, too.

    Raises
    ------
    InputError
        If it holds something else.
    """
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    if not text and not (numbers and pa.types.is_integer(kind)):
        wanted = "names or whole numbers" if numbers else "text"
        raise InputError(f"data {path}: column {name!r} holds {kind}, not {wanted}")
    return column.cast(kind)


def _utf8(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"data {path}: byte {error.start} is not UTF-8; convert the file, e.g. with iconv -t utf-8"
        ) from error


def _csv(path: Path, wanted: Sequence[str]) -> Columns:
    previous = csv.field_size_limit(_MAX_FIELD)
    try:
        rows = csv.reader(io.StringIO(_utf8(path), newline=""), strict=True)
        header = next(rows, [])
        check_unique(path, header)
        _check_commas(path, header, wanted[0])
        columns: Columns = {name: [] for name in header}
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(f"data {path}: line {rows.line_num} has {len(row)} fields, the header {len(header)}")
            for name, value in zip(header, row, strict=True):
                if name == wanted[0]:
                    _check_text(path, rows.line_num, value)
                columns[name].append(value)
    except csv.Error as error:
        raise InputError(f"data {path}: line {rows.line_num}: {error}") from error
    finally:
        csv.field_size_limit(previous)
    return {name: values for name, values in columns.items() if name in wanted or wanted[0] not in columns}


def _check_commas(path: Path, header: Sequence[str], text_column: str) -> None:
    if len(header) == 1 and header[0] != text_column:
        for separator, name in ((";", "semicolons"), ("\t", "tabs")):
            if separator in header[0]:
                raise InputError(
                    f"data {path}: line 1 {header[0][:40]!r} is one field: {name} are in it; save the file with fields "
                    "separated by commas"
                )


def _check_text(path: Path, line: int, text: Any) -> None:
    if is_empty(text) or (isinstance(text, str) and not text.strip()):
        raise InputError(f"data {path}: line {line}: the text is empty")


def _json_lines(path: Path, wanted: Sequence[str]) -> Columns:
    records: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(_utf8(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"data {path}: line {number} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise InputError(f"data {path}: line {number} is not a JSON object")
        records[number] = record
    present = list(dict.fromkeys(name for record in records.values() for name in record))
    if wanted[0] in present:
        for number, record in records.items():
            _check_text(path, number, record.get(wanted[0]))
    return {
        name: [record.get(name) for record in records.values()] if wanted[0] in present else []
        for name in present
        if name in wanted or wanted[0] not in present
    }


def _parquet(path: Path, wanted: Sequence[str]) -> Columns:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        present = [name for name in file.schema_arrow.names if name in wanted]
        check_unique(path, present)
        if wanted[0] not in present:
            return {name: [] for name in file.schema_arrow.names}
        table = file.read(columns=present)
        return {
            name: plain_column(table.column(name), path, name, numbers=name == wanted[1]).to_pylist()
            for name in present
        }
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"data {path}: is no readable parquet file: {one_line(error)}") from error


logger = logging.getLogger(__name__)


_ROWS = 4096  # of a parquet file that are decoded in one go


_TEXT, _LABEL = "text", "label"


class TextStream:
    """Texts in the order of their source, read when they are needed.

    If a label is empty, the texts count as without labels, which is logged: an accuracy is that of all texts, or none.

    Attributes
    ----------
    name
        As `TextData` has it.
    labelled
        Whether they have labels, all of them.
    """

    def __init__(self, name: str, labelled: bool, tables: Callable[[int], Iterator[pa.Table]]) -> None:
        """Look through all texts once.

        Parameters
        ----------
        name
            See the class.
        labelled
            Whether `tables` has labels, which may be empty.
        tables
            Gives, for a row, tables of the texts from that row on: columns ``text``, and ``label`` (a class's name)
            where they have labels.

        Raises
        ------
        InputError
            If a row has no text, or there are none at all.
        """
        self.name = name
        self._tables = tables
        self._count = empty = 0
        for table in tables(0):
            _check_texts(table, name, self._count)
            self._count += len(table)
            empty += _empty_labels(table) if labelled else 0
        self.labelled = labelled and not empty
        if not self._count:
            raise InputError(f"data {name}: holds no texts")
        if empty:
            logger.warning("data %s: %d of %d labels are empty: all texts count as unlabelled", name, empty, len(self))
        self._rest, self._row = tables(0), 0

    def __len__(self) -> int:
        return self._count

    def read(self, start: int, stop: int) -> tuple[list[str], list[str] | None]:
        """Texts and names of their classes, rows `start` up to `stop`; quick if `start` is the last call's `stop`."""
        import pyarrow as pa

        if start != self._row:
            self._rest = self._tables(start)
        parts, missing = [], stop - start
        for table in self._rest:
            parts.append(table[:missing])
            missing -= len(parts[-1])
            if not missing:
                self._rest = _after(table[len(parts[-1]) :], self._rest)
                break
        self._row = stop
        rows = pa.concat_tables(parts)
        return rows.column(_TEXT).to_pylist(), rows.column(_LABEL).to_pylist() if self.labelled else None


def _in_memory(name: str, columns: Columns) -> TextStream:
    import pyarrow as pa

    try:
        table = pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
    except (pa.ArrowException, TypeError, UnicodeEncodeError) as error:
        raise InputError(f"data {name}: holds something else than text: {one_line(error)}") from error
    return TextStream(name, _LABEL in columns, lambda row: iter([table[row:]]))


def _parquet_stream(path: Path, text_column: str, label_column: str) -> TextStream:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path, memory_map=True)
        names = file.schema_arrow.names
        check_unique(path, [name for name in names if name in (text_column, label_column, NAME_COLUMN)])
        check_columns({name: [] for name in names}, text_column, str(path))
        # The class's name stands in label_name, where there is such a column; else the label itself is the name.
        label = next((name for name in (NAME_COLUMN, label_column) if name in names), None)
        return TextStream(
            path.stem, label is not None, lambda row: _parquet_tables(file, path, row, text_column, label)
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # names of columns may be no UTF-8
        raise InputError(f"data {path}: is no readable parquet file: {one_line(error)}") from error


def _parquet_tables(
    file: parquet.ParquetFile, path: Path, row: int, text_column: str, label_column: str | None
) -> Iterator[pa.Table]:
    """Tables of the rows from `row` on; a row group is decoded from its beginning."""
    import pyarrow as pa

    group = 0
    while group < file.num_row_groups and row >= file.metadata.row_group(group).num_rows:
        row -= file.metadata.row_group(group).num_rows
        group += 1
    columns = [text_column] + [label_column] * (label_column is not None)
    try:
        batches = file.iter_batches(_ROWS, range(group, file.num_row_groups), columns, use_threads=False)
        for batch in batches:
            if row >= len(batch):
                row -= len(batch)
                continue
            batch.validate(full=True)
            named = {_TEXT: plain_column(batch.column(text_column), path, text_column)}
            if label_column is not None:
                named[_LABEL] = plain_column(batch.column(label_column), path, label_column, numbers=True)
            yield pa.table({name: column.cast(pa.string()) for name, column in named.items()})[row:]
            row = 0
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"data {path}: is no readable parquet file: {one_line(error)}") from error


def _empty_labels(table: pa.Table) -> int:
    from pyarrow import compute

    empty = compute.fill_null(compute.equal(table.column(_LABEL), ""), fill_value=True)
    return int(compute.sum(empty).as_py() or 0)


def _check_texts(table: pa.Table, name: str, before: int) -> None:
    import pyarrow as pa
    from pyarrow import compute

    texts = table.column(_TEXT)
    empty = compute.fill_null(compute.equal(compute.utf8_trim_whitespace(texts), ""), fill_value=True)
    row = compute.index(empty, pa.scalar(value=True)).as_py()
    if row >= 0:
        raise InputError(f"data {name}: the text of row {before + row + 1} is empty")


def _after(table: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield table
    yield from rest
