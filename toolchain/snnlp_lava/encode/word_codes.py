"""Encoders: from what is known of a text to spikes, the same in training, on the emulator and on the chip.

Each is fitted once and stands in the model folder and the network file. It works in two steps: `inputs` makes
integers of a text's features (a vector, or the text itself), `spikes` makes spike trains of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.text.tokens import pack_words, paper_tokens

_BITS = 64


_REFERENCE_LINE = 1


@dataclass(frozen=True, eq=False)
class WordCodeEncoder:
    """Binary word codes, one token a step, and an end mark (SNN-bin of SNNLP).

    Of a text the first window - 1 tokens are taken; those that are unknown or whose code is 0 take no step. Line k
    spikes where bit k of the token's code is set, the least significant bit first. In the step after the last token
    every line spikes.

    Attributes
    ----------
    words
        The words.
    codes
        (words,) uint64.
    reference
        The end mark is one spike of line 1, as SNNLP's published code has it.
    """

    words: Sequence[str]
    codes: np.ndarray
    reference: bool = False
    takes_text = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", np.asarray(self.codes))
        if self.codes.dtype != np.uint64 or self.codes.shape != (len(self.words),) or not len(self.words):
            raise InputError(f"word codes: {self.codes.dtype} of shape {self.codes.shape} for {len(self.words)} words")
        if len(self._index) != len(self.words):
            raise InputError("word codes: a word stands there twice")

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    @property
    def channels(self) -> int:
        """Number of bits."""
        return _BITS

    @property
    def dimension(self) -> int:
        """Number of bits."""
        return _BITS

    def inputs(self, features: Sequence[str], window: int) -> np.ndarray:
        """Texts to rows of the code table: (n, window - 1) int32, -1 after the last token."""
        rows = np.full((len(features), window - 1), -1, dtype=np.int32)
        for sample, text in enumerate(features):
            known = (self._index.get(token) for token in paper_tokens(text)[: window - 1])
            taken = [row for row in known if row is not None and self.codes[row]]
            rows[sample, : len(taken)] = taken
        return rows

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Rows of the code table to spike trains (n, window, 64) uint8."""
        spikes = np.zeros((len(inputs), window, _BITS), dtype=np.uint8)
        codes = np.where(inputs >= 0, self.codes[inputs], np.uint64(0))
        bits = codes[:, :, None] >> np.arange(_BITS, dtype=np.uint64) & np.uint64(1)
        spikes[:, : inputs.shape[1]] = bits
        ends = (inputs >= 0).sum(axis=1)
        spikes[np.arange(len(inputs)), ends, _REFERENCE_LINE if self.reference else slice(None)] = 1
        return spikes

    def presented(self, text: str, window: int) -> list[tuple[int, str]]:
        """The tokens, one a step."""
        rows = self.inputs([text], window)[0]
        return [(step, self.words[row]) for step, row in enumerate(rows.tolist()) if row >= 0]

    def to_dict(self) -> dict[str, Any]:
        """Kind and reference."""
        return {"kind": "word-codes", "reference": self.reference}

    def arrays(self) -> dict[str, np.ndarray]:
        """Words, as bytes of UTF-8 with a line feed after each, and codes."""
        return {"words": pack_words(self.words), "codes": self.codes}
