"""The method spike-embedding: learned sparse codes of words and pairs of words, and one layer behind them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from snnlp_lava.network import limits
from snnlp_lava.progress import ProgressCallback
from snnlp_lava.records import opt
from snnlp_lava.train.methods.base import (
    Features,
    FeatureSource,
    GradientOptions,
    SpikingModel,
    Trained,
    TrainingRun,
    dense_macs,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from snnlp_lava.embed.base import EmbeddingInfo
    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.text.dataset import TextData
    from snnlp_lava.train.data import TrainingData
    from snnlp_lava.train.loop import Finalised


class SpikeEmbedding(GradientOptions, frozen=True):
    """Sparse binary codes of words and pairs within a budget of synops, and a ramp that reads the membranes out."""

    name: ClassVar[str] = "spike-embedding"
    help: ClassVar[str] = "learned sparse codes of words and pairs"
    takes: ClassVar[Literal["vectors", "texts"]] = "texts"

    epochs: Annotated[int, opt("Passes over the training rows.", ge=1, le=100_000)] = 5
    learning_rate: Annotated[
        float, opt("Adam's learning rate at the start; it falls to 0 along a cosine.", ge=1e-9, le=1)
    ] = 3e-4
    dropout: Annotated[float, opt("Part of the spikes left out at random in training.", ge=0, le=0.99)] = 0.5
    window: Annotated[int, opt("Time steps a text is presented.", ge=2, le=limits.MAX_WINDOW)] = 32
    lines: Annotated[int, opt("Length of a code.", ge=1, le=limits.MAX_CODE_LINES)] = 32
    synop_budget: Annotated[
        int, opt("Synops of non-zero weights that a text may take on average.", ge=1, le=1_000_000_000)
    ] = 1000
    threshold: Annotated[float, opt("Threshold of the output neurons, in units of 64 weights.", ge=1 / 64, le=2047)] = (
        16.0
    )

    @property
    def threshold_mantissa(self) -> int:
        """The chip's integer of the threshold."""
        return int(self.threshold * (1 << limits.STATE_SHIFT))

    def slayer_neuron(self) -> dict[str, float]:
        """Parameters of SLAYER's CUBA neuron: it keeps no current and forgets no voltage."""
        return {"threshold": self.threshold, "current_decay": 1.0, "voltage_decay": 0.0}

    def feature_key(self) -> Hashable:
        """The texts alone."""
        return "texts"

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """The texts (m,) of each split, in the encoder's Unicode form."""
        import numpy as np

        from snnlp_lava.embed.base import EmbeddingInfo
        from snnlp_lava.text.tokens import UNICODE_FORM, normalise
        from snnlp_lava.train.data import texts_of

        texts = {
            split: np.array([normalise(text, UNICODE_FORM) for text in of_split], dtype=object)
            for split, of_split in texts_of(data, rows).items()
        }
        return Features(texts, EmbeddingInfo(None, None, None))

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Choose codes and weights, then train the weights by gradient descent."""
        from snnlp_lava.train.loop import fit_learner

        return fit_learner(lambda: SpikeEmbeddingLearner(data, self, run.report), data, self, run)

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """The one layer, as a SLAYER block."""
        from snnlp_lava.train.slayer import SpikingClassifier

        return SpikingClassifier(sizes, encoder, self.window, neuron=self.slayer_neuron()).restored(tensors)

    def training_macs(self, sizes: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Of the weights, which learn from spike counts; the regressions that choose codes are not counted."""
        return dense_macs((self.lines, sizes[-1]), 1, self.epochs, rows)

    def describe_features(self, embedding: EmbeddingInfo, metadata: Mapping[str, Any]) -> str:
        """They are its own."""
        return "Word codes: learned from the training texts"


class SpikeEmbeddingLearner:
    """Codes and weights, which learn from spike counts; once they are known the ramp is put behind them."""

    def __init__(self, data: TrainingData, method: SpikeEmbedding, report: ProgressCallback) -> None:
        from snnlp_lava.text.dataset import TRAIN, VALIDATION
        from snnlp_lava.train.methods.spike_embedding.learner import draft_spike_embedding
        from snnlp_lava.train.methods.spike_embedding.word_scores import fit_word_scores

        scores = fit_word_scores(
            data.features[TRAIN],
            data.labels(TRAIN),
            data.features[VALIDATION],
            data.labels(VALIDATION),
            data.classes,
            partial(report, "word scores"),
        )
        self.method, self.classes = method, data.classes
        self.draft = draft_spike_embedding(scores, method)
        self.module: nn.Module = self.draft.module
        self.encoder: Encoder | None = None

    def inputs(self, features: Any) -> np.ndarray:
        """Spike counts of the lines to learn from; once finalised, the encoder's integers."""
        if self.encoder is None:
            return self.draft.line_counts(features)
        return self.encoder.quantise(features, self.method.window)

    def finalise(self) -> Finalised:
        """The weights with the ramp behind them."""
        from snnlp_lava.train.loop import Finalised
        from snnlp_lava.train.methods.spike_embedding.learner import finish_spike_embedding

        self.encoder, module = finish_spike_embedding(self.draft, self.method)
        sizes = (self.encoder.lines, self.classes)
        return Finalised(module, sizes, self.encoder, self.encoder.arrays(), module.to_network())
