"""Encoders: from what is known of a text to spikes, the same in training, on the emulator and on the chip.

Each is fitted once and stands in the model folder and the network file. It works in two steps: `inputs` makes
integers of a text's features (a vector, or the text itself), `spikes` makes spike trains of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from snnlp_lava.encode.bernoulli import bernoulli_spikes, seeded_bernoulli_spikes
from snnlp_lava.encode.calibration import Calibration
from snnlp_lava.encode.saf import ONE, saf_spikes
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.text.tokens import pack_words, paper_tokens, unpack_words


class Encoder(Protocol):
    """What every encoder can do."""

    @property
    def takes_text(self) -> bool:
        """Whether its features are texts, not vectors."""
        ...

    @property
    def channels(self) -> int:
        """Number of lines it feeds."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector or code that it takes."""
        ...

    def inputs(self, features: Any, window: int) -> np.ndarray:
        """Integers of n features: an array whose first axis is the samples; each encoder says what stands in it."""
        ...

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Spike trains of inputs: (n, window, channels) uint8.

        A random code draws from `rng`; without one its spikes follow from the sample and the encoder's seed alone.
        """
        ...

    def presented(self, text: str, window: int) -> list[tuple[int, str]]:
        """Pairs of a step and the word of the text that it presents; none if the encoder takes no texts."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, ready for JSON."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays."""
        ...


@dataclass(frozen=True)
class _RateEncoder:
    calibration: Calibration
    takes_text = False

    @property
    def channels(self) -> int:
        """Number of lines, or SAF neurons."""
        return self.calibration.channels

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.calibration.dimension

    def presented(self, text: str, window: int) -> list[tuple[int, str]]:
        """No step stands for a word."""
        return []

    def arrays(self) -> dict[str, np.ndarray]:
        """Gain and offset."""
        return {"gain": self.calibration.gain, "offset": self.calibration.offset}


@dataclass(frozen=True)
class SafEncoder(_RateEncoder):
    """Vectors, calibrated, as deterministic rates (see `snnlp_lava.encode.saf`).

    Attributes
    ----------
    calibration
        From vectors to SAF values.
    """

    def inputs(self, features: np.ndarray, window: int) -> np.ndarray:
        """Vectors (n, d) to SAF values (n, channels) int32."""
        return self.calibration(features)

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """SAF values to spike trains (n, window, channels) uint8."""
        return saf_spikes(inputs, window)

    def to_dict(self) -> dict[str, Any]:
        """Kind and calibration."""
        return {"kind": "saf", "calibration": self.calibration.name}


@dataclass(frozen=True)
class BernoulliEncoder(_RateEncoder):
    """Vectors, calibrated, as random rates (see `snnlp_lava.encode.bernoulli`).

    Attributes
    ----------
    calibration
        From vectors to probabilities in units of 2^-16.
    seed
        Seed of the trains.
    reference
        Spike with probability 1 - x and always draw the same train, as SNNLP's published runs did.
    """

    seed: int
    reference: bool = False

    def inputs(self, features: np.ndarray, window: int) -> np.ndarray:
        """Vectors (n, d) to probabilities (n, channels) int32 in [0, saf.ONE]."""
        values = self.calibration(features)
        return ONE - values if self.reference else values

    def spikes(self, inputs: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Probabilities to spike trains (n, window, channels) uint8."""
        if rng is None or self.reference:
            return seeded_bernoulli_spikes(inputs, window, self.seed)
        return bernoulli_spikes(inputs, window, rng)

    def to_dict(self) -> dict[str, Any]:
        """Kind, calibration, seed, reference."""
        return {
            "kind": "bernoulli",
            "calibration": self.calibration.name,
            "seed": self.seed,
            "reference": self.reference,
        }


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


def encoder_from(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Encoder:
    """Inverse of an encoder's `to_dict` and `arrays`.

    Raises
    ------
    InputError
        If the kind is unknown, a field or array is missing or of the wrong type, or a value out of range.
    """
    try:
        kind = document["kind"]
        if kind == "saf":
            return SafEncoder(_calibration(document, arrays))
        if kind == "bernoulli":
            seed, reference = document["seed"], document["reference"]
            if type(seed) is not int or not 0 <= seed < 1 << 32 or type(reference) is not bool:
                raise InputError(f"encoder: seed {seed!r} or reference {reference!r} is malformed")
            return BernoulliEncoder(_calibration(document, arrays), seed, reference)
        if kind == "word-codes":
            if type(document["reference"]) is not bool:
                raise InputError(f"encoder: reference {document['reference']!r} is malformed")
            return WordCodeEncoder(unpack_words(arrays["words"]), arrays["codes"], document["reference"])
        if kind == "spike-embedding":
            entries = unpack_words(arrays["entries"])
            return SpikeEmbeddingEncoder(entries, arrays["codes"], document["lines"], document["race"])
    except KeyError as error:
        raise InputError(f"encoder: lacks {error}") from error
    except (TypeError, UnicodeDecodeError) as error:
        raise InputError(f"encoder: is malformed: {error}") from error
    raise InputError(
        f"encoder: kind {str(kind)[:40]!r} is unknown (known: saf, bernoulli, word-codes, spike-embedding)"
    )


def _calibration(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Calibration:
    name = document["calibration"]
    if not isinstance(name, str):
        raise InputError(f"encoder: calibration {name!r} is no name")
    return Calibration(name, arrays["gain"], arrays["offset"])
