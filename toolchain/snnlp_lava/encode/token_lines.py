"""Encode texts by input lines of their own: each known word, pair or n-gram is one spike, all in one time step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from msgspec import Meta

from snnlp_lava.embed.base import OpCounts
from snnlp_lava.encode.base import Encoder, array_from, words_from
from snnlp_lava.encode.ngrams import ABSENT, NgramTrie
from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.records import Record, build
from snnlp_lava.text.entries import Scheme, entries_of, normalise, words_of
from snnlp_lava.text.tokens import pack_words

MAX_START_LINES = 256
SILENT = (1 << 32) - 1
"""In place of a line: the entry is known from training, and says nothing."""
MAX_CHARACTERS = 16
_MANY = 64  # texts from which it is quicker to look entries up as integers
_Length = Annotated[int, Meta(ge=1, le=MAX_CHARACTERS)]


class _Description(Record, frozen=True):
    """As in network files."""

    kind: Literal["token-lines"]
    token_lines: Annotated[int, Meta(ge=1, le=limits.MAX_NEURONS)]
    start_lines: Annotated[int, Meta(ge=0, le=MAX_START_LINES)]
    words: bool
    pairs: bool
    characters: tuple[_Length, _Length] | None


class _WordTable(NamedTuple):
    """Words by number; the line of each, and of no word last; pairs, sorted, and the line of each."""

    number: dict[str, int]
    line: np.ndarray
    pairs: np.ndarray
    pair_line: np.ndarray


@dataclass(frozen=True, eq=False)
class TokenLineEncoder(Encoder):
    """A table of words, pairs of words or character n-grams, with the input line of each.

    In the first time step the line of every entry that a text has spikes, once, however often the entry, or another of
    the same line, is in the text; and so do the start lines, whatever the text. Nothing comes after.

    Attributes
    ----------
    entries
        Words, pairs, n-grams, as `snnlp_lava.text.entries.entries_of` writes them.
    line
        (entries,) uint32: the line of each, below `token_lines`; or SILENT.
    token_lines
        Number of lines for entries; the start lines are behind them.
    start_lines
        Number of lines that spike for every text.
    scheme
        What a text is cut into.
    """

    entries: Sequence[str]
    line: np.ndarray
    token_lines: int
    start_lines: int
    scheme: Scheme
    kind = "token-lines"
    takes = "texts"

    def __post_init__(self) -> None:
        line = np.asarray(self.line)
        object.__setattr__(self, "line", line)
        if line.dtype != np.uint32 or line.shape != (len(self.entries),) or not len(line):
            raise InputError(
                f"token lines: must be one uint32 for each of {len(self.entries)} entries, "
                f"got {line.dtype} of shape {line.shape}"
            )
        spiking = line[line != SILENT]
        if len(spiking) and int(spiking.max()) >= self.token_lines:
            raise InputError(f"token lines: must be below {self.token_lines}, got {int(spiking.max())}")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {entry: row for row, entry in enumerate(self.entries)}

    @property
    def lines(self) -> int:
        """Lines of entries, and the start lines."""
        return self.token_lines + self.start_lines

    @property
    def scheduled(self) -> int:
        """The start lines."""
        return self.start_lines

    def quantise(self, features: Sequence[str], window: int) -> np.ndarray:
        """Texts to the lines of their entries, eight a byte: (n, ceil(token_lines / 8)) uint8."""
        starts, lines, _ = self.active_lines(features)
        packed = np.zeros((len(features), -(-self.token_lines // 8)), dtype=np.uint8)
        rows = np.repeat(np.arange(len(features)), np.diff(starts))
        np.bitwise_or.at(packed, (rows, lines >> 3), (0x80 >> (lines & 7)).astype(np.uint8))
        return packed

    def active_lines(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lines that spike in step 0 without the start lines, as indices: the sparse form of `quantise`.

        Returns
        -------
        tuple of np.ndarray
            Starts (n + 1,) and lines (m,) int64: text i has the lines from starts[i] to starts[i + 1], each once. And
            what `known` says, (n,) bool.
        """
        if len(texts) >= _MANY:
            return self._active_of_many(texts)
        line_of = self._line_of
        found = [{line_of[entry] for entry in entries_of(text, self.scheme) if entry in line_of} for text in texts]
        known = np.fromiter(map(bool, found), dtype=bool, count=len(found))
        for lines in found:
            lines.discard(SILENT)
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(lines) for lines in found], out=starts[1:])
        return starts, np.fromiter(chain.from_iterable(found), dtype=np.int64, count=int(starts[-1])), known

    def _active_of_many(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `active_lines`, for many texts: pairs are found by integers, n-grams by a trie, not by strings."""
        texts = [normalise(text) for text in texts]
        known = np.zeros(len(texts), dtype=bool)
        rows = lines = np.zeros(0, dtype=np.int64)
        if self.scheme.words or self.scheme.pairs:
            rows, lines = self._find_words(texts, known)
        if self.scheme.characters:
            padded = [f" {text} " if text else "" for text in texts]
            more, own, spoken = self._ngrams.find(padded, self.scheme.characters[1])
            rows, lines, known = np.concatenate([rows, more]), np.concatenate([lines, own]), known | spoken
        distinct = np.unique((rows << 32) + lines)
        starts = np.searchsorted(distinct, np.arange(len(texts) + 1) << 32)
        return starts, distinct & ((1 << 32) - 1), known

    def _find_words(self, texts: Sequence[str], known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which text has which line of words and pairs; mark in `known` texts that have any in the table."""
        table = self._words
        lists = [words_of(text) for text in texts]
        counts = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
        number, size = table.number.get, len(table.number)
        words = np.array([number(word, size) for word in chain.from_iterable(lists)], dtype=np.int64)
        row = np.repeat(np.arange(len(lists)), counts)
        neighbours = (row[1:] == row[:-1]) & (words[1:] < size) & (words[:-1] < size)
        pair = (words[:-1][neighbours] << 32) + words[1:][neighbours]
        place = np.minimum(np.searchsorted(table.pairs, pair), len(table.pairs) - 1)
        same = table.pairs[place] == pair
        row = np.concatenate([row, row[1:][neighbours][same]])
        line = np.concatenate([table.line[words], table.pair_line[place[same]]])
        known[row[line != ABSENT]] = True
        return row[line >= 0], line[line >= 0]

    @cached_property
    def _line_of(self) -> dict[str, int]:
        return dict(zip(self.entries, self.line.tolist(), strict=True))

    @cached_property
    def _own_lines(self) -> np.ndarray:
        return np.where(self.line == SILENT, -1, self.line.astype(np.int64))

    @cached_property
    def _ngrams(self) -> NgramTrie:
        assert self.scheme.characters is not None
        low, high = self.scheme.characters
        fits = [
            number for number, entry in enumerate(self.entries) if entry[:1] == "\t" and low < len(entry) <= high + 1
        ]
        return NgramTrie.of([self.entries[number][1:] for number in fits], self._own_lines[fits])

    @cached_property
    def _words(self) -> _WordTable:
        number: dict[str, int] = {}
        pairs, pair_line = [-1], [ABSENT]  # so that there is always one
        line_of: dict[int, int] = {}
        for entry, line in zip(self.entries, self._own_lines.tolist(), strict=True):
            first, *rest = [number.setdefault(word, len(number)) for word in entry.split(" ")]
            if not rest and self.scheme.words:
                line_of[first] = line
            elif len(rest) == 1 and self.scheme.pairs:
                pairs.append((first << 32) + rest[0])
                pair_line.append(line)
        line = np.full(len(number) + 1, ABSENT, dtype=np.int64)
        line[list(line_of)] = list(line_of.values())
        order = np.argsort(pairs)
        return _WordTable(number, line, np.array(pairs)[order], np.array(pair_line)[order])

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Packed lines to spike trains (n, window, lines) uint8."""
        spikes = np.zeros((len(values), window, self.lines), dtype=np.uint8)
        spikes[:, 0, : self.token_lines] = np.unpackbits(values, axis=1, count=self.token_lines)
        spikes[:, 0, self.token_lines :] = 1
        return spikes

    def token_steps(self, text: str, window: int) -> list[tuple[int, str]]:
        """The entries of a text, all in step 0."""
        return [(0, self.entries[row]) for row in self._rows(text)]

    def entry_lines(self, entry: str) -> list[int]:
        """The line of an entry."""
        line = self.line[[self._index[entry]] if entry in self._index else []]
        return [int(number) for number in line if number != SILENT]

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """A word of 64 bits is read from the table for each entry: the number of its line."""
        found = sum(len(self._rows(text)) for text in texts)
        return OpCounts("a table of lines", "entries", found, {"table_word": found})

    def known(self, features: Sequence[str]) -> np.ndarray:
        """Whether any entry of each text is in the table, silent or not."""
        return self.active_lines(features)[2]

    def to_dict(self) -> dict[str, Any]:
        """All but entries and lines."""
        return {
            "kind": self.kind,
            "token_lines": self.token_lines,
            "start_lines": self.start_lines,
            "words": self.scheme.words,
            "pairs": self.scheme.pairs,
            "characters": list(self.scheme.characters) if self.scheme.characters else None,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Entries, as bytes of UTF-8 with a line feed after each, and lines."""
        return {"entries": pack_words(self.entries), "line": self.line}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TokenLineEncoder:
        """Inverse of `to_dict` and `arrays`; InputError if they are not of such an encoder."""
        found = build(_Description, document, "encoder")
        if found.characters is not None and found.characters[0] > found.characters[1]:
            raise InputError(f"encoder: characters must be a range, got {found.characters}")
        scheme = Scheme(found.words, found.pairs, found.characters)
        return cls(
            words_from(arrays, "entries"), array_from(arrays, "line"), found.token_lines, found.start_lines, scheme
        )

    def _rows(self, text: str) -> list[int]:
        """Rows of the entries of a text that have a line."""
        index = self._index
        found = [index[entry] for entry in dict.fromkeys(entries_of(text, self.scheme)) if entry in index]
        return [row for row in found if self.line[row] != SILENT]
