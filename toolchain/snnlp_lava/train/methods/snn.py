"""The methods snn-rate, snn-rate-rand and snn-bin: an encoder in front of layers of spiking neurons."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from snnlp_lava.files import as_optional_path
from snnlp_lava.network import limits
from snnlp_lava.progress import ProgressCallback
from snnlp_lava.records import opt
from snnlp_lava.train.methods.base import (
    Features,
    FeatureSource,
    LayeredOptions,
    Level,
    NeuronOptions,
    SpikingModel,
    TakesVectors,
    Trained,
    TrainingRun,
    dense_macs,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from snnlp_lava.embed.base import EmbeddingInfo
    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.encode.calibration import Calibration
    from snnlp_lava.text.dataset import TextData
    from snnlp_lava.train.data import TrainingData
    from snnlp_lava.train.loop import Finalised
    from snnlp_lava.train.slayer import SpikingClassifier

logger = logging.getLogger(__name__)

_REFERENCE: Mapping[str, Any] = {
    "learning_rate": 1e-5,
    "batch_size": 15,
    "epochs": 50,
    "dropout": 0.05,
    "threshold_scale": 1.0,
}
_WINDOW = "Time steps a text is presented."


class SpikingLayers(LayeredOptions, frozen=True):
    """Options of methods that train layers of CUBA neurons with SLAYER, and how they learn."""

    window: Annotated[int, opt(_WINDOW, ge=1, le=limits.MAX_WINDOW)] = 32
    threshold_scale: Annotated[
        float, opt("Weight resolution: factor on threshold and initial weights.", ge=0.1, le=100)
    ] = 8.0
    neuron: Annotated[NeuronOptions, opt("Neuron parameters.")] = NeuronOptions()

    def __post_init__(self) -> None:
        self.neuron.check_integers(self.threshold_scale)

    def fit_encoder(self, data: TrainingData) -> Encoder:
        """The encoder, fitted on the training rows alone."""
        raise NotImplementedError

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Train by surrogate gradients."""
        from snnlp_lava.train.loop import fit_learner

        return fit_learner(lambda: SpikingLearner(data, self), data, self, run)

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """The network of SLAYER blocks."""
        from snnlp_lava.train.slayer import restore

        return restore(lambda: self.untrained(sizes, encoder), tensors)

    def untrained(self, sizes: tuple[int, ...], encoder: Encoder) -> SpikingClassifier:
        """A network of SLAYER blocks with random weights, from torch's generator."""
        from snnlp_lava.train.slayer import SpikingClassifier

        return SpikingClassifier(
            sizes,
            encoder,
            self.window,
            neuron=self.slayer_neuron(),
            weight_scale=self.threshold_scale,
            dropout=self.dropout,
            reference=self.reference,
        )

    def slayer_neuron(self) -> dict[str, float]:
        """Parameters of SLAYER's CUBA neuron."""
        neuron = self.neuron.to_dict()
        return {**neuron, "threshold": neuron["threshold"] * self.threshold_scale}

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Of dense layers, in every step of the window."""
        return dense_macs(synapses, self.window, self.epochs, rows)


class Rates(TakesVectors, SpikingLayers, frozen=True):
    """Spike rates of vectors in front of layers of spiking neurons."""

    reference_values: ClassVar[Mapping[str, Any]] = {**_REFERENCE, "calibration": "paper"}

    level: Level = "sentence"
    calibration: Annotated[Literal["onoff", "range", "paper"], opt("How vectors become rates.")] = "onoff"

    def fitted(self, data: TrainingData) -> Calibration:
        """Return the calibration of the training vectors."""
        from snnlp_lava.encode.calibration import fit_calibration
        from snnlp_lava.text.dataset import TRAIN

        return fit_calibration(self.calibration, data.features[TRAIN])


class SnnRateCounts(Rates, frozen=True):
    """Spike rates by SAF neurons; the class with the most spikes wins (SNN-rate of SNNLP)."""

    name: ClassVar[str] = "snn-rate"
    help: ClassVar[str] = "spike rates of vectors, by SAF neurons"

    def fit_encoder(self, data: TrainingData) -> Encoder:
        """Return SAF neurons behind a calibration."""
        from snnlp_lava.encode.saf import SafEncoder

        return SafEncoder(self.fitted(data))


class SnnRateRandom(Rates, frozen=True):
    """Random spikes at a rate (the rate code that SNNLP compares with)."""

    name: ClassVar[str] = "snn-rate-rand"
    help: ClassVar[str] = "random spikes at rates of vectors"

    def fit_encoder(self, data: TrainingData) -> Encoder:
        """Return Bernoulli spikes behind a calibration."""
        from snnlp_lava.encode.bernoulli import BernoulliEncoder

        return BernoulliEncoder(self.fitted(data), self.seed, self.reference)


class SnnBinary(SpikingLayers, frozen=True):
    """Binary word codes, a token a step (SNN-bin of SNNLP)."""

    name: ClassVar[str] = "snn-bin"
    help: ClassVar[str] = "a binary word code a step"
    takes: ClassVar[Literal["vectors", "texts"]] = "texts"
    reads: ClassVar[tuple[str, ...]] = ("codes", "words", "embedding")
    reference_values: ClassVar[Mapping[str, Any]] = _REFERENCE

    window: Annotated[int, opt(_WINDOW, ge=2, le=limits.MAX_WINDOW)] = 33  # 32 tokens and the end mark

    def feature_key(self) -> Hashable:
        """Texts and the codes of their words."""
        return "word codes"

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """The texts (m,) of each split, and the codes."""
        from snnlp_lava.embed.base import EmbeddingInfo
        from snnlp_lava.embed.embedders import word_codes
        from snnlp_lava.text.dataset import TRAIN
        from snnlp_lava.train.data import require_known_words, texts_of

        codes = word_codes(as_optional_path(source.codes), as_optional_path(source.words), source.embedding, report)
        texts = texts_of(data, rows)
        known = {split: [codes.knows(text) for text in texts[split]] for split in texts}
        require_known_words(data, known[TRAIN], codes.name)
        every = [is_known for split in known.values() for is_known in split]
        if not all(every):
            logger.warning(
                "%d of %d texts have no word that %s knows: no spikes but the end mark",
                every.count(False),
                len(every),
                codes.name,
            )
        embedding = EmbeddingInfo(codes.name, codes.sha256, None)
        return Features(texts, embedding, {"codes": dict(codes.quality)}, codes)

    def fit_encoder(self, data: TrainingData) -> Encoder:
        """The table of codes."""
        from snnlp_lava.encode.word_codes import WordCodeEncoder
        from snnlp_lava.text.tokens import UNICODE_FORM

        assert data.codes is not None
        form = None if self.reference else UNICODE_FORM
        words, codes, bits = tuple(data.codes.words), data.codes.codes, data.codes.bits
        return WordCodeEncoder(words, codes, bits, self.reference, form, skip_unknown=not self.reference)

    def describe_features(self, embedding: EmbeddingInfo, metadata: Mapping[str, Any]) -> str:
        """The list of codes, and how well codes made of vectors keep their distances."""
        quality = "".join(
            f"; {name.replace('_', ' ')} {value:.3f}" for name, value in metadata.get("codes", {}).items()
        )
        return f"Word codes: {embedding.name}{quality}"


class SpikingLearner:
    """An encoder and a network of SLAYER blocks behind it."""

    def __init__(self, data: TrainingData, method: SpikingLayers) -> None:
        self.encoder = method.fit_encoder(data)
        self.window = method.window
        self.sizes = (self.encoder.lines, *method.hidden, data.classes)
        self.module: nn.Module = method.untrained(self.sizes, self.encoder)

    def inputs(self, features: Any) -> np.ndarray:
        """The encoder's integers."""
        return self.encoder.quantise(features, self.window)

    def finalise(self) -> Finalised:
        """The network as it is."""
        from snnlp_lava.train.loop import Finalised

        network, arrays = self.module.to_network(), self.encoder.arrays()
        return Finalised(self.module, self.sizes, self.encoder, arrays, network, self.window)
