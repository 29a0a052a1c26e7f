"""Load data by name: a data set of the package or of the Hugging Face hub, or a file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from snnlp_lava.errors import InputError, listed, one_line
from snnlp_lava.files import StrPath, as_path, require_file
from snnlp_lava.text.dataset import SPLIT_ALIASES, TextData
from snnlp_lava.text.readers import (
    NAME_COLUMN,
    SPLIT_COLUMN,
    Columns,
    Wanted,
    file_blocks,
    rows_from,
    wanted_columns,
)
from snnlp_lava.text.table import TextTable, from_columns, read_file

logger = logging.getLogger(__name__)


class HubSource(NamedTuple):
    """A data set on the Hugging Face hub.

    Attributes
    ----------
    repository, config
        Names on the hub; None for the only configuration.
    revision
        The commit to read; None for the latest.
    """

    repository: str
    config: str | None = None
    revision: str | None = None


HUB = {
    "emotion": HubSource("dair-ai/emotion", "split", "cab853a1dbdf4c42c2b3ef2173804746df8825fe"),
    "imdb": HubSource("stanfordnlp/imdb", "plain_text", "e6281661ce1c48d982bc483cf8a173c1bbeb5d31"),
}
PACKAGED = ("demo", "cafe")
"""Data sets included in the package, both our own writing: six emotions; what is said in a cafe, with unknown."""
_HUB_PREFIX = "hf:"
_DEFAULT = Wanted(("text",), "label")


def load_texts(
    data: StrPath, text_column: str | Sequence[str] = "text", label_column: str = "label", *, strict: bool = False
) -> TextData:
    """Load labelled texts.

    Parameters
    ----------
    data
        ``demo``, ``cafe``, ``emotion``, ``imdb``, any data set of the hub as ``hf:OWNER/NAME`` or
        ``hf:OWNER/NAME:CONFIG``, or a parquet, CSV or JSON lines file.
    text_column
        The text column; several are joined with a space.
    label_column
        The label column.
    strict
        Refuse data with an unusable row instead of skipping it (see `snnlp_lava.text.table.from_columns`).

    Raises
    ------
    InputError
        If there is no such data, it cannot be read, or the hub cannot be reached.
    """
    data, wanted = str(as_path(data)), wanted_columns(text_column, label_column)
    if (source := _hub_source(data)) is None:
        return read_file(_file(data), wanted.text, label_column, strict=strict)
    name, columns, revision = _from_hub(data, source, wanted)
    return replace(
        from_columns(name, columns, wanted.text, label_column, source=data, strict=strict), revision=revision
    )


def open_texts(
    data: StrPath,
    text_column: str | Sequence[str] = "text",
    label_column: str | None = "label",
    *,
    limit: int | None = None,
    strict: bool = False,
) -> TextTable:
    """Open all texts of a data set, of all splits, with or without labels.

    A file is read on demand, a few rows at a time; a hub data set is held in memory. Arguments as for `load_texts`;
    without a label column no labels of a file are read, and with a limit, reading stops after that many usable rows.

    Raises
    ------
    InputError
        If there is no such data, it cannot be read, or contains no text.
    """
    data, wanted = str(as_path(data)), wanted_columns(text_column, label_column)
    if (source := _hub_source(data)) is None:
        path = _file(data)
        name = data if data in PACKAGED else Path(path.name.removesuffix(".gz")).stem
        return TextTable(name, file_blocks(path, wanted), wanted, source=data, limit=limit, strict=strict)
    name, columns, _ = _from_hub(data, source, wanted)
    return TextTable(name, lambda start: rows_from([columns], start), wanted, source=data, limit=limit, strict=strict)


def is_file(data: str) -> bool:
    """Return whether a name of data means a file, not a data set of the package or of the hub."""
    return data not in PACKAGED and _hub_source(data) is None


def _hub_source(data: str) -> HubSource | None:
    if not data.startswith(_HUB_PREFIX):
        return HUB.get(data)
    repository, _, config = data.removeprefix(_HUB_PREFIX).partition(":")
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise InputError(f"data {data}: must be {_HUB_PREFIX}OWNER/NAME or {_HUB_PREFIX}OWNER/NAME:CONFIG")
    return HubSource(repository, config or None)


def _file(data: str) -> Path:
    if data in PACKAGED:
        return Path(str(resources.files("snnlp_lava.text"))) / "data" / f"{data}.csv"
    path = Path(data)
    if not path.suffix:
        try:
            require_file(path, "data")
        except InputError as error:
            names = ", ".join([*PACKAGED, *HUB])
            raise InputError(f"data {data}: is neither a file nor one of {names}, nor hf:OWNER/NAME") from error
    return path


def _from_hub(data: str, source: HubSource, wanted: Wanted) -> tuple[str, Columns, str | None]:
    """Download name, columns and commit. The library only reads data files and runs no code of a data set."""
    import datasets

    datasets.disable_progress_bars()
    try:
        revision = source.revision or _latest_revision(source.repository)
        found = datasets.load_dataset(source.repository, source.config, revision=revision)
    except Exception as error:  # the hub's client raises many kinds of errors
        raise InputError(
            f"data {data}: is not available from the Hugging Face hub ({source.repository}): "
            f"{one_line(error)}; a parquet, CSV or JSON lines file works without the hub"
        ) from error
    columns: Columns = {}
    own = {split: found[split] for split in found if split in SPLIT_ALIASES} or dict(found)
    for split, table in own.items():
        text, label = _hub_columns(data, table.features, wanted)
        for name, wanted_name in zip(text, wanted.text, strict=True):
            columns.setdefault(wanted_name, []).extend(table[name])
        columns.setdefault(SPLIT_COLUMN, []).extend([split] * len(table))
        if label is None:
            continue
        values = list(table[label])
        if names := getattr(table.features[label], "names", None):
            values = [value if value is not None and value >= 0 else None for value in values]  # -1: a hidden label
            columns.setdefault(NAME_COLUMN, []).extend(None if value is None else names[value] for value in values)
        columns.setdefault(wanted.label or label, []).extend(values)
    if len(own) == 1:
        del columns[SPLIT_COLUMN]
    name = data if data in HUB else source.repository.rpartition("/")[2]
    return name, columns, revision


def _latest_revision(repository: str) -> str | None:
    """Return the newest commit of a data set, for the record; None for a local folder or without a network."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if Path(repository).is_dir():
        return None
    try:
        return HfApi().dataset_info(repository, timeout=10).sha
    except (OSError, OfflineModeIsEnabled, HfHubHTTPError) as error:
        logger.warning("data %s: its revision is unknown (%s)", repository, one_line(error))
        return None


def _hub_columns(data: str, features: Any, wanted: Wanted) -> tuple[tuple[str, ...], str | None]:
    """Return the text and label columns: those specified, otherwise the only possible ones."""
    text, label = wanted.text, wanted.label
    if text == _DEFAULT.text and text[0] not in features:
        strings = [name for name in features if getattr(features[name], "dtype", None) == "string"]
        text = tuple(name for name in strings if name not in (NAME_COLUMN, SPLIT_COLUMN, label))
    if label == _DEFAULT.label and label not in features:
        classes = [name for name in features if hasattr(features[name], "names")]
        label = classes[0] if len(classes) == 1 else label
    if len(text) != len(wanted.text) or not set(text) <= features.keys():
        raise InputError(
            f"data {data}: no column {', '.join(wanted.text)} (found {listed(list(features))}); "
            "specify it with --text-column"
        )
    return text, label if label in features else None
