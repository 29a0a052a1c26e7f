"""One classifier, trained: the encoder fitted, the module trained, both parts scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.progress import ProgressCallback
from snnlp_lava.text.dataset import TRAIN
from snnlp_lava.train.data import Corpus
from snnlp_lava.train.methods.base import TrainConfig, _Plan

if TYPE_CHECKING:
    pass


class _AnnPlan(_Plan):
    def __init__(self, corpus: Corpus, config: TrainConfig, report: ProgressCallback) -> None:
        from snnlp_lava.train.baselines import AnnClassifier, standardisation

        self.mean, self.factor = standardisation(corpus.features[TRAIN])
        if config.reference:  # SNNLP's ANN takes the vectors as they are
            self.mean, self.factor = np.zeros_like(self.mean), np.ones_like(self.factor)
        self.sizes = (len(self.mean), *config.hidden, corpus.classes)
        self.learner = AnnClassifier(self.sizes, config.dropout)

    def inputs(self, features: Any) -> np.ndarray:
        from snnlp_lava.train.baselines import standardise

        return standardise(features, self.mean, self.factor)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "factor": self.factor}
