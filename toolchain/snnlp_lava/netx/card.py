"""The card of a network file: everything beside the layers that is needed to run it on text, as typed records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.encode.base import MAX_WINDOW, Encoder, load_encoder
from snnlp_lava.errors import InputError
from snnlp_lava.records import Amount, Count, Finite, Fraction, Positive, Record, build

BASELINES = {"ann": "ANN of the same sizes", "tfidf": "TF-IDF + logistic regression"}
"""Titles of the baselines in a training record."""

Size = Annotated[int, Meta(ge=1, le=1 << 31)]
LabelType = Literal["str", "int", "bool"]
Temperature = Annotated[float, Meta(gt=0, le=1e12)]
Steps = Annotated[int, Meta(ge=1, le=MAX_WINDOW)]


class Scores(Record, frozen=True):
    """Scores on one split: accuracy, and mean reciprocal rank of the true class."""

    accuracy: Fraction
    mrr: Fraction


class ModelScores(Record, frozen=True):
    """Scores of the best epoch."""

    best_epoch: Positive
    validation: Scores
    test: Scores


class BaselineRecord(Record, frozen=True, omit_defaults=True):
    """Scores and cost of a baseline: of an ANN with its layer sizes, of TF-IDF with its regularisation."""

    validation: Scores
    test: Scores
    macs: Amount
    effective_macs: Amount | None = None
    best_epoch: Positive | None = None
    sizes: Annotated[tuple[Size, ...], Meta(min_length=2)] | None = None
    C: Amount | None = None
    vocabulary: Count | None = None


class RowCounts(Record, frozen=True):
    """Rows of each split."""

    train: Positive
    validation: Positive
    test: Positive


class DataRecord(Record, frozen=True, omit_defaults=True):
    """The data of a training: name, hash, split, what of them was not used.

    Attributes
    ----------
    codes
        How well word codes keep the vectors they were made of.
    unseen_labels
        By split: labels that no training row has, and how many rows have them; they count as wrong.
    skipped
        Why rows of the source were left out, and how many.
    """

    name: str
    split_scheme: str
    rows: RowCounts
    sha256: str | None = None
    limit: Positive | None = None
    codes: dict[str, Finite] | None = None
    unseen_labels: dict[str, dict[str, Positive]] = msgspec.field(default_factory=dict)
    skipped: dict[str, Positive] = msgspec.field(default_factory=dict)


class TrainingRecord(Record, frozen=True, omit_defaults=True):
    """What a network was trained on, how, and how well it and its baselines do on the same rows.

    Attributes
    ----------
    config
        Method and its options, as the version that trained it names them.
    data
        The data.
    scores
        Scores of the network.
    baselines
        Those of its baselines, by name (see BASELINES).
    model
        Name of the model folder.
    """

    config: dict[str, Any]
    data: DataRecord
    scores: ModelScores
    baselines: dict[str, BaselineRecord]
    model: str | None = None


class CardRecord(Record, frozen=True):
    """The JSON part of a card.

    A field that a later version adds has a default, so that files without it stay readable; a file with a field that
    this version does not know is refused, since it may change the answers.
    """

    method: str
    level: str
    label_names: Annotated[tuple[str, ...], Meta(min_length=2)]
    window: Steps
    period: Steps
    embedding: EmbeddingInfo
    encoder: dict[str, Any]
    training: TrainingRecord | None
    versions: dict[str, str]
    temperature: Temperature = 1.0
    label_type: LabelType = "str"

    def __post_init__(self) -> None:
        if len(set(self.label_names)) < len(self.label_names):
            raise ValueError("label_names must differ from each other")
        if self.period < self.window:
            raise ValueError(f"period must be an integer >= the window, {self.window}, got {self.period}")


@dataclass(frozen=True)
class Card:
    """Everything that `snnlp-lava run` needs to know of a network beside its layers.

    Attributes
    ----------
    method, level
        As in `snnlp_lava.train.methods.base`: ``snn-rate``, ...; ``sentence`` or ``word``.
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
        Its training; None where that is unknown.
    versions
        Versions of the packages that made it.
    temperature
        Read-out scores (see `snnlp_lava.network.readout`) that make a factor e between two probabilities.
    label_type
        What the labels were in Python, of which `label_names` are the texts.

    Raises
    ------
    InputError
        If a value has the wrong type or is out of range, or encoder and embedding have different dimensions.
    """

    method: str
    level: str
    label_names: tuple[str, ...]
    window: int
    period: int
    embedding: EmbeddingInfo
    encoder: Encoder
    training: TrainingRecord | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    temperature: float = 1.0
    label_type: LabelType = "str"

    def __post_init__(self) -> None:
        record = self._record()
        for name in ("label_names", "embedding", "training"):
            object.__setattr__(self, name, getattr(record, name))
        wanted, found = self.encoder.dimension, self.embedding.dimension
        if wanted is not None and wanted != found:
            raise InputError(f"the encoder takes vectors of {wanted} dimensions, the embedding has {found}")

    def to_dict(self) -> dict[str, Any]:
        """All but the encoder's arrays, ready for JSON."""
        return self._record().to_dict()

    @classmethod
    def from_parts(cls, document: Any, arrays: Mapping[str, np.ndarray]) -> Card:
        """Inverse of `to_dict` and the encoder's arrays.

        Raises
        ------
        InputError
            If a field is missing, unknown, of the wrong type or out of range.
        """
        if isinstance(document, dict) and document.get("training") == {}:  # how 0.1.0 wrote that it is unknown
            document = {**document, "training": None}
        record = build(CardRecord, document, "card")
        values = {each.name: getattr(record, each.name) for each in fields(cls)}
        return cls(**{**values, "encoder": load_encoder(record.encoder, arrays)})

    def _record(self) -> CardRecord:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return CardRecord.of(**{**values, "encoder": self.encoder.to_dict()})
