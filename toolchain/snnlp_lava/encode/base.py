"""Turn texts or their vectors into spikes: the Encoder protocol, its registry, and samples.

Each encoder is fitted once and stands in the model folder and the network file. It works in two steps: `quantise` makes
integers of a text's features (a vector, or the text itself), `encode` makes spike trains of those.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from snnlp_lava.embed.base import OpCounts
from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy
from snnlp_lava.network import limits
from snnlp_lava.registry import Registry
from snnlp_lava.text.tokens import unpack_words

MAX_WINDOW = limits.MAX_WINDOW
"""Longest window, in steps: SAF's (t + 1) x must stay within 31 bits."""


class Encoder(Protocol):
    """What an encoder is. One of another package inherits from this class, which checks that nothing is missing.

    Attributes
    ----------
    kind
        Its name in files and in ENCODERS.
    takes
        What its features are.
    """

    kind: ClassVar[str]
    takes: ClassVar[Literal["vectors", "texts"]]

    @property
    @abstractmethod
    def lines(self) -> int:
        """Number of input lines that it feeds."""

    @property
    def dimension(self) -> int | None:
        """Length of a vector; None where it takes texts."""
        return None

    @property
    def scheduled(self) -> int:
        """Number of lines, the last ones, that spike at fixed steps, whatever the features are."""
        return 0

    def known(self, features: Any) -> np.ndarray | None:
        """Whether each of n features says anything at all, (n,) bool; None: where any line spikes for it."""
        return None

    def entry_lines(self, entry: str) -> list[int]:
        """Lines that stand for an entry of `token_steps`; none where lines stand for no words."""
        return []

    @abstractmethod
    def quantise(self, features: Any, window: int) -> np.ndarray:
        """Integers of n features: an array whose first axis is the samples; each encoder says what stands in it.

        Raises
        ------
        InputError
            If the features or the window do not fit.
        """

    @abstractmethod
    def encode(self, values: np.ndarray, window: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Spike trains of quantised features: (n, window, lines) uint8, 0 or 1.

        A random code draws from `rng`; without one its spikes follow from the sample and the encoder's seed alone.
        """

    def token_steps(self, text: str, window: int) -> list[tuple[int, str]]:
        """Pairs of a step and the word of the text that is presented in it; none where steps stand for no words."""
        return []

    def host_ops(self, texts: Sequence[str], samples: int, window: int) -> OpCounts:
        """What a computer does to encode samples: terms of `snnlp_lava.energy.prices.TERMS` and how many of each.

        Laying spikes out in time and handing them over are not part of it. An encoder that does not say is billed as
        "not counted", never as nothing.

        Parameters
        ----------
        texts
            The samples' texts, none where vectors of unknown texts are encoded.
        samples, window
            Number of samples, and steps of each.
        """
        return OpCounts(f"encoder {self.kind}", not_counted=f"encoder {self.kind} does not state its cost on the host")

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, ready for JSON; with ``kind``."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays, of one or two dimensions."""

    @classmethod
    @abstractmethod
    def from_parts(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Encoder:
        """Inverse of `to_dict` and `arrays`; nothing in either is to be trusted.

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
    """The encoder of a description and arrays, of the kind that the description names.

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
    """An encoder's array by name; InputError if there is none."""
    if name not in arrays:
        raise InputError(f"encoder: array {name} is missing")
    return np.asarray(arrays[name])


def words_from(arrays: Mapping[str, np.ndarray], name: str) -> tuple[str, ...]:
    """Words that `snnlp_lava.text.tokens.pack_words` packed into an encoder's array; InputError if they are none."""
    packed = array_from(arrays, name)
    try:
        words = unpack_words(packed)
    except (TypeError, UnicodeDecodeError) as error:
        raise InputError(f"encoder: array {name} must be words in UTF-8: {error}") from error
    if len(set(words)) != len(words):
        raise InputError(f"encoder: array {name} has a word twice")
    return words


class Features(Protocol):
    """What encoders take of each text, which need not be in memory; a NumPy array is one."""

    def __len__(self) -> int:
        """Number of texts."""
        ...

    def __getitem__(self, rows: np.ndarray) -> Any:
        """Those of some rows: vectors (m, d), or texts (m,)."""
        ...


class Samples(Protocol):
    """Samples in order, each of the same number of steps."""

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        ...

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, lines) uint8, 0 or 1."""
        ...

    def take(self, rows: np.ndarray) -> Samples:
        """Some of the samples."""
        ...


@dataclass(frozen=True)
class EncodedSamples:
    """Features and the encoder that makes them into spikes.

    Attributes
    ----------
    features
        What is known of each text.
    encoder
        From features to spikes.
    window
        Steps a sample is presented.
    """

    features: Features
    encoder: Encoder
    window: int

    def __len__(self) -> int:
        return len(self.features)

    def quantised(self, rows: np.ndarray) -> np.ndarray:
        """The encoder's integers of some samples; errors as `Encoder.quantise`."""
        return self.encoder.quantise(self.features[rows], self.window)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, lines) uint8."""
        return self.encoder.encode(self.quantised(rows), self.window)

    def take(self, rows: np.ndarray) -> EncodedSamples:
        """Some of the samples."""
        return replace(self, features=self.features[rows])


@dataclass(frozen=True)
class SpikeSamples:
    """Spike trains as they are.

    Attributes
    ----------
    trains
        (n, window, lines) of any type of number, all 0 or 1; may be memory-mapped.
    """

    trains: np.ndarray

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        return int(self.trains.shape[1])

    def __len__(self) -> int:
        return len(self.trains)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, lines) uint8.

        Raises
        ------
        InputError
            If they hold anything but 0 and 1.
        """
        trains = self.trains[rows]
        spikes = trains != 0
        wrong = spikes & (trains != 1)
        if wrong.any():
            sample = int(rows[np.argmax(wrong.any(axis=(1, 2)))])
            raise InputError(f"sample {sample + 1}: spikes must be 0 or 1, got {trains[wrong].flat[0]:g}")
        return spikes.view(np.uint8)

    def take(self, rows: np.ndarray) -> SpikeSamples:
        """Some of the samples."""
        return SpikeSamples(self.trains[rows])


def load_spikes(path: Path, lines: int) -> SpikeSamples:
    """Open spike trains in a .npy file, memory-mapped.

    Parameters
    ----------
    path
        The file: (samples, steps, lines), or (steps, lines) for one sample; numbers of any type.
    lines
        Input lines of the network.

    Raises
    ------
    InputError
        If it is no such file. That all its values are 0 or 1 shows when they are read.
    """
    trains = open_npy(path, "spikes")
    fits = trains.ndim in (2, 3) and trains.shape[-1] == lines and 0 not in trains.shape
    if not fits or trains.dtype.kind not in "biuf":
        raise InputError(
            f"spikes {path}: must be numbers of shape (samples, steps, {lines}), "
            f"got {trains.dtype} of shape {trains.shape}"
        )
    if trains.shape[-2] > MAX_WINDOW:
        raise InputError(f"spikes {path}: must have at most {MAX_WINDOW} steps, got {trains.shape[-2]}")
    return SpikeSamples(trains if trains.ndim == 3 else trains[None])
