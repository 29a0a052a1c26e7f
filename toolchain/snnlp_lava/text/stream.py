"""Texts of a file in order, a few at a time: what is run, labelled or not, need not fit into memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from snnlp_lava.errors import InputError, first_line
from snnlp_lava.files import expect_file
from snnlp_lava.text.readers import (
    NAME_COLUMN,
    Columns,
    check_columns,
    check_unique,
    from_columns,
    is_empty,
    plain_column,
    read_columns,
)
from snnlp_lava.text.sources import load_texts, named_source

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

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


def open_texts(data: str, text_column: str = "text", label_column: str = "label") -> TextStream:
    """Open all texts of ``demo``, ``emotion``, ``imdb`` or a file, whatever part they belong to.

    A parquet file is read as it is needed; of other sources all texts are held in memory.

    Raises
    ------
    InputError
        If there is no such data, it cannot be read, or a row has no text.
    """
    if named_source(data):
        known = load_texts(data)
        names = [known.label_names[label] for label in known.labels]
        return _in_memory(known.name, {_TEXT: list(known.texts), _LABEL: names})
    path = Path(data)
    if path.suffix.lower() == ".parquet":
        expect_file(path, "data")
        return _parquet_stream(path, text_column, label_column)
    columns = read_columns(path, text_column, label_column)
    check_columns(columns, text_column, str(path))
    present = [name for name in (NAME_COLUMN, label_column) if name in columns]
    if not present:
        return _in_memory(path.stem, {_TEXT: columns[text_column]})
    for name in present:
        if any(is_empty(value) for value in columns[name]):
            labels = [None if is_empty(value) else str(value) for value in columns[name]]
            return _in_memory(path.stem, {_TEXT: columns[text_column], _LABEL: labels})
    known = from_columns(path.stem, columns, text_column, label_column, source=str(path))
    names = [known.label_names[label] for label in known.labels]
    return _in_memory(path.stem, {_TEXT: list(known.texts), _LABEL: names})


def _in_memory(name: str, columns: Columns) -> TextStream:
    import pyarrow as pa

    try:
        table = pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
    except (pa.ArrowException, TypeError, UnicodeEncodeError) as error:
        raise InputError(f"data {name}: holds something else than text: {first_line(error)}") from error
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
        raise InputError(f"data {path}: is no readable parquet file: {first_line(error)}") from error


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
        raise InputError(f"data {path}: is no readable parquet file: {first_line(error)}") from error


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
