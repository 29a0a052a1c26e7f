"""Read tables of texts (parquet, CSV, JSON lines), completely or a few rows at a time."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import logging
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlp_lava.errors import InputError, listed, one_line
from snnlp_lava.files import os_error_text, require_file
from snnlp_lava.text.dataset import EMPTY_TEXT, INVALID_UNICODE, NO_LABEL, NO_SPLIT, TextData, report_skipped

if TYPE_CHECKING:
    import pyarrow as pa

NAME_COLUMN = "label_name"
SPLIT_COLUMN = "split"
MAX_ROWS = 10_000_000
"""Most rows of a table that is read completely, as splitting requires; ``--split all`` reads larger ones in blocks."""

_ROWS = 4096  # rows read at a time
_CHUNK = 1 << 20  # bytes
_MAX_LINE = 1 << 24  # characters of a line or a CSV field; reviews have some ten thousand
_SEPARATORS = ",;\t"
_GZIP = b"\x1f\x8b"
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")  # integers without leading zeros: 01 is a name

Columns = dict[str, list[Any]]
Blocks = Callable[[int], Iterator[Columns]]
"""Yields a table's columns from a row on, a few rows at a time, as lists of equal length; the first may be empty."""


class MissingLabelError(InputError):
    """A table without labels."""


class Wanted(NamedTuple):
    """The columns to read: texts (several are joined with a space) and labels."""

    text: tuple[str, ...]
    label: str | None

    @property
    def all(self) -> tuple[str, ...]:
        """All columns that are used if present."""
        return self.text if self.label is None else (*self.text, self.label, NAME_COLUMN, SPLIT_COLUMN)


class Rows(NamedTuple):
    """Some usable rows: row numbers in the source, texts, and class names (None if unlabelled)."""

    rows: np.ndarray
    texts: list[str]
    labels: list[str] | None


class TextTable:
    """The usable rows of a table in order, read on demand.

    Rows without text are counted and skipped. Labels are optional; if any label is empty, the whole table counts as
    unlabelled, which is logged, so that an accuracy always covers all texts.

    Attributes
    ----------
    name
        As `TextData` has it.
    labelled
        Whether all rows have labels.
    skipped
        Number of skipped rows by reason: ``{"empty text": 3}``.
    """

    def __init__(
        self, name: str, blocks: Blocks, wanted: Wanted, *, source: str, limit: int | None = None, strict: bool = False
    ) -> None:
        """Scan the table once; with a limit, only until that many usable rows are found.

        Parameters
        ----------
        name, limit
            See the class.
        blocks
            The table.
        wanted
            The columns to read.
        source
            Its name in errors.
        strict
            Refuse a table with a row without text.

        Raises
        ------
        InputError
            If there is no text column or no usable row, or a value is neither text nor a label.
        """
        self.name, self._blocks, self._wanted, self._source = name, blocks, wanted, source
        skipped: list[int] = []
        reasons: list[str] = []
        self._count = empty = 0
        for row, text, label in self._rows(0):
            if reason := unusable(text):
                skipped.append(row)
                reasons.append(reason)
                continue
            self._count += 1
            empty += label is None
            if self._count == limit:
                break
        self._skipped = np.array(skipped, dtype=np.int64)
        self.skipped = dict(Counter(reasons))
        report_skipped(source, self.skipped, skipped[0] if skipped else None, strict=strict)
        if not self._count:
            raise InputError(f"data {source}: contains no texts")
        self.labelled = not empty
        if 0 < empty < self._count:
            logger.warning("data %s: %d of %d labels are empty: all texts count as unlabelled", name, empty, len(self))
        self._rest, self._position = self._rows(0), 0

    def __len__(self) -> int:
        return self._count

    @cached_property
    def source_rows(self) -> int:
        """Number of rows of the table, including unusable ones."""
        return sum(map(_length, self._blocks(0)))

    def read(self, start: int, stop: int) -> Rows:
        """Return usable rows `start` to `stop`; fast if `start` is the last call's `stop`.

        Raises
        ------
        InputError
            If the table now has fewer rows.
        """
        if start != self._position:
            before = np.searchsorted(self._skipped - np.arange(len(self._skipped)), start, side="right")
            self._rest = self._rows(start + int(before))
        usable = ((row, text, label) for row, text, label in self._rest if not unusable(text))
        found = list(itertools.islice(usable, stop - start))
        if len(found) < stop - start:
            raise InputError(f"data {self._source}: changed while it was read")
        self._position = stop
        labels = [str(label) for _, _, label in found] if self.labelled else None
        return Rows(np.array([row for row, _, _ in found], dtype=np.int64), [str(text) for _, text, _ in found], labels)

    def _rows(self, start: int) -> Iterator[tuple[int, str | None, str | None]]:
        """Yield number, text and label of each row; the class name comes from label_name if there is such a column."""
        found: dict[str, None] = {}
        row = start
        for block in self._blocks(start):
            found |= dict.fromkeys(block)
            texts = _texts(block, self._wanted, self._source, row)
            names = () if self._wanted.label is None else (NAME_COLUMN, self._wanted.label)
            label = next((name for name in names if name in block), None)
            values = block[label] if label else [None] * len(texts)
            for text, value in zip(texts, values, strict=True):
                yield row, text, _label_text(value, self._source, row)
                row += 1
        check_columns(found, self._wanted, self._source)


def unusable(text: str | None) -> str | None:
    """Return why a text cannot be used; None if it can."""
    if text is None or not text.strip():
        return EMPTY_TEXT
    try:
        text.encode()
    except UnicodeEncodeError:
        return INVALID_UNICODE
    return None


def from_columns(
    name: str,
    columns: Columns,
    text_column: str | Sequence[str] = "text",
    label_column: str = "label",
    *,
    source: str | None = None,
    strict: bool = False,
) -> TextData:
    """Build `TextData` from columns of equal length.

    Labels are the values of `label_column`, names or integers, whose sorted order is that of the classes. If there is
    also a column ``label_name``, it names the classes; without `label_column` it contains the labels. A column
    ``split`` gives the source's own split. Rows without text, label or split are skipped, counted and logged.

    Raises
    ------
    InputError
        If a column is missing, no row can be used, or a value is of another type; with `strict` also if any row
        cannot be used. `MissingLabelError` if there are no labels.
    """
    source, wanted = source or name, wanted_columns(text_column, label_column)
    check_columns(columns, wanted, source)
    label = label_column if label_column in columns or NAME_COLUMN not in columns else NAME_COLUMN
    if label not in columns:
        raise MissingLabelError(f"data {source}: no column {label!r}; specify it with --label-column")
    texts, values = _texts(columns, wanted, source), columns[label]
    names = columns.get(NAME_COLUMN) if label != NAME_COLUMN else None
    splits = columns.get(SPLIT_COLUMN)
    kept: list[int] = []
    skipped: list[tuple[int, str]] = []
    for row, text in enumerate(texts):
        if reason := unusable(text) or _unlabelled(source, row, values, names) or _unsplit(source, row, splits):
            skipped.append((row, reason))
        else:
            kept.append(row)
    reasons = dict(Counter(reason for _, reason in skipped))
    if not kept:
        if reasons.get(NO_LABEL):
            raise MissingLabelError(f"data {source}: every label is empty; specify another column with --label-column")
        raise InputError(f"data {source}: contains no texts")
    report_skipped(source, reasons, skipped[0][0] if skipped else None, strict=strict)
    labels, label_names = _classes(values, names, kept, source)
    return TextData(
        name,
        [str(texts[row]) for row in kept],
        labels,
        label_names,
        np.array([splits[row] for row in kept], dtype=str) if splits is not None else None,
        rows=np.array(kept, dtype=np.int64),
        source_rows=len(texts),
        skipped=reasons,
    )


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
        if start < _length(block) or not _length(block):
            yield {name: values[start:] for name, values in block.items()}
        start = max(start - _length(block), 0)


def _length(block: Columns) -> int:
    return len(next(iter(block.values()), []))


def read_file(
    path: Path, text_column: str | Sequence[str] = "text", label_column: str = "label", *, strict: bool = False
) -> TextData:
    """Read labelled texts from a file (see `file_blocks`), as in `from_columns`.

    Raises
    ------
    InputError
        If the file cannot be read, or as `from_columns`.
    """
    wanted = wanted_columns(text_column, label_column)
    columns: Columns = {}
    count = 0
    blocks = file_blocks(path, wanted)
    _check_rows(path, _declared_rows(path))
    for block in blocks(0):
        rows = _length(block)
        for name in dict.fromkeys((*columns, *block)):  # JSON lines may lack columns
            columns.setdefault(name, [None] * count).extend(block.get(name, [None] * rows))
        count += rows
        _check_rows(path, count)
    stem = Path(path.name.removesuffix(".gz")).stem
    return from_columns(stem, columns, wanted.text, label_column, source=str(path), strict=strict)


def _check_rows(path: Path, rows: int) -> None:
    if rows > MAX_ROWS:
        raise InputError(f"data {path}: has more than {MAX_ROWS:,} rows, too many to be split; run it with --split all")


def _declared_rows(path: Path) -> int:
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


logger = logging.getLogger(__name__)


def _texts(columns: Columns, wanted: Wanted, source: str, start: int = 0) -> list[str | None]:
    """Return the texts of the rows, None if all columns are empty."""
    rows = _length(columns)
    parts = [columns.get(name, [None] * rows) for name in wanted.text]
    for part in parts:
        for row, value in enumerate(part):
            if value is not None and not isinstance(value, str):
                raise InputError(f"data {source}: row {start + row + 1}: the text must be text, got {_kind(value)}")
    if len(parts) == 1:
        return parts[0]
    return [" ".join(filter(None, values)) for values in zip(*parts, strict=True)]


def _unlabelled(source: str, row: int, values: Sequence[Any], names: Sequence[Any] | None) -> str | None:
    value, name = values[row], names[row] if names is not None else "any"
    for text in (_label_text(value, source, row), name):
        if text is None or text == "":
            return NO_LABEL
        if not isinstance(text, str):
            raise InputError(f"data {source}: row {row + 1}: the label_name must be text, got {_kind(text)}")
        if unusable(text) == INVALID_UNICODE:
            return INVALID_UNICODE
    return None


def _unsplit(source: str, row: int, splits: Sequence[Any] | None) -> str | None:
    if splits is None:
        return None
    if splits[row] is None or splits[row] == "":
        return NO_SPLIT
    if not isinstance(splits[row], str):
        raise InputError(f"data {source}: row {row + 1}: the split must be text, got {_kind(splits[row])}")
    return None


def _label_text(value: Any, source: str, row: int) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"data {source}: row {row + 1}: the label must be a name or an integer, got {_kind(value)}")
    return str(value)


def _classes(
    values: Sequence[str | int], names: Sequence[str] | None, kept: Sequence[int], source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels of the kept rows as indices, and the names of the classes."""
    used = [values[row] for row in kept]
    if len({type(value) is str for value in used}) > 1:
        raise InputError(f"data {source}: labels must be all names or all integers, got both")
    if all(isinstance(value, str) and _NUMBER.fullmatch(value) for value in used):
        used = [int(value) for value in used]  # CSV has no types; 10 sorts after 9
    distinct = sorted(set(used))
    index = {value: i for i, value in enumerate(distinct)}
    labels = np.array([index[value] for value in used], dtype=np.int64)
    if names is None:
        return labels, tuple(str(value) for value in distinct)
    found: dict[int, str] = {}
    for row, label in zip(kept, labels.tolist(), strict=True):
        if found.setdefault(label, names[row]) != names[row]:
            raise InputError(
                f"data {source}: row {row + 1}: label {values[row]} has label_name {names[row]!r}, "
                f"but {found[label]!r} in an earlier row"
            )
    label_names = tuple(found[i] for i in range(len(distinct)))
    if len(set(label_names)) < len(label_names):
        raise InputError(f"data {source}: two labels have the same label_name")
    return labels, label_names


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"


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
