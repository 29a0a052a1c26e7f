"""One classifier, trained: the encoder fitted, the module trained, both parts scored."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.progress import ProgressCallback
from snnlp_lava.text.dataset import TRAIN, VALIDATION
from snnlp_lava.train.data import Corpus
from snnlp_lava.train.methods.base import TrainConfig, _Plan

if TYPE_CHECKING:
    import torch


class _SpikeEmbeddingPlan(_Plan):
    """Its weights are learned from spike counts; once they are known the race is put behind them."""

    def __init__(self, corpus: Corpus, config: TrainConfig, report: ProgressCallback) -> None:
        from snnlp_lava.train.methods.spike_embedding.learner import draft_spike_embedding
        from snnlp_lava.train.methods.spike_embedding.word_scores import fit_evidence

        evidence = fit_evidence(
            corpus.features[TRAIN],
            corpus.labels(TRAIN),
            corpus.features[VALIDATION],
            corpus.labels(VALIDATION),
            corpus.classes,
            partial(report, "evidence"),
        )
        self.config, self.classes = config, corpus.classes
        self.draft = draft_spike_embedding(evidence, config)
        self.learner = self.draft.module

    def inputs(self, features: Any) -> np.ndarray:
        if self.encoder is None:
            return self.draft.line_counts(features)
        return self.encoder.quantise(features, self.config.window)

    def finished(self) -> torch.nn.Module:
        from snnlp_lava.train.methods.spike_embedding.learner import finish_spike_embedding

        self.encoder, module = finish_spike_embedding(self.draft, self.config)
        self.sizes = (self.encoder.lines, self.classes)
        return module
