"""From the word a user types after --data to labelled texts."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, require_file
from snnlp_lava.text.dataset import TextData
from snnlp_lava.text.readers import (
    _LABEL,
    _TEXT,
    NAME_COLUMN,
    SPLIT_COLUMN,
    Columns,
    TextStream,
    _in_memory,
    _parquet_stream,
    check_columns,
    from_columns,
    is_empty,
    read_columns,
    read_file,
)

if TYPE_CHECKING:
    pass


class HubSource(NamedTuple):
    """A data set on the Hugging Face hub.

    Attributes
    ----------
    repository, config
        As the hub names them.
    revision
        The commit it is pinned to.
    parts
        Names of its splits.
    """

    repository: str
    config: str
    revision: str
    parts: tuple[str, ...]


HUB = {
    "emotion": HubSource(
        "dair-ai/emotion", "split", "cab853a1dbdf4c42c2b3ef2173804746df8825fe", ("train", "validation", "test")
    ),
    "imdb": HubSource("stanfordnlp/imdb", "plain_text", "e6281661ce1c48d982bc483cf8a173c1bbeb5d31", ("train", "test")),
}


DEMO = "demo"


def load_texts(data: StrPath, text_column: str = "text", label_column: str = "label") -> TextData:
    """Load ``demo``, ``emotion``, ``imdb`` or a parquet, CSV or JSON lines file.

    Raises
    ------
    InputError
        If there is no such data, it cannot be read, or the hub cannot be reached.
    """
    data = str(as_path(data))
    if data == DEMO:
        with resources.as_file(resources.files("snnlp_lava.text") / "data" / "demo.csv") as path:
            return read_file(path)
    if data in HUB:
        return _from_hub(data, HUB[data])
    named_source(data)
    return read_file(Path(data), text_column, label_column)


def named_source(data: str) -> bool:
    """Whether what a user typed names data; else it is a file.

    Raises
    ------
    InputError
        If it is neither.
    """
    if data == DEMO or data in HUB:
        return True
    path = Path(data)
    if path.suffix:
        return False
    try:
        require_file(path, "data")
    except InputError as error:
        raise InputError(f"data {data}: neither a file nor one of {', '.join([DEMO, *HUB])}") from error
    return False


def _from_hub(name: str, source: HubSource) -> TextData:
    import datasets

    datasets.disable_progress_bars()
    columns: Columns = {"text": [], "label": [], NAME_COLUMN: [], SPLIT_COLUMN: []}
    for part in source.parts:
        try:
            table = datasets.load_dataset(source.repository, source.config, split=part, revision=source.revision)
        except Exception as error:  # the hub's client raises what its many layers raise
            raise InputError(
                f"data {name}: cannot be had from the Hugging Face hub ({source.repository}): "
                f"{one_line(error)}; a parquet, CSV or JSON lines file works without the hub"
            ) from error
        names = table.features["label"].names
        labels = list(table["label"])
        columns["text"] += table["text"]
        columns["label"] += labels
        columns[NAME_COLUMN] += [names[label] for label in labels]
        columns[SPLIT_COLUMN] += [part] * len(table)
    return from_columns(name, columns)


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
        require_file(path, "data")
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
