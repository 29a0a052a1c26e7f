"""Encode texts as binary word codes, one token per step, and an end mark (SNN-bin of SNNLP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from snnlp_lava.embed.base import OpCounts, words64
from snnlp_lava.encode.base import MAX_WINDOW, Encoder, array_from, words_from
from snnlp_lava.errors import InputError
from snnlp_lava.records import Record, build
from snnlp_lava.text.tokens import UNICODE_FORM, UnicodeForm, normalise, pack_words, paper_tokens

MAX_BITS = 64
_REFERENCE_LINE = 1


class _Description(Record, frozen=True):
    """Parameters in files; the defaults are those of version 0.1.0, whose files have only kind and reference."""

    kind: Literal["word-codes"]
    reference: bool
    bits: Annotated[int, Meta(ge=1, le=MAX_BITS)] = MAX_BITS
    unicode_form: UnicodeForm | None = None
    skip_unknown: bool = False


@dataclass(frozen=True, eq=False)
class WordCodeEncoder(Encoder):
    """Present one binary word code per step, then an end mark.

    The first window - 1 tokens of a text that have a non-zero code are presented, one per step from step 0 on. Line k
    spikes where bit k of the token's code is set, the least significant bit first. In the step after the last token
    every line spikes.

    Attributes
    ----------
    words
        The words.
    codes
        (words,) uint64.
    bits
        Length of a code, 1 to MAX_BITS.
    reference
        As in SNNLP's published code: the end mark is one spike of line 1.
    unicode_form
        Unicode normal form applied to words and texts, None for no normalisation.
    skip_unknown
        Whether tokens without a code are skipped. Otherwise, as in SNNLP, the first window - 1 tokens are taken, known
        or not, and later words are lost although steps are free.
    """

    words: Sequence[str]
    codes: np.ndarray
    bits: int = MAX_BITS
    reference: bool = False
    unicode_form: UnicodeForm | None = UNICODE_FORM
    skip_unknown: bool = True
    kind = "word-codes"
    takes = "texts"

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        object.__setattr__(self, "codes", codes)
        if codes.dtype != np.uint64 or codes.shape != (len(self.words),) or not len(self.words):
            raise InputError(
                f"word codes: must be one uint64 for each of {len(self.words)} words, "
                f"got {codes.dtype} of shape {codes.shape}"
            )
        if self.bits < MAX_BITS and (codes >> np.uint64(self.bits)).any():
            raise InputError(f"word codes: a code has more than {self.bits} bits")
        if self.reference and self.bits <= _REFERENCE_LINE:
            raise InputError(f"word codes: the reference's end mark needs 2 or more bits, got {self.bits}")

    @cached_property
    def _index(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        for row, word in enumerate(self.words):
            rows.setdefault(normalise(word, self.unicode_form), row)
        return rows

    @property
    def lines(self) -> int:
        """Number of input lines, one per bit."""
        return self.bits

    def quantise(self, features: Sequence[str], window: int) -> np.ndarray:
        """Convert texts to rows of the code table: (n, window - 1) int32, -1 after the last token."""
        rows = np.full((len(features), window - 1), -1, dtype=np.int32)
        for sample, text in enumerate(features):
            tokens = paper_tokens(normalise(text, self.unicode_form))
            known = (self._index.get(token) for token in (tokens if self.skip_unknown else tokens[: window - 1]))
            taken = [row for row in known if row is not None and self.codes[row]][: window - 1]
            rows[sample, : len(taken)] = taken
        return rows

    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Convert rows of the code table to spike trains (n, window, bits) uint8."""
        spikes = np.zeros((len(values), window, self.bits), dtype=np.uint8)
        codes = np.where(values >= 0, self.codes[values], np.uint64(0))
        bits = codes[:, :, None] >> np.arange(self.bits, dtype=np.uint64) & np.uint64(1)
        spikes[:, : values.shape[1]] = bits
        ends = (values >= 0).sum(axis=1)
        spikes[np.arange(len(values)), ends, _REFERENCE_LINE if self.reference else slice(None)] = 1
        return spikes

    def known(self, features: Sequence[str]) -> np.ndarray:
        """Whether any word of each text stands in the table."""
        return np.array([bool(self.token_steps(text, MAX_WINDOW)) for text in features], dtype=bool)

    def token_steps(self, text: str, window: int) -> list[tuple[int, str]]:
        """Return the tokens, one per step."""
        rows = self.quantise([text], window)[0]
        return [(step, self.words[row]) for step, row in enumerate(rows.tolist()) if row >= 0]

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """Count the 64-bit words read from the table of codes."""
        codes = int((self.quantise(texts, window) >= 0).sum())
        return OpCounts(f"a table of {self.bits}-bit codes", "codes", codes, {"table_word": codes * words64(self.bits)})

    def to_dict(self) -> dict[str, Any]:
        """Return everything except words and codes."""
        return {
            "kind": self.kind,
            "reference": self.reference,
            "bits": self.bits,
            "unicode_form": self.unicode_form,
            "skip_unknown": self.skip_unknown,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the words, as UTF-8 bytes each followed by a line feed, and the codes."""
        return {"words": pack_words(self.words), "codes": self.codes}

    @classmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> WordCodeEncoder:
        """Inverse of `to_dict` and `arrays`; InputError if they do not describe such an encoder."""
        found = build(_Description, document, "encoder")
        return cls(
            words_from(arrays, "words"),
            array_from(arrays, "codes"),
            found.bits,
            found.reference,
            found.unicode_form,
            found.skip_unknown,
        )
