"""The methods snn-rate, snn-rate-rand and snn-bin: an encoder in front of layers of spiking neurons."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from snnlp_lava.files import as_optional_path
from snnlp_lava.network import limits
from snnlp_lava.progress import ProgressCallback
from snnlp_lava.records import check_applies, opt
from snnlp_lava.train.methods.base import (
    Features,
    FeatureSource,
    LayeredOptions,
    Level,
    Method,
    NeuronOptions,
    Size,
    SpikingModel,
    TakesVectors,
    Trained,
    TrainingRun,
    dense_macs,
)
from snnlp_lava.train.methods.rate.method import MOST_PAIRED, SnnRatePairs, SnnRateRise

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from snnlp_lava.embed.base import EmbeddingInfo
    from snnlp_lava.encode.base import Encoder
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
Calibration = Annotated[Literal["onoff", "range", "paper"], opt("How vectors become rates.")]


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


class SnnRateCounts(TakesVectors, SpikingLayers, frozen=True):
    """Spike rates of SAF neurons, and the class with the most spikes (SNN-rate of SNNLP): `SnnRate` by counts."""

    name: ClassVar[str] = "snn-rate"
    help: ClassVar[str] = "spike rates of vectors, by SAF neurons"
    reference_values: ClassVar[Mapping[str, Any]] = {**_REFERENCE, "calibration": "paper"}

    level: Level = "sentence"
    calibration: Calibration = "onoff"

    def fit_encoder(self, data: TrainingData) -> Encoder:
        """A calibration fitted on the training vectors, in front of SAF neurons."""
        from snnlp_lava.encode.calibration import fit_calibration
        from snnlp_lava.encode.saf import SafEncoder
        from snnlp_lava.text.dataset import TRAIN

        return SafEncoder(fit_calibration(self.calibration, data.features[TRAIN]))


class SnnRate(TakesVectors, Method, frozen=True):
    """Spike rates of SAF neurons, by the network that the read-out asks for; None stands for what suits that."""

    name: ClassVar[str] = "snn-rate"
    help: ClassVar[str] = "spike rates of vectors, by SAF neurons"
    reference_values: ClassVar[Mapping[str, Any]] = {"read_out": "counts"}

    level: Level = "sentence"
    read_out: Annotated[
        Literal["pairs", "rise", "counts"] | None,
        opt(
            "How the class is read: one spike of the class that wins against each other; the first spike of a rise; or "
            "the most spikes, with the SNNLP paper's network. By default pairs, or a rise for more than 18 classes."
        ),
    ] = None
    window: Annotated[Annotated[int, Meta(ge=1, le=limits.MAX_WINDOW)] | None, opt(_WINDOW)] = None
    hidden: Annotated[tuple[Size, ...] | None, opt("Neurons of the hidden layers.")] = None
    levels: Annotated[
        Annotated[int, Meta(ge=2, le=64)] | None, opt("Values that a hidden neuron tells apart, by when it spikes.")
    ] = None
    kept: Annotated[
        Annotated[float, Meta(ge=0.001, le=1)] | None, opt("Part of the first layer's weights that training keeps.")
    ] = None
    tests: Annotated[
        Annotated[int, Meta(ge=1, le=256)] | None, opt("Steps of a rise in which the output is tested.")
    ] = None
    z_loss: Annotated[
        Annotated[float, Meta(ge=0, le=10)] | None, opt("Weight of the squared log-partition in the loss of a rise.")
    ] = None
    epochs: Annotated[Annotated[int, Meta(ge=1, le=100_000)] | None, opt("Passes over the training rows.")] = None
    batch_size: Annotated[Annotated[int, Meta(ge=1, le=1 << 20)] | None, opt("Texts of a step of the optimizer.")] = (
        None
    )
    learning_rate: Annotated[
        Annotated[float, Meta(ge=1e-9, le=1)] | None,
        opt("Adam's learning rate at the start; it falls to 0 along a cosine."),
    ] = None
    dropout: Annotated[
        Annotated[float, Meta(ge=0, le=0.99)] | None, opt("Part of the neurons left out at random in training.")
    ] = None
    calibration: Annotated[Literal["onoff", "range", "paper"] | None, opt("How vectors become rates.")] = None
    threshold_scale: Annotated[
        Annotated[float, Meta(ge=0.1, le=100)] | None,
        opt("Weight resolution: factor on threshold and initial weights."),
    ] = None
    neuron: Annotated[NeuronOptions | None, opt("Neuron parameters.")] = None
    reference: Annotated[bool, opt("Encode, train and score as the SNNLP paper's published code does.")] = False

    def __post_init__(self) -> None:
        if self.reference and self.read_out != "counts":
            raise ValueError(f"reference reads counts, not {self.read_out}")
        if self.read_out is not None:
            self._check_given(self.read_out)
            if self.read_out == "counts":
                self.resolved(2)  # refuses what the chip cannot store
        elif not any(set(self._given()) <= set(kind.option_names()) for kind in (SnnRatePairs, SnnRateRise)):
            for read_out in ("pairs", "rise"):  # one of them refuses what neither of them has
                self._check_given(read_out)

    def _given(self) -> dict[str, Any]:
        given = {name: value for name, value in self.options().items() if name != "read_out" and value is not None}
        return given if self.reference else {name: value for name, value in given.items() if name != "reference"}

    def _check_given(self, read_out: str) -> None:
        check_applies(
            "read_out", read_out, {name: kind.option_names() for name, kind in _READ_OUTS.items()}, self._given()
        )

    def resolved(self, classes: int) -> SnnRateCounts | SnnRatePairs | SnnRateRise:
        """The method for a number of classes, all of its options filled in.

        Raises
        ------
        InputError
            If an option was given that its read-out does not use.
        """
        read_out = self.read_out or ("pairs" if classes <= MOST_PAIRED else "rise")
        self._check_given(read_out)
        return _READ_OUTS[read_out].of(**self._given())

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Train the network of the read-out."""
        return self.resolved(data.classes).fit(data, run)

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """The network of the read-out."""
        return self.resolved(sizes[-1]).restore(sizes, encoder, tensors)

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Of the network of the read-out; where none was given, one layer is a rise."""
        read_out = self.read_out or ("rise" if len(synapses) == 1 else "pairs")
        return _READ_OUTS[read_out].of(**self._given()).training_macs(synapses, rows)


_READ_OUTS: Mapping[str, type[SnnRateCounts] | type[SnnRatePairs] | type[SnnRateRise]] = {
    "pairs": SnnRatePairs,
    "rise": SnnRateRise,
    "counts": SnnRateCounts,
}


class SnnRateRandom(TakesVectors, SpikingLayers, frozen=True):
    """Random spikes at a rate (the rate code that SNNLP compares with)."""

    name: ClassVar[str] = "snn-rate-rand"
    help: ClassVar[str] = "random spikes at rates of vectors"
    reference_values: ClassVar[Mapping[str, Any]] = {**_REFERENCE, "calibration": "paper"}

    level: Level = "sentence"
    calibration: Calibration = "onoff"

    def fit_encoder(self, data: TrainingData) -> Encoder:
        """A calibration fitted on the training vectors, in front of Bernoulli spikes."""
        from snnlp_lava.encode.bernoulli import BernoulliEncoder
        from snnlp_lava.encode.calibration import fit_calibration
        from snnlp_lava.text.dataset import TRAIN

        calibration = fit_calibration(self.calibration, data.features[TRAIN])
        return BernoulliEncoder(calibration, self.seed, self.reference)


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
