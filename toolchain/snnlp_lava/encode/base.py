"""Encoders: from what is known of a text to spikes, the same in training, on the emulator and on the chip.

Each is fitted once and stands in the model folder and the network file. It works in two steps: `inputs` makes
integers of a text's features (a vector, or the text itself), `spikes` makes spike trains of those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from snnlp_lava.encode.bernoulli import BernoulliEncoder
from snnlp_lava.encode.calibration import _calibration
from snnlp_lava.encode.saf import MAX_WINDOW, SafEncoder
from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.energy.bill import Entry, Ledger
from snnlp_lava.errors import InputError
from snnlp_lava.files import open_npy
from snnlp_lava.text.tokens import unpack_words


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
        """Spike trains of some samples: (m, window, channels) uint8, 0 or 1."""
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

    def inputs(self, rows: np.ndarray) -> np.ndarray:
        """The encoder's integers of some samples, one row each.

        Raises
        ------
        InputError
            If the features do not fit the encoder.
        """
        return self.encoder.inputs(self.features[rows], self.window)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, channels) uint8."""
        return self.encoder.spikes(self.inputs(rows), self.window)

    def take(self, rows: np.ndarray) -> EncodedSamples:
        """Some of the samples."""
        return replace(self, features=self.features[rows])


@dataclass(frozen=True)
class SpikeSamples:
    """Spike trains as they are.

    Attributes
    ----------
    trains
        (n, window, channels) of any type of number, all 0 or 1; may be memory-mapped.
    """

    trains: np.ndarray

    @property
    def window(self) -> int:
        """Steps a sample is presented."""
        return int(self.trains.shape[1])

    def __len__(self) -> int:
        return len(self.trains)

    def spikes(self, rows: np.ndarray) -> np.ndarray:
        """Spike trains of some samples: (m, window, channels) uint8.

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
            raise InputError(f"sample {sample + 1} holds {trains[wrong].flat[0]:g}; spikes are 0 or 1")
        return spikes.view(np.uint8)

    def take(self, rows: np.ndarray) -> SpikeSamples:
        """Some of the samples."""
        return SpikeSamples(self.trains[rows])


def load_spikes(path: Path, channels: int) -> SpikeSamples:
    """Open spike trains in a .npy file, memory-mapped.

    Parameters
    ----------
    path
        The file: (samples, steps, channels), or (steps, channels) for one sample; numbers of any type.
    channels
        Input lines of the network.

    Raises
    ------
    InputError
        If it is no such file. That all its values are 0 or 1 shows when they are read.
    """
    trains = open_npy(path, "spikes")
    fits = trains.ndim in (2, 3) and trains.shape[-1] == channels and 0 not in trains.shape
    if not fits or trains.dtype.kind not in "biuf":
        raise InputError(
            f"spikes {path}: is {trains.dtype} of shape {trains.shape}; "
            f"numbers of shape (samples, steps, {channels}) are needed"
        )
    if trains.shape[-2] > MAX_WINDOW:
        raise InputError(f"spikes {path}: has {trains.shape[-2]} steps; {MAX_WINDOW} are the most")
    return SpikeSamples(trains if trains.ndim == 3 else trains[None])


_OF_A_STEP: Mapping[str, tuple[str, ...]] = {
    "saf": ("integer_addition", "comparison"),  # the accumulator takes x, and is compared with the threshold
    "bernoulli": ("random_number", "comparison"),
}


def coding_ledger(
    encoder: Mapping[str, Any] | None, channels: int, dimension: int, window: int, spikes: float
) -> Ledger:
    """Ledger of coding on the host, for one text.

    A rate code takes one MAC a dimension (gain and offset) and for each of its channels, at each step, an addition or
    a random number, and a comparison. Codes that are looked up are spikes already. What lays their spikes out in time
    is not counted.

    Parameters
    ----------
    encoder
        Its description (see `snnlp_lava.encode.base`), None where spikes were given.
    channels, dimension
        Lines that it feeds, and length of a vector.
    window
        Steps.
    spikes
        Input spikes of one text, all of which are handed over.
    """
    terms = _OF_A_STEP.get(encoder["kind"], ()) if encoder else ()
    entries = [Entry("coding", "mac", dimension)] if terms else []
    entries += [Entry("coding", term, channels * window) for term in terms]
    entries += [Entry("handing over", "host_spike", spikes)] if spikes else []
    return Ledger("coding on the host", tuple(entries))
