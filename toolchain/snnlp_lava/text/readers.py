"""Read columns of a table of texts from a file (parquet, CSV, JSON lines), a few rows at a time."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from snnlp_lava.errors import InputError, listed, one_line
from snnlp_lava.files import os_error_text, require_file

if TYPE_CHECKING:
    import pyarrow as pa

NAME_COLUMN = "label_name"
SPLIT_COLUMN = "split"

_ROWS = 4096  # rows read at a time
_CHUNK = 1 << 20  # bytes
_MAX_LINE = 1 << 24  # characters of a line or a CSV field; reviews have some ten thousand
_SEPARATORS = ",;\t"
_GZIP = b"\x1f\x8b"

Columns = dict[str, list[Any]]
Blocks = Callable[[int], Iterator[Columns]]
"""Yields a table's columns from a row on, a few rows at a time, as lists of equal length; the first may be empty."""


class Wanted(NamedTuple):
    """The columns to read: texts (several are joined with a space) and labels."""

    text: tuple[str, ...]
    label: str | None

    @property
    def all(self) -> tuple[str, ...]:
        """All columns that are used if present."""
        return self.text if self.label is None else (*self.text, self.label, NAME_COLUMN, SPLIT_COLUMN)


def wanted_columns(text_column: str | Sequence[str], label_column: str | None) -> Wanted:
    """Check the columns specified by a user.

    Raises
    ------
    InputError
        If they include no text column.
    """
    text = (text_column,) if isinstance(text_column, str) else tuple(text_column)
    if not text:
        raise InputError("specify one or more text columns")
    return Wanted(text, label_column)


def file_blocks(path: Path, wanted: Wanted) -> Blocks:
    """Open the table in a .parquet, .csv, .tsv, .jsonl or .ndjson file; all but parquet may be gzip-compressed (.gz).

    Raises
    ------
    InputError
        If the file does not exist or is of an unknown type. Reading a block raises one if the file is malformed.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix not in (".parquet", *_READERS):
        raise InputError(f"data {path}: unknown file type {suffix!r} (known: .parquet, {', '.join(_READERS)})")
    require_file(path, "data")
    if suffix == ".parquet":
        return lambda start: _parquet(path, wanted, start)
    return lambda start: rows_from(_READERS[suffix](path, wanted), start)


def rows_from(blocks: Iterable[Columns], start: int) -> Iterator[Columns]:
    """The rows from row `start` on."""
    for block in blocks:
        if start < row_count(block) or not row_count(block):
            yield {name: values[start:] for name, values in block.items()}
        start = max(start - row_count(block), 0)


def row_count(block: Columns) -> int:
    """Return the number of rows of a block."""
    return len(next(iter(block.values()), []))


def declared_rows(path: Path) -> int:
    """Rows that a parquet file says it has, before any is decoded; 0 for other files."""
    import pyarrow as pa
    from pyarrow import parquet

    if path.suffix.lower() != ".parquet":
        return 0
    try:
        return int(parquet.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"data {path}: is not a readable parquet file: {one_line(error)}") from error


def check_columns(found: Iterable[str], wanted: Wanted, source: str) -> None:
    """Raise an InputError unless the text columns were found.

    Raises
    ------
    InputError
        If one is missing; names those that exist.
    """
    found = list(found)
    for name in wanted.text:
        if name not in found:
            names = listed([repr(name)[:40] for name in found]) or "none"
            raise InputError(f"data {source}: no column {name!r} (found {names}); specify it with --text-column")


def _check_unique(path: Path, names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"data {path}: two columns are named {name!r}")


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """Yield the lines of a text file, gzip-compressed or not, with line ends."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
            file.seek(0)
            unpacked: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
            with io.TextIOWrapper(unpacked, encoding="utf-8-sig", newline="") as text:
                yield _limited(text, path)
    except UnicodeDecodeError as error:
        raise InputError(
            f"data {path}: byte {_first_bad_byte(path)} is not UTF-8; convert the file, e.g. with iconv -t utf-8"
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"data {path}: is a damaged gzip file: {one_line(error)}") from error
    except OSError as error:
        raise InputError(f"data {path}: cannot be read: {os_error_text(error)}") from error


def _limited(file: io.TextIOWrapper, path: Path) -> Iterator[str]:
    number = 0
    while line := file.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE:
            raise InputError(
                f"data {path}: line {number} must be shorter than {_MAX_LINE:,} characters; is it a text file?"
            )
        yield line


def _first_bad_byte(path: Path) -> int:
    """Return the offset of the first byte that is not UTF-8, in the decompressed file."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        unpacked: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
        place, rest = 0, b""
        while chunk := unpacked.read(_CHUNK):
            try:
                _, used = codecs.utf_8_decode(rest + chunk, "strict", False)
            except UnicodeDecodeError as error:
                return place + error.start
            place += used
            rest = (rest + chunk)[used:]
    return place


def _csv(path: Path, wanted: Wanted) -> Iterator[Columns]:
    separator = _separator(path, wanted)
    with _lines(path) as lines:
        reader = csv.reader(lines, strict=True, delimiter=separator)
        header = _csv_header(reader, path)
        _check_unique(path, header)
        check_columns(header, wanted, str(path))
        yield {name: [] for name in header}
        places = {name: place for place, name in enumerate(header) if name in wanted.all}
        while rows := _csv_rows(reader, path, _ROWS, len(header)):
            yield {name: [row[place] for row in rows] for name, place in places.items()}


def _separator(path: Path, wanted: Wanted) -> str:
    """Return the delimiter, comma, semicolon or tab: the first for which the header has the text columns."""
    for separator in _SEPARATORS:
        with _lines(path) as lines:
            if set(wanted.text) <= set(_csv_header(csv.reader(lines, strict=True, delimiter=separator), path)):
                return separator
    return _SEPARATORS[0]


def _csv_header(reader: Any, path: Path) -> list[str]:
    rows = _csv_rows(reader, path, 1, None)
    return rows[0] if rows else []


def _csv_rows(reader: Any, path: Path, most: int, fields: int | None) -> list[list[str]]:
    """Read the next non-blank rows, up to a maximum, each with a given number of fields."""
    rows: list[list[str]] = []
    previous = csv.field_size_limit(_MAX_LINE)
    try:
        for row in filter(None, reader):
            if len(row) != (fields or len(row)):
                raise InputError(
                    f"data {path}: line {reader.line_num} must have {fields} fields like the header, got {len(row)}"
                )
            rows.append(row)
            if len(rows) == most:
                break
    except csv.Error as error:
        raise InputError(f"data {path}: line {reader.line_num}: {error}") from error
    finally:
        csv.field_size_limit(previous)
    return rows


def _json_lines(path: Path, wanted: Wanted) -> Iterator[Columns]:
    with _lines(path) as lines:
        numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
        while block := list(itertools.islice(numbered, _ROWS)):
            records = [_record(path, number, line) for number, line in block]
            names = dict.fromkeys(name for record in records for name in record)
            used = [name for name in names if name in wanted.all or not names.keys() >= set(wanted.text)]
            yield {name: [record.get(name) for record in records] for name in used or wanted.text}


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"data {path}: line {number} is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise InputError(f"data {path}: line {number} is not a JSON object")
    return record


def _parquet(path: Path, wanted: Wanted, start: int) -> Iterator[Columns]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            names = file.schema_arrow.names
            present = [name for name in dict.fromkeys(names) if name in wanted.all]
            _check_unique(path, [name for name in names if name in present])
            check_columns(names, wanted, str(path))
            yield {name: [] for name in present}
            group = 0
            while group < file.num_row_groups and start >= (rows := file.metadata.row_group(group).num_rows):
                start -= rows  # a row group is decoded from its start
                group += 1
            batches = file.iter_batches(_ROWS, range(group, file.num_row_groups), present, use_threads=False)
            yield from rows_from((_decoded(batch, path, wanted) for batch in batches), start)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # column names may be invalid UTF-8
        raise InputError(f"data {path}: is not a readable parquet file: {one_line(error)}") from error


def _decoded(batch: pa.RecordBatch, path: Path, wanted: Wanted) -> Columns:
    batch.validate(full=True)
    return {name: _values(batch.column(name), path, name, wanted) for name in batch.schema.names}


def _values(column: pa.Array, path: Path, name: str, wanted: Wanted) -> list[Any]:
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    if not text and not (name == wanted.label and pa.types.is_integer(kind)):
        expected = "names or integers" if name == wanted.label else "text"
        raise InputError(f"data {path}: column {name!r} must be {expected}, got {kind}")
    return list(column.to_pylist())


_READERS = {".csv": _csv, ".tsv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines}
