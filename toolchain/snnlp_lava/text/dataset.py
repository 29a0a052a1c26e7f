"""Hold the labelled texts of a data set and split them."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from snnlp_lava.errors import InputError, listed
from snnlp_lava.files import check_choice, check_int

logger = logging.getLogger(__name__)

EMPTY_TEXT, NO_LABEL, NO_SPLIT, INVALID_UNICODE = "empty text", "no label", "no split", "invalid Unicode"
"""Reason for skipping a row without text."""


@dataclass(frozen=True)
class TextData:
    """Labelled texts, in the order of their source.

    Attributes
    ----------
    name
        Name of the data: ``demo``, ``emotion``, or a file's stem.
    texts
        n texts.
    labels
        (n,) int64, indices into `label_names`.
    label_names
        Names of the classes.
    splits
        (n,) split names of the source, or None if it has no split.
    rows
        (n,) int64 row of each text in its source, to which rows of a vector file refer; 0 to n - 1 by default.
    source_rows
        Number of rows of the source; n by default.
    skipped
        Number of skipped rows by reason: ``{"empty text": 3}``.
    revision
        Commit of a hub data set, or None.
    sha256
        Hash of texts and labels, to check that two runs used the same data.
    """

    name: str
    texts: Sequence[str]
    labels: np.ndarray
    label_names: tuple[str, ...]
    splits: np.ndarray | None = None
    rows: np.ndarray = None  # type: ignore[assignment]  # made in __post_init__
    source_rows: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    revision: str | None = None
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        if not self.texts:
            raise InputError(f"data {self.name}: contains no texts")
        for row, text in enumerate(self.texts):
            if not text.strip():
                raise InputError(f"data {self.name}: the text of row {row + 1} is empty")
        if self.rows is None:
            object.__setattr__(self, "rows", np.arange(len(self.texts)))
            object.__setattr__(self, "source_rows", len(self.texts))
        digest = hashlib.sha256()
        try:
            for name in self.label_names:
                digest.update(_framed(name))
            for text, label in zip(self.texts, self.labels, strict=True):
                digest.update(_framed(str(label)) + _framed(text))
        except UnicodeEncodeError as error:
            raise InputError(
                f"data {self.name}: {error.object[:40]!r} contains a lone surrogate (invalid Unicode)"
            ) from error
        object.__setattr__(self, "sha256", digest.hexdigest())

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, rows: np.ndarray) -> list[str]:
        """Return the texts of some rows, in that order."""
        return [self.texts[row] for row in rows]

    def labels_as(self, label_names: Sequence[str]) -> np.ndarray:
        """Return labels as indices into another list of names; -1 for names not in that list.

        Maps the labels of any file to the classes of a network.
        """
        index = {name: i for i, name in enumerate(label_names)}
        mapping = np.array([index.get(name, -1) for name in self.label_names], dtype=np.int64)
        return mapping[self.labels]


def report_skipped(source: str, skipped: Mapping[str, int], first: int | None, *, strict: bool) -> None:
    """Log, or refuse, unusable rows of a source.

    Parameters
    ----------
    source
        Name of the data in messages.
    skipped
        Their number by reason.
    first
        Index of the first one, from 0.
    strict
        Refuse the data instead.

    Raises
    ------
    InputError
        If there are any and `strict` is set.
    """
    if first is None:
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in skipped.items())
    message = f"data {source}: {sum(skipped.values())} rows cannot be used ({reasons}), the first is row {first + 1}"
    if strict:
        raise InputError(f"{message}; remove them, or leave out --strict to skip them")
    logger.warning("%s; skipped", message)


def _framed(text: str) -> bytes:
    """Encode a text in UTF-8, prefixed by its length, so that different lists of texts give different bytes."""
    encoded = text.encode("utf-8")
    return len(encoded).to_bytes(8, "little") + encoded


TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
SCHEMES = ("official", "paper")
PAPER_SEED = 2500
SPLIT_ALIASES = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
}


def split_rows(data: TextData, scheme: str = "official", *, strict: bool = False) -> dict[str, np.ndarray]:
    """Split data into train, validation and test rows.

    ``official`` keeps the source's own split, takes a tenth of the training rows for validation if it has no
    validation split, and splits other data 80/10/10. ``paper`` pools all rows (train, validation, test, in that
    order), shuffles and splits them 60/10/30 with seed 2500, as SNNLP (arXiv 2401.17911) does with pandas and
    scikit-learn.

    A class without training rows cannot be learned: its rows in the other splits stay and count as wrong.

    Parameters
    ----------
    data
        The texts.
    scheme
        One of SCHEMES.
    strict
        Refuse data with a class without training rows.

    Returns
    -------
    dict
        By split, (m,) int64 indices of texts in `data`.

    Raises
    ------
    InputError
        If the scheme is unknown, the split column has unknown names, a split is empty, or there is only one
        training class.
    """
    check_choice("split scheme", scheme, SCHEMES)
    own = _own_split(data)
    splits = _paper(data, own) if scheme == "paper" else _official(data, own)
    for split, rows in splits.items():
        if not len(rows):
            unnamed = scheme == "official" and own is not None and split != VALIDATION
            why = f"no row of the column split says {split}" if unnamed else f"{len(data)} rows are too few"
            raise InputError(f"data {data.name}: the {split} split is empty; {why}")
    seen = set(data.labels[splits[TRAIN]].tolist())
    if len(seen) < 2:
        only = data.label_names[next(iter(seen))]
        raise InputError(f"data {data.name}: training needs at least two classes, the training rows have only {only!r}")
    if strict:
        for split in (VALIDATION, TEST):
            labels = np.unique(data.labels[splits[split]][~np.isin(data.labels[splits[split]], sorted(seen))])
            if len(labels):
                names = listed([repr(data.label_names[label]) for label in labels])
                raise InputError(f"data {data.name}: {split} rows have labels without a training row: {names}")
    return splits


def limit_rows(rows: np.ndarray, limit: int | None) -> np.ndarray:
    """Select at most `limit` rows at random, keeping their order.

    A limit always selects the same rows, and the rows of a smaller limit are a subset of those of a larger one.

    Raises
    ------
    InputError
        If the limit is not an integer >= 1.
    """
    check_int("limit", limit)
    if limit is None or limit >= len(rows):
        return rows
    chosen = np.random.default_rng(PAPER_SEED).permutation(len(rows))[:limit]
    return rows[np.sort(chosen)]


def _own_split(data: TextData) -> np.ndarray | None:
    """Convert the column ``split`` to 0, 1, 2 for train, validation, test."""
    if data.splits is None:
        return None
    codes = {}
    for name in np.unique(data.splits):
        part = SPLIT_ALIASES.get(str(name).strip().lower())
        if part is None:
            raise InputError(f"data {data.name}: split {str(name)[:40]!r} is unknown (known: {', '.join(PARTS)})")
        codes[name] = PARTS.index(part)
    return np.array([codes[name] for name in data.splits], dtype=np.int64)


def _official(data: TextData, own: np.ndarray | None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(PAPER_SEED)
    if own is None:
        order = rng.permutation(len(data))
        tenth = len(data) // 10
        cut = {TEST: order[:tenth], VALIDATION: order[tenth : 2 * tenth], TRAIN: order[2 * tenth :]}
        return {part: np.sort(cut[part]) for part in PARTS}
    parts = {part: np.flatnonzero(own == code) for code, part in enumerate(PARTS)}
    if not len(parts[VALIDATION]):
        order = rng.permutation(len(parts[TRAIN]))
        tenth = len(order) // 10
        parts[VALIDATION] = parts[TRAIN][np.sort(order[:tenth])]
        parts[TRAIN] = parts[TRAIN][np.sort(order[tenth:])]
    return parts


def _paper(data: TextData, own: np.ndarray | None) -> dict[str, np.ndarray]:
    pooled = np.arange(len(data)) if own is None else np.argsort(own, kind="stable")
    shuffled = pooled[np.random.RandomState(PAPER_SEED).permutation(len(pooled))]
    train, rest = _shuffle_split(shuffled, 0.4)
    # The paper's script uses the first result of its second split, three quarters, as the test split.
    test, validation = _shuffle_split(rest, 0.25)
    return {TRAIN: train, VALIDATION: validation, TEST: test}


def _shuffle_split(rows: np.ndarray, second: float) -> tuple[np.ndarray, np.ndarray]:
    """Reproduce scikit-learn's train_test_split(rows, test_size=second, random_state=2500)."""
    order = np.random.RandomState(PAPER_SEED).permutation(len(rows))
    n_second = math.ceil(len(rows) * second)
    return rows[order[n_second:]], rows[order[:n_second]]
