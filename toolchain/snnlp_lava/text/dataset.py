"""The labelled texts of one data set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from snnlp_lava.errors import InputError


@dataclass(frozen=True)
class TextData:
    """Labelled texts in the order of their source.

    Attributes
    ----------
    name
        What the user called the data: ``demo``, ``emotion``, or a file's stem.
    texts
        n texts.
    labels
        (n,) int64, indices into `label_names`.
    label_names
        Names of the classes.
    splits
        (n,) names of the source's own split, or None where it has none.
    sha256
        Hash of texts and labels, to tell whether two runs saw the same data.
    """

    name: str
    texts: Sequence[str]
    labels: np.ndarray
    label_names: tuple[str, ...]
    splits: np.ndarray | None = None
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.texts:
            raise InputError(f"data {self.name}: holds no texts")
        for row, text in enumerate(self.texts):
            if not text.strip():
                raise InputError(f"data {self.name}: the text of row {row + 1} is empty")
        digest = hashlib.sha256()
        try:
            for name in self.label_names:
                digest.update(_framed(name))
            for text, label in zip(self.texts, self.labels, strict=True):
                digest.update(_framed(str(label)) + _framed(text))
        except UnicodeEncodeError as error:
            raise InputError(
                f"data {self.name}: {error.object[:40]!r} holds half a character (a lone surrogate), which is no text"
            ) from error
        object.__setattr__(self, "sha256", digest.hexdigest())

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, rows: np.ndarray) -> list[str]:
        """Texts of the given rows, in that order."""
        return [self.texts[row] for row in rows]

    def labels_as(self, label_names: Sequence[str]) -> np.ndarray:
        """Labels as indices into another list of names; -1 where that list lacks the name.

        A network keeps the order of the names it was trained with; this maps any file to it.
        """
        index = {name: i for i, name in enumerate(label_names)}
        mapping = np.array([index.get(name, -1) for name in self.label_names], dtype=np.int64)
        return mapping[self.labels]


def _framed(text: str) -> bytes:
    """The text in UTF-8, its length before it, so that no two lists of texts give the same bytes."""
    encoded = text.encode("utf-8")
    return len(encoded).to_bytes(8, "little") + encoded
