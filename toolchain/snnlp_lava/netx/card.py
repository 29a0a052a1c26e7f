"""What a network file says beyond its layers: how text becomes its input, and what its output means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from snnlp_lava.embed.identity import Embedding
from snnlp_lava.encode.encoder import Encoder, encoder_from
from snnlp_lava.encode.saf import MAX_WINDOW
from snnlp_lava.errors import InputError


@dataclass(frozen=True)
class Card:
    """Everything that `snnlp-lava run` needs to know of a network beside its layers.

    Attributes
    ----------
    method, level
        As in `snnlp_lava.train.config`: ``snn-rate``, ...; ``sentence`` or ``word``.
    label_names
        Name of each output neuron's class.
    window
        Steps T for which a sample is presented and its spikes are counted.
    period
        Steps from the start of one sample to the start of the next, at least `window`.
    embedding
        The model whose vectors, or the list whose word codes, it was trained on.
    encoder
        From vectors or texts to spikes.
    training
        What it was trained on, how, and how it and its baselines scored (JSON); empty where that is unknown.
    versions
        Versions of the packages that made it.
    """

    method: str
    level: str
    label_names: tuple[str, ...]
    window: int
    period: int
    embedding: Embedding
    encoder: Encoder
    training: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label_names", tuple(self.label_names))
        if len(set(self.label_names)) < max(2, len(self.label_names)):
            raise InputError(f"label names {self.label_names!r} are not two or more different names")
        if not 1 <= self.window <= MAX_WINDOW:
            raise InputError(f"window {self.window} is outside 1 to {MAX_WINDOW} steps")
        if not self.window <= self.period <= MAX_WINDOW:
            raise InputError(f"period {self.period} is outside the window, {self.window}, to {MAX_WINDOW} steps")
        if self.training:
            check_training(self.training)
        if self.embedding.dimension != self.encoder.dimension:
            raise InputError(
                f"the embedding has {self.embedding.dimension} dimensions, the encoder {self.encoder.dimension}"
            )

    def to_dict(self) -> dict[str, Any]:
        """All but the encoder's arrays, ready for JSON."""
        document = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        document["embedding"] = asdict(self.embedding)
        document["encoder"] = self.encoder.to_dict()
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Card:
        """Inverse of `to_dict`.

        Raises
        ------
        InputError
            If a field is missing or of the wrong type.
        """
        try:
            fields = {name: _typed(document[name], kind) for name, kind in _PLAIN_FIELDS.items()}
            for name in fields["label_names"]:
                _typed(name, str)
            encoder = encoder_from(_typed(document["encoder"], dict), arrays)
            return cls(embedding=embedding_from(document["embedding"]), encoder=encoder, **fields)
        except KeyError as error:
            raise InputError(f"its description lacks {error}") from error
        except TypeError as error:
            raise InputError(f"its description is malformed: {error}") from error


def embedding_from(document: Any) -> Embedding:
    """`Embedding` from JSON that it was written to.

    Raises
    ------
    TypeError
        If it is something else.
    """
    embedding = Embedding(**_typed(document, dict))
    _typed(embedding.dimension, int)
    for text in (embedding.name, embedding.sha256):
        if text is not None:
            _typed(text, str)
    return embedding


BASELINES = {"ann": "ANN of the same sizes", "tfidf": "TF-IDF + logistic regression"}
"""Name of each baseline in a training record, and its title for people."""


def check_training(training: Mapping[str, Any]) -> None:
    """Check a record of a training: ``config``, ``data``, ``scores`` and ``baselines``.

    Raises
    ------
    InputError
        If something is missing, of the wrong type or out of range.
    """
    try:
        _typed(training["config"], dict)
        data = training["data"]
        _typed(data["name"], str)
        _typed(data["split_scheme"], str)
        for part in ("train", "validation", "test"):
            _within(data["rows"][part], int, 1, 1 << 40)
        _check_scores(training["scores"])
        _within(training["scores"]["best_epoch"], int, 1, 1 << 40)
        for name, baseline in training["baselines"].items():
            if name not in BASELINES:
                raise ValueError(f"baseline {name!r} is unknown")
            _check_scores(baseline)
            _within(baseline["macs"], (int, float), 0, 1e18)
            _within(baseline.get("effective_macs", 0), (int, float), 0, 1e18)
        if "ann" in training["baselines"]:
            sizes = _typed(training["baselines"]["ann"]["sizes"], list)
            if len(sizes) < 2:
                raise ValueError("the ANN has no layers")
            for size in sizes:
                _within(size, int, 1, 1 << 31)
    except KeyError as error:
        raise InputError(f"its training record lacks {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"its training record is malformed: {error}") from error


def _check_scores(scores: Mapping[str, Any]) -> None:
    for part in ("validation", "test"):
        for score in ("accuracy", "mrr"):
            _within(scores[part][score], (int, float), 0, 1)


def _within(value: Any, kind: Any, low: float, high: float) -> None:
    if not low <= _typed(value, kind) <= high:
        raise ValueError(f"{str(value)[:40]} is outside {low} to {high}")


_PLAIN_FIELDS: dict[str, Any] = {
    "method": str,
    "level": str,
    "label_names": (list, tuple),
    "window": int,
    "period": int,
    "training": dict,
    "versions": dict,
}


def _typed(value: Any, kind: type | Sequence[type]) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):  # type: ignore[arg-type]
        raise TypeError(f"{str(value)[:40]!r} is {type(value).__name__}")
    return value
