"""Find the character n-grams of many texts in a table: a trie, walked by compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit

ABSENT = -2
"""In place of a line: the n-gram is not in the table."""


class NgramTrie(NamedTuple):
    """A trie of n-grams.

    Attributes
    ----------
    code
        (code points,) int32 number of each character in the table, -1 for every other.
    edges, children
        (2^k,) int64 and int32 hash table from node x characters + code to the next node; -1 where it is free.
    line
        (nodes,) int64 line of each node's n-gram, -1 if it has none, ABSENT if it is not in the table.
    characters
        Number of different characters.
    """

    code: np.ndarray
    edges: np.ndarray
    children: np.ndarray
    line: np.ndarray
    characters: int

    @classmethod
    def of(cls, ngrams: Sequence[str], lines: np.ndarray) -> NgramTrie:
        """Build it of n-grams and their lines (n,) int64; of equal n-grams the last one counts."""
        points = _points("".join(ngrams))
        distinct = np.unique(points)
        code = np.full(0x110000, -1, dtype=np.int32)
        code[distinct] = np.arange(len(distinct), dtype=np.int32)
        slots = 1 << (2 * len(points) + 1).bit_length()
        edges, children = np.full(slots, -1, dtype=np.int64), np.zeros(slots, dtype=np.int32)
        line = np.full(len(points) + 1, ABSENT, dtype=np.int64)
        ends = np.cumsum([len(ngram) for ngram in ngrams], dtype=np.int64)
        nodes = _insert(code[points], ends, lines.astype(np.int64), len(distinct), edges, children, line)
        return cls(code, edges, children, line[:nodes], len(distinct))

    def find(self, texts: Sequence[str], longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the lines of texts.

        Parameters
        ----------
        texts
            n texts, as they are.
        longest
            Characters of the longest n-gram.

        Returns
        -------
        tuple of np.ndarray
            Texts and lines, (m,) int64 each: which text has which line, each pair once; and whether any of its n-grams
            is in the table, (n,) bool.
        """
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        codes = self.code[_points("".join(texts))]
        last = np.full(int(self.line.max(initial=0)) + 1, -1, dtype=np.int64)
        known = np.zeros(len(texts), dtype=np.bool_)
        capacity = 2 * len(codes)
        while True:  # a second time if the arrays were too short
            rows, lines = np.empty((2, capacity), dtype=np.int64)
            last[:] = -1
            total = _find(codes, ends, longest, *self[1:], last, known, rows, lines)
            if total <= capacity:
                return rows[:total], lines[:total], known
            capacity = total


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@njit(cache=True)
def _slot(key: Any, edges: Any) -> Any:
    mask = len(edges) - 1
    place = ((key * 0x9E3779B97F4A7C1) >> 20) & mask
    while edges[place] != key and edges[place] != -1:
        place = (place + 1) & mask
    return place


@njit(cache=True)
def _insert(codes: Any, ends: Any, lines: Any, characters: Any, edges: Any, children: Any, line: Any) -> Any:
    nodes, start = 1, 0
    for row in range(len(ends)):
        node = 0
        for place in range(start, ends[row]):
            key = node * characters + codes[place]
            slot = _slot(key, edges)
            if edges[slot] == -1:
                edges[slot], children[slot] = key, nodes
                nodes += 1
            node = children[slot]
        line[node] = lines[row]
        start = ends[row]
    return nodes


@njit(cache=True)
def _find(
    codes: Any,
    ends: Any,
    longest: Any,
    edges: Any,
    children: Any,
    line: Any,
    characters: Any,
    last: Any,
    known: Any,
    rows: Any,
    lines: Any,
) -> Any:
    total, start = 0, 0
    for text in range(len(ends)):
        for first in range(start, ends[text]):
            node = 0
            for place in range(first, min(first + longest, ends[text])):
                if codes[place] < 0:
                    break
                slot = _slot(node * characters + codes[place], edges)
                if edges[slot] == -1:
                    break
                node = children[slot]
                found = line[node]
                if found != ABSENT:
                    known[text] = True
                if found >= 0 and last[found] != text:
                    last[found] = text
                    if total < len(rows):
                        rows[total], lines[total] = text, found
                    total += 1
        start = ends[text]
    return total
