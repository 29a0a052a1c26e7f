"""Encode texts by a spike embedding: words and pairs of words, each with a sparse binary code that is looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from snnlp_lava.embed.base import OpCounts, words64
from snnlp_lava.encode.base import Encoder, array_from, words_from
from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.records import Record, build
from snnlp_lava.text.tokens import UNICODE_FORM, UnicodeForm, normalise, pack_words, words_and_pairs

MAX_LINES = limits.MAX_CODE_LINES
_TEXTS_AT_ONCE = 4096


class _Description(Record, frozen=True):
    """As in network files; those of version 0.1.0 have no normal form."""

    kind: Literal["spike-embedding"]
    code_lines: Annotated[int, Meta(ge=1, le=MAX_LINES)] = msgspec.field(name="lines")
    ramp: Annotated[int, Meta(ge=0, le=MAX_LINES)] = msgspec.field(name="race")
    unicode_form: UnicodeForm | None = None


@dataclass(frozen=True, eq=False)
class SpikeEmbeddingEncoder(Encoder):
    """A table of words and pairs of words with their codes, and a ramp at the end of the window.

    Those of a text's words and pairs (see `snnlp_lava.text.tokens.words_and_pairs`) that are in the table are
    presented, each once, where it first occurs: one a step from step 0 on, or, if they are more than the steps, spread
    evenly over them. Line k spikes where bit k of the code is set. If two spikes share a line and a step, the later
    one waits for the next step in which the line is free. So each line spikes as often as the text's codes ask for,
    or at every step if they ask for more.

    In the last `ramp` steps of the window lines ``code_lines`` to ``code_lines + ramp - 1`` spike, one a step.

    Attributes
    ----------
    entries
        Words and pairs.
    codes
        (entries, ceil(code_lines / 8)) uint8: codes, eight lines a byte, the first in the highest bit.
    code_lines
        Length of a code, 1 to MAX_LINES.
    ramp
        Steps of the ramp, up to MAX_LINES.
    unicode_form
        Normal form of texts, None to take them as they are.
    """

    entries: Sequence[str]
    codes: np.ndarray
    code_lines: int
    ramp: int
    unicode_form: UnicodeForm | None = UNICODE_FORM
    kind = "spike-embedding"
    takes = "texts"

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        object.__setattr__(self, "codes", codes)
        shape = (len(self.entries), -(-self.code_lines // 8))
        if codes.dtype != np.uint8 or codes.shape != shape or not len(self.entries):
            raise InputError(
                f"spike embedding: codes must be uint8 of shape {shape}, got {codes.dtype} of shape {codes.shape}"
            )
        if self.code_lines % 8 and (codes[:, -1] & (0xFF >> self.code_lines % 8)).any():
            raise InputError(f"spike embedding: a code has bits beyond its {self.code_lines} lines")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {entry: row for row, entry in enumerate(self.entries)}

    @property
    def lines(self) -> int:
        """Lines of the codes and of the ramp."""
        return self.code_lines + self.ramp

    @property
    def scheduled(self) -> int:
        """Lines of the ramp."""
        return self.ramp

    def known(self, features: Sequence[str]) -> np.ndarray:
        """Whether any entry of each text stands in the table."""
        return np.array([bool(self._rows(text)) for text in features], dtype=bool)

    def entry_lines(self, entry: str) -> list[int]:
        """Lines of the entry's code."""
        return np.flatnonzero(np.unpackbits(self.codes[self._index[entry]], count=self.code_lines)).tolist()

    def quantise(self, features: Sequence[str], window: int) -> np.ndarray:
        """Texts to spike trains, eight lines a byte: (n, window, ceil(lines / 8)) uint8.

        Raises
        ------
        InputError
            If the window has no step before the ramp.
        """
        packed = np.empty((len(features), window, -(-self.lines // 8)), dtype=np.uint8)
        for start in range(0, len(features), _TEXTS_AT_ONCE):
            texts = features[start : start + _TEXTS_AT_ONCE]
            packed[start : start + _TEXTS_AT_ONCE] = np.packbits(self._trains(texts, window), axis=2)
        return packed

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Packed spike trains to spike trains (n, window, lines) uint8."""
        return np.unpackbits(values, axis=2, count=self.lines)

    def token_steps(self, text: str, window: int) -> list[tuple[int, str]]:
        """The steps at which the words and pairs of a text are presented; shared lines may spike later."""
        rows = self._rows(text)
        steps = self._steps(len(rows), window)
        return [(int(step), self.entries[row]) for step, row in zip(steps, rows, strict=True)]

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """The words of 64 bits that are read from the table of codes."""
        codes = sum(len(self._rows(text)) for text in texts)
        words = codes * words64(self.code_lines)
        return OpCounts(f"a table of {self.code_lines}-bit codes", "codes", codes, {"table_word": words})

    def to_dict(self) -> dict[str, Any]:
        """All but entries and codes."""
        return {
            "kind": self.kind,
            "lines": self.code_lines,
            "race": self.ramp,
            "unicode_form": self.unicode_form,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Entries, as bytes of UTF-8 with a line feed after each, and codes."""
        return {"entries": pack_words(self.entries), "codes": self.codes}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SpikeEmbeddingEncoder:
        """Inverse of `to_dict` and `arrays`; InputError if they are not of such an encoder."""
        found = build(_Description, document, "encoder")
        entries, codes = words_from(arrays, "entries"), array_from(arrays, "codes")
        return cls(entries, codes, found.code_lines, found.ramp, found.unicode_form)

    def _rows(self, text: str) -> list[int]:
        known = (self._index.get(entry) for entry in words_and_pairs(normalise(text, self.unicode_form)))
        return list(dict.fromkeys(row for row in known if row is not None))

    def _steps(self, count: int, window: int) -> np.ndarray:
        places = np.arange(count)
        steps = window - self.ramp
        return places if count <= steps else places * steps // count

    def _trains(self, texts: Sequence[str], window: int) -> np.ndarray:
        steps = window - self.ramp
        if steps < 1:
            raise InputError(f"window must be more than the {self.ramp} steps of the ramp, got {window}")
        trains = np.zeros((len(texts), window, self.lines), dtype=np.uint8)
        trains[:, np.arange(steps, window), np.arange(self.code_lines, self.lines)] = 1
        rows = [self._rows(text) for text in texts]
        sample = np.repeat(np.arange(len(texts)), [len(found) for found in rows])
        if not len(sample):
            return trains
        asked = np.concatenate([self._steps(len(found), window) for found in rows])
        codes = np.unpackbits(self.codes[np.concatenate(rows).astype(np.intp)], axis=1, count=self.code_lines)
        entry, line = codes.nonzero()
        slot, kept = _queue(sample[entry] * self.code_lines + line, asked[entry], steps)
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
