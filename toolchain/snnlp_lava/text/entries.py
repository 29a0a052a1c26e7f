"""Cut texts into entries: words, pairs of words, character n-grams; one text at a time, or many into a matrix."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

MAX_ENTRIES = 200_000
"""Entries of one vocabulary at most: the most frequent ones are kept."""

_LEAST_TEXTS = 2  # that an entry must occur in
_WORD = re.compile(r"[\w']+|[^\w\s]")


@dataclass(frozen=True)
class Scheme:
    """Which entries a text has.

    Attributes
    ----------
    words, pairs
        Whether words, and pairs of neighbouring words, are entries.
    characters
        Shortest and longest character n-gram, or None without.
    """

    words: bool = False
    pairs: bool = False
    characters: tuple[int, int] | None = None

    def __str__(self) -> str:
        names = [name for name, there in (("words", self.words), ("pairs", self.pairs)) if there]
        return " + ".join([*names, *([f"{'-'.join(map(str, self.characters))} characters"] if self.characters else [])])


def normalise(text: str) -> str:
    """NFKC, casefold, runs of white space to one space; so that training and running read the same characters."""
    if not text.isascii():  # which NFKC leaves as it is
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def words_of(text: str) -> list[str]:
    """Words of a normalised text: runs of letters, digits, ``_`` and ``'``; every other sign by itself."""
    return _WORD.findall(text)


def entries_of(text: str, scheme: Scheme) -> list[str]:
    """Entries of one text, in order, repeats included.

    A pair is two words with a space between them. Character n-grams run over the normalised text with a space at
    each end; they start with a tab, so that none is taken for a word.
    """
    text = normalise(text)
    entries: list[str] = []
    if scheme.words or scheme.pairs:
        words = words_of(text)
        entries += words if scheme.words else []
        entries += [f"{first} {second}" for first, second in pairwise(words)] if scheme.pairs else []
    if scheme.characters and text:
        padded = f" {text} "
        low, high = scheme.characters
        entries += [f"\t{padded[i : i + n]}" for n in range(low, high + 1) for i in range(len(padded) - n + 1)]
    return entries


@dataclass(frozen=True)
class Occurrences:
    """Which entries stand in which texts.

    Attributes
    ----------
    entries
        The entries, as strings.
    texts
        (m,) int32 texts with an entry, entry by entry, rising within each.
    starts
        (entries + 1,) int64: those of entry j are ``texts[starts[j]:starts[j + 1]]``.
    rows
        Number of texts.
    """

    entries: list[str]
    texts: np.ndarray
    starts: np.ndarray
    rows: int

    @property
    def frequency(self) -> np.ndarray:
        """(entries,) int64: number of texts with each entry."""
        return np.diff(self.starts)

    def take(self, chosen: np.ndarray) -> Occurrences:
        """Those of some entries, by their indices."""
        counts = self.frequency[chosen]
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.repeat(self.starts[chosen] - starts[:-1], counts) + np.arange(starts[-1])
        return Occurrences([self.entries[j] for j in chosen], self.texts[places], starts, self.rows)

    def thinned(self, kept: np.ndarray) -> Occurrences:
        """The same entries in fewer texts; `kept` is bool, one for each of `texts`."""
        starts = np.concatenate([[0], np.cumsum(kept)])[self.starts]
        return Occurrences(self.entries, self.texts[kept], starts, self.rows)

    def beside(self, other: Occurrences) -> Occurrences:
        """These entries and others of the same texts, behind them."""
        return Occurrences(
            self.entries + other.entries,
            np.concatenate([self.texts, other.texts]),
            np.concatenate([self.starts, self.starts[-1] + other.starts[1:]]),
            self.rows,
        )

    def merged(self, line: np.ndarray) -> Occurrences:
        """Lines in place of entries: a line is in a text that has any of its entries.

        Parameters
        ----------
        line
            (entries,) line of each; all of 0 to the maximum occur. Lines have no names.
        """
        lines = int(line.max()) + 1 if len(line) else 0
        row = np.repeat(line, self.frequency).astype(np.int64) * self.rows + self.texts
        both = np.unique(row)
        starts = np.searchsorted(both, np.arange(lines + 1) * self.rows)
        return Occurrences([""] * lines, (both % max(1, self.rows)).astype(np.int32), starts, self.rows)


def count_entries(texts: Sequence[str], scheme: Scheme) -> Occurrences:
    """Find the entries of training texts: those in two texts or more, the most frequent `MAX_ENTRIES` at most.

    Parameters
    ----------
    texts
        Texts as they came; one at least.
    scheme
        Which entries.

    Returns
    -------
    Occurrences
        The same as `entries_of` gives text by text, but counted in arrays. Where no entry stands in two texts, those
        of one text are kept.
    """
    found = [_Keys.of(part, rows, len(texts)) for part, rows in _keys(texts, scheme)]
    least = min(_LEAST_TEXTS, max((int(keys.frequency.max()) for keys in found if len(keys.frequency)), default=0))
    frequencies = np.concatenate([keys.frequency for keys in found]) if found else np.zeros(0, dtype=np.int64)
    if (frequencies >= least).sum() > MAX_ENTRIES:
        least = int(np.partition(frequencies, -MAX_ENTRIES - 1)[-MAX_ENTRIES - 1]) + 1  # above the first left out
    kept = [keys.frequent(least) for keys in found]
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(keys.starts) for keys in kept]))])
    rows = np.concatenate([keys.rows for keys in kept])
    return Occurrences(list(chain.from_iterable(keys.names() for keys in kept)), rows, starts, len(texts))


def find_entries(texts: Sequence[str], scheme: Scheme, index: dict[str, int]) -> Occurrences:
    """Find known entries in other texts.

    Parameters
    ----------
    texts
        Texts as they came.
    scheme
        Which entries.
    index
        Number of each known entry.
    """
    found = [np.unique([index[e] for e in entries_of(text, scheme) if e in index]) for text in texts]
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), [len(entries) for entries in found])
    columns = np.concatenate([*found, np.zeros(0)]).astype(np.int64)
    order = np.argsort(columns, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=len(index)))])
    return Occurrences(list(index), rows[order], starts, len(texts))


class _Names:
    """Strings of keys: each key is made of one or more codes, the last in the lowest place."""

    def __init__(self, strings: Sequence[str], size: int, parts: int, join: str, start: str) -> None:
        self.strings, self.size, self.parts, self.join, self.start = strings, size, parts, join, start

    def of(self, keys: np.ndarray) -> Iterator[str]:
        codes = []
        for _ in range(self.parts):
            keys, code = np.divmod(keys, self.size)
            codes.append(code)
        for row in zip(*(code.tolist() for code in reversed(codes)), strict=True):
            yield self.start + self.join.join([self.strings[code] for code in row])


class _Keys:
    def __init__(self, keys: np.ndarray, rows: np.ndarray, starts: np.ndarray, naming: _Names) -> None:
        self.keys, self.rows, self.starts, self.naming = keys, rows, starts, naming

    @property
    def frequency(self) -> np.ndarray:
        return np.diff(self.starts)

    @classmethod
    def of(cls, part: tuple[np.ndarray, _Names], rows: np.ndarray, texts: int) -> _Keys:
        keys, naming = part
        distinct, codes = np.unique(keys, return_inverse=True)
        both = np.unique(codes.astype(np.int64) * texts + rows)
        starts = np.searchsorted(both, np.arange(len(distinct) + 1) * texts)
        return cls(distinct, (both % texts).astype(np.int32), starts, naming)

    def frequent(self, least: int) -> _Keys:
        kept = self.frequency >= least
        starts = np.concatenate([[0], np.cumsum(self.frequency[kept])])
        return _Keys(self.keys[kept], self.rows[np.repeat(kept, self.frequency)], starts, self.naming)

    def names(self) -> Iterator[str]:
        return self.naming.of(self.keys)


def _keys(texts: Sequence[str], scheme: Scheme) -> Iterator[tuple[tuple[np.ndarray, _Names], np.ndarray]]:
    """Integer keys of all occurrences, and the text of each; words, then pairs, then n-grams by their length."""
    texts = [normalise(text) for text in texts]
    if scheme.words or scheme.pairs:
        index: dict[str, int] = {}
        lists = [[index.setdefault(word, len(index)) for word in words_of(text)] for text in texts]
        rows = np.repeat(np.arange(len(texts)), [len(words) for words in lists])
        codes = np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=len(rows))
        strings, size = list(index), max(1, len(index))
        if scheme.words:
            yield (codes, _Names(strings, size, 1, "", "")), rows
        if scheme.pairs:
            same = rows[1:] == rows[:-1]
            yield ((codes[:-1] * size + codes[1:])[same], _Names(strings, size, 2, " ", "")), rows[1:][same]
    if scheme.characters:
        low, high = scheme.characters
        padded = [f" {text} " for text in texts if text]
        lengths = [len(text) + 2 if text else 0 for text in texts]
        rows = np.repeat(np.arange(len(texts)), lengths)
        points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        distinct, codes = np.unique(points, return_inverse=True)
        codes, size = codes.astype(np.int64), max(1, len(distinct))
        strings = [chr(point) for point in distinct]
        if size**high >= 1 << 62:
            raise ValueError(f"{size} different characters make too many {high}-grams")
        keys = codes
        for n in range(1, high + 1):
            if n > 1:
                keys = keys[:-1] * size + codes[n - 1 :]
            if n >= low:
                same = rows[: len(keys)] == rows[n - 1 :]
                yield (keys[same], _Names(strings, size, n, "", "\t")), rows[: len(keys)][same]
