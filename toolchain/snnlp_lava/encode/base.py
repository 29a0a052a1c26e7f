"""Encode texts or their vectors as spikes: the Encoder protocol, its registry, and samples.

An encoder is fitted once and stored in the model folder and the network file. It works in two steps: `quantise` turns
features (vectors, or the texts themselves) into integers, `encode` turns those into spike trains.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from snnlp_lava.embed.base import OpCounts
from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.registry import Registry
from snnlp_lava.text.tokens import unpack_words

MAX_WINDOW = limits.MAX_WINDOW
"""Longest window, in steps: SAF's (t + 1) x must stay within 31 bits."""


class Encoder(Protocol):
    """Base class of encoders. A plug-in inherits from it, which checks that nothing is missing.

    Attributes
    ----------
    kind
        Name in files and in ENCODERS.
    takes
        Kind of features.
    """

    kind: ClassVar[str]
    takes: ClassVar[Literal["vectors", "texts"]]

    @property
    @abstractmethod
    def lines(self) -> int:
        """Number of input lines."""

    @property
    def dimension(self) -> int | None:
        """Length of a vector; None if the encoder takes texts."""
        return None

    @property
    def scheduled(self) -> int:
        """Number of trailing lines that spike at fixed steps, whatever the features are."""
        return 0

    def known(self, features: Any) -> np.ndarray | None:
        """Whether each of n features says anything at all, (n,) bool; None: where any line spikes for it."""
        return None

    def entry_lines(self, entry: str) -> list[int]:
        """Lines of an entry of `token_steps`; empty if lines do not represent words."""
        return []

    @abstractmethod
    def quantise(self, features: Any, window: int) -> np.ndarray:
        """Quantise n features to integers: an array whose first axis is the samples; the rest depends on the encoder.

        Raises
        ------
        InputError
            If the features or the window do not fit.
        """

    @abstractmethod
    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Encode quantised features as spike trains: (n, window, lines) uint8, 0 or 1.

        A random encoder draws from `rng`; without it, its spikes depend on the sample and the encoder's seed only.
        """

    def token_steps(self, text: str, window: int) -> list[tuple[int, str]]:
        """Return pairs of a step and the word presented in it; empty if steps do not represent words."""
        return []

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """Count the host operations for encoding samples, as terms of `snnlp_lava.energy.prices.TERMS`.

        Distributing spikes over time and sending them is not included. An encoder that does not override this is
        billed as "not counted", never as zero.

        Parameters
        ----------
        texts
            Texts of the samples; empty if vectors of unknown texts are encoded.
        samples, window
            Number of samples, and steps of each.
        """
        return OpCounts(f"encoder {self.kind}", not_counted=f"encoder {self.kind} does not state its cost on the host")

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return everything except the arrays as plain JSON types, including ``kind``."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays, of one or two dimensions."""

    @classmethod
    @abstractmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Encoder:
        """Inverse of `to_dict` and `arrays`; the input is untrusted.

        Raises
        ------
        InputError
            If a field or array is missing, has the wrong type or is out of range.
        """


ENCODERS: Registry[type[Encoder]] = Registry(
    "encoder",
    "snnlp_lava.encoders",
    {
        "saf": "snnlp_lava.encode.saf:SafEncoder",
        "bernoulli": "snnlp_lava.encode.bernoulli:BernoulliEncoder",
        "word-codes": "snnlp_lava.encode.word_codes:WordCodeEncoder",
        "spike-embedding": "snnlp_lava.encode.spike_embedding:SpikeEmbeddingEncoder",
        "token-lines": "snnlp_lava.encode.token_lines:TokenLineEncoder",
    },
)
"""Encoders by kind."""


def load_encoder(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Encoder:
    """Create the encoder that a description and arrays define.

    Raises
    ------
    InputError
        If the kind is unknown, or as `Encoder.from_parts`.
    """
    kind = document.get("kind")
    if not isinstance(kind, str):
        raise InputError(f"encoder: kind must be text, got {str(kind)[:40]!r}")
    return ENCODERS[kind].from_parts(document, arrays)


def array_from(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return an encoder's array by name; InputError if it is missing."""
    if name not in arrays:
        raise InputError(f"encoder: array {name} is missing")
    return np.asarray(arrays[name])


def words_from(arrays: Mapping[str, np.ndarray], name: str) -> tuple[str, ...]:
    """Unpack the words in an encoder's array, see `snnlp_lava.text.tokens.pack_words`; InputError if it is invalid."""
    packed = array_from(arrays, name)
    try:
        words = unpack_words(packed)
    except (TypeError, UnicodeDecodeError) as error:
        raise InputError(f"encoder: array {name} must be words in UTF-8: {error}") from error
    if len(set(words)) != len(words):
        raise InputError(f"encoder: array {name} contains a duplicate word")
    return words


class Features(Protocol):
    """Features of texts, which need not be in memory; a NumPy array qualifies."""

    def __len__(self) -> int:
        """Number of texts."""
        ...

    def __getitem__(self, rows: np.ndarray) -> Any:
        """Return the features of some rows: vectors (m, d), or texts (m,)."""
        ...


class Samples(Protocol):
    """A sequence of samples with the same number of steps."""

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        ...

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Return spike trains of some samples: (m, window, lines) uint8, 0 or 1."""
        ...

    def take(self, rows: np.ndarray) -> Samples:
        """Return some of the samples."""
        ...


@dataclass(frozen=True)
class EncodedSamples:
    """Features with the encoder that turns them into spikes.

    Attributes
    ----------
    features
        Features of each text.
    encoder
        The encoder.
    window
        Steps a sample is presented.
    """

    features: Features
    encoder: Encoder
    window: int

    def __len__(self) -> int:
        return len(self.features)

    def quantised(self, rows: np.ndarray) -> np.ndarray:
        """Return the encoder's integers of some samples; errors as `Encoder.quantise`."""
        return self.encoder.quantise(self.features[rows], self.window)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Return spike trains of some samples: (m, window, lines) uint8."""
        return self.encoder.encode(self.quantised(rows), self.window)

    def take(self, rows: np.ndarray) -> EncodedSamples:
        """Return some of the samples."""
        return replace(self, features=self.features[rows])


@dataclass(frozen=True)
class SpikeSamples:
    """Samples given as spike trains, or as graded messages.

    Attributes
    ----------
    trains
        (n, window, lines) or (n, window, channels, height, width) of any numeric type; may be memory-mapped.
    name
        What errors call them.
    graded
        Whether they are messages, integers of 16 bits with sign, instead of spikes, 0 or 1.
    rows
        (m,) which of them the samples are; None for all.
    """

    trains: np.ndarray
    name: str = "spikes"
    graded: bool = False
    rows: np.ndarray | None = None

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        return int(self.trains.shape[1])

    def __len__(self) -> int:
        return len(self.trains if self.rows is None else self.rows)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Return spike trains of some samples: (m, window, lines) uint8, or int32 messages.

        Raises
        ------
        InputError
            If they contain anything but 0 and 1, or but integers of the given bits.
        """
        rows = rows if self.rows is None else self.rows[rows]
        trains = self.trains[rows].reshape(len(rows), self.window, -1)
        if not self.graded:
            wrong, allowed = (trains != 0) & (trains != 1), "spikes must be 0 or 1"
        else:
            low, high = limits.MESSAGE_MIN, limits.MESSAGE_MAX
            wrong = ~((trains >= low) & (trains <= high) & (trains == np.rint(trains)))  # NaN compares as wrong
            allowed = f"messages must be integers from {low} to {high}"
        if wrong.any():
            sample = int(rows[np.argmax(wrong.any(axis=(1, 2)))])
            raise InputError(f"{self.name}: sample {sample + 1}: {allowed}, got {trains[wrong].flat[0]:g}")
        return trains.astype(np.int32 if self.graded else np.uint8)

    def take(self, rows: np.ndarray) -> SpikeSamples:
        """Return some of the samples."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])
