"""Check the rows of a table of texts: those that can be used, their labels, classes and splits."""

from __future__ import annotations

import itertools
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import EMPTY_TEXT, INVALID_UNICODE, NO_LABEL, NO_SPLIT, TextData, report_skipped
from snnlp_lava.text.readers import (
    NAME_COLUMN,
    SPLIT_COLUMN,
    Blocks,
    Columns,
    Wanted,
    check_columns,
    declared_rows,
    file_blocks,
    row_count,
    wanted_columns,
)

logger = logging.getLogger(__name__)

MAX_ROWS = 10_000_000
"""Most rows of a table that is read completely, as splitting requires; ``--split all`` reads larger ones in blocks."""
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")  # integers without leading zeros: 01 is a name


class MissingLabelError(InputError):
    """A table without labels."""


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
        return sum(map(row_count, self._blocks(0)))

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
    _check_rows(path, declared_rows(path))
    for block in blocks(0):
        rows = row_count(block)
        for name in dict.fromkeys((*columns, *block)):  # JSON lines may lack columns
            columns.setdefault(name, [None] * count).extend(block.get(name, [None] * rows))
        count += rows
        _check_rows(path, count)
    stem = Path(path.name.removesuffix(".gz")).stem
    return from_columns(stem, columns, wanted.text, label_column, source=str(path), strict=strict)


def _check_rows(path: Path, rows: int) -> None:
    if rows > MAX_ROWS:
        raise InputError(f"data {path}: has more than {MAX_ROWS:,} rows, too many to be split; run it with --split all")


def _texts(columns: Columns, wanted: Wanted, source: str, start: int = 0) -> list[str | None]:
    """Return the texts of the rows, None if all columns are empty."""
    rows = row_count(columns)
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
