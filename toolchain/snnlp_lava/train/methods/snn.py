"""One classifier, trained: the encoder fitted, the module trained, both parts scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.encode.base import Encoder
from snnlp_lava.encode.bernoulli import BernoulliEncoder
from snnlp_lava.encode.calibration import fit_calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.encode.word_codes import WordCodeEncoder
from snnlp_lava.progress import ProgressCallback
from snnlp_lava.text.dataset import TRAIN
from snnlp_lava.text.tokens import UNICODE_FORM
from snnlp_lava.train.data import Corpus
from snnlp_lava.train.methods.base import SNN_RATE_RAND, TrainConfig, _Plan

if TYPE_CHECKING:
    pass


def fit_encoder(corpus: Corpus, config: TrainConfig) -> Encoder:
    """The encoder of a spiking method, fitted on the training rows alone."""
    if corpus.codes is not None:
        form = None if config.reference else UNICODE_FORM
        words, codes, bits = tuple(corpus.codes.words), corpus.codes.codes, corpus.codes.bits
        return WordCodeEncoder(words, codes, bits, config.reference, form, skip_unknown=not config.reference)
    calibration = fit_calibration(config.calibration, corpus.features[TRAIN])
    if config.method == SNN_RATE_RAND:
        return BernoulliEncoder(calibration, config.seed, config.reference)
    return SafEncoder(calibration)


class _SpikingPlan(_Plan):
    def __init__(self, corpus: Corpus, config: TrainConfig, report: ProgressCallback) -> None:
        from snnlp_lava.train.slayer import SpikingClassifier

        self.encoder = fit_encoder(corpus, config)
        self.window = config.window
        self.sizes = (self.encoder.lines, *config.hidden, corpus.classes)
        self.learner = SpikingClassifier(self.sizes, config, self.encoder)

    def inputs(self, features: Any) -> np.ndarray:
        assert self.encoder is not None
        return self.encoder.quantise(features, self.window)
