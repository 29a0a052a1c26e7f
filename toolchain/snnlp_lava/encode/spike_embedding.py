"""Spike embedding: words and pairs of words, each with a sparse binary code that is looked up, not computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.text.tokens import pack_words, words_and_pairs

MAX_LINES = 1024
_TEXTS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class SpikeEmbeddingEncoder:
    """A table of words and pairs of words with their codes, and a race at the end of the window.

    Those of a text's words and pairs (see `snnlp_lava.text.tokens.words_and_pairs`) that stand in the table are
    presented, each once, where it first occurs: one a step from step 0 on, or, if they are more than the steps, spread
    evenly over them. Line k spikes where bit k of the code is set. If two spikes share a line and a step, the later
    one waits for the next step in which the line is free. So each line spikes as often as the text's codes ask for,
    or at every step if they ask for more.

    In the last `race` steps of the window lines ``lines`` to ``lines + race - 1`` spike, one a step.

    Attributes
    ----------
    entries
        Words and pairs.
    codes
        (entries, ceil(lines / 8)) uint8: codes, eight lines a byte, the first in the highest bit.
    lines
        Length of a code.
    race
        Steps of the race.
    """

    entries: Sequence[str]
    codes: np.ndarray
    lines: int
    race: int
    takes_text = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", np.asarray(self.codes))
        for name, value, low in (("lines", self.lines, 1), ("race steps", self.race, 0)):
            if type(value) is not int or not low <= value <= MAX_LINES:
                raise InputError(f"spike embedding: {value!r} {name}; {low} to {MAX_LINES} are possible")
        shape = (len(self.entries), -(-self.lines // 8))
        if self.codes.dtype != np.uint8 or self.codes.shape != shape or not len(self.entries):
            raise InputError(
                f"spike embedding: codes are {self.codes.dtype} of shape {self.codes.shape}; uint8 of {shape} is needed"
            )
        if self.lines % 8 and (self.codes[:, -1] & (0xFF >> self.lines % 8)).any():
            raise InputError(f"spike embedding: a code has bits beyond its {self.lines} lines")
        if len(self._index) != len(self.entries):
            raise InputError("spike embedding: a word stands there twice")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {entry: row for row, entry in enumerate(self.entries)}

    @property
    def channels(self) -> int:
        """Lines of the codes and of the race."""
        return self.lines + self.race

    @property
    def dimension(self) -> int:
        """Length of a code."""
        return self.lines

    def inputs(self, features: Sequence[str], window: int) -> np.ndarray:
        """Texts to spike trains, eight lines a byte: (n, window, ceil(channels / 8)) uint8.

        Raises
        ------
        InputError
            If the window has no step before the race.
        """
        packed = np.empty((len(features), window, -(-self.channels // 8)), dtype=np.uint8)
        for start in range(0, len(features), _TEXTS_AT_ONCE):
            texts = features[start : start + _TEXTS_AT_ONCE]
            packed[start : start + _TEXTS_AT_ONCE] = np.packbits(self._trains(texts, window), axis=2)
        return packed

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Packed spike trains to spike trains (n, window, channels) uint8."""
        return np.unpackbits(inputs, axis=2, count=self.channels)

    def line_counts(self, features: Sequence[str]) -> np.ndarray:
        """How often the codes of n texts ask each line to spike: (n, lines) int32."""
        counts = np.zeros((len(features), self.lines), dtype=np.int32)
        for sample, text in enumerate(features):
            counts[sample] = np.unpackbits(self.codes[self._rows(text)], axis=1, count=self.lines).sum(axis=0)
        return counts

    def presented(self, text: str, window: int) -> list[tuple[int, str]]:
        """The steps at which the words and pairs of a text are presented; shared lines may spike later."""
        rows = self._rows(text)
        steps = self._steps(len(rows), window)
        return [(int(step), self.entries[row]) for step, row in zip(steps, rows, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Kind, lines, race."""
        return {"kind": "spike-embedding", "lines": self.lines, "race": self.race}

    def arrays(self) -> dict[str, np.ndarray]:
        """Entries, as bytes of UTF-8 with a line feed after each, and codes."""
        return {"entries": pack_words(self.entries), "codes": self.codes}

    def _rows(self, text: str) -> list[int]:
        known = (self._index.get(entry) for entry in words_and_pairs(text))
        return list(dict.fromkeys(row for row in known if row is not None))

    def _steps(self, count: int, window: int) -> np.ndarray:
        places = np.arange(count)
        steps = window - self.race
        return places if count <= steps else places * steps // count

    def _trains(self, texts: Sequence[str], window: int) -> np.ndarray:
        steps = window - self.race
        if steps < 1:
            raise InputError(f"window {window}: the race alone takes {self.race} steps; the text needs one or more")
        trains = np.zeros((len(texts), window, self.channels), dtype=np.uint8)
        trains[:, np.arange(steps, window), np.arange(self.lines, self.channels)] = 1
        rows = [self._rows(text) for text in texts]
        sample = np.repeat(np.arange(len(texts)), [len(found) for found in rows])
        if not len(sample):
            return trains
        asked = np.concatenate([self._steps(len(found), window) for found in rows])
        codes = np.unpackbits(self.codes[np.concatenate(rows).astype(np.intp)], axis=1, count=self.lines)
        entry, line = codes.nonzero()
        slot, kept = _queue(sample[entry] * self.lines + line, asked[entry], steps)
        trains[sample[entry[kept]], slot[kept], line[kept]] = 1
        return trains


def _queue(queue: np.ndarray, asked: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each spike a step of its own in its queue, the one it asks for or the next that is free.

    Parameters
    ----------
    queue
        (m,) number of each spike's queue.
    asked
        (m,) step that it asks for, rising within a queue.
    steps
        Number of steps; spikes of a queue that would come after the last step are moved to earlier ones.

    Returns
    -------
    tuple of np.ndarray
        (m,) steps, and (m,) bool, whether there is such a step.
    """
    order = np.argsort(queue, kind="stable")
    starts = np.flatnonzero(np.diff(queue[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    place = np.arange(len(order)) - np.repeat(starts, lengths)
    # Without waiting, the k-th spike of a queue would come k steps after the latest (step - k) before it.
    apart = np.repeat(np.arange(len(starts)), lengths) * (steps + len(order))
    latest = np.maximum.accumulate(asked[order] - place + apart) - apart
    slot = np.maximum(np.minimum(latest, steps - np.repeat(lengths, lengths)), 0) + place
    found = np.empty_like(slot)
    found[order] = slot
    return found, found < steps
