"""One classifier, trained: the encoder fitted, the module trained, both parts scored."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.encode.calibration import fit_calibration
from snnlp_lava.encode.encoder import BernoulliEncoder, Encoder, SafEncoder, WordCodeEncoder
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.progress import Report, silent
from snnlp_lava.text.split import TEST, TRAIN, VALIDATION
from snnlp_lava.train.config import ANN, SNN_RATE_RAND, SPIKE_EMBEDDING, TrainConfig
from snnlp_lava.train.corpus import Corpus

if TYPE_CHECKING:
    import torch

    from snnlp_lava.train.loop import Examples


@dataclass(frozen=True)
class Trained:
    """A classifier after training.

    Attributes
    ----------
    state
        The module's weights at the best epoch.
    arrays
        The encoder's arrays, or ``mean`` and ``factor`` of the ANN's standardisation.
    encoder
        The encoder, None for an ANN.
    sizes
        Input lines, hidden layers, classes.
    scores
        Best epoch, and accuracy and MRR on validation and test rows.
    history
        One row an epoch.
    """

    state: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    encoder: Encoder | None
    sizes: tuple[int, ...]
    scores: dict[str, Any]
    history: list[dict[str, float]]


def train_classifier(
    corpus: Corpus,
    config: TrainConfig,
    device: str,
    checkpoint: Path | None,
    report: Report = silent,
    stage: str = "train",
    on_epoch: Callable[[dict[str, float]], None] = lambda row: None,
) -> Trained:
    """Train one classifier, without baselines and without writing anything but the checkpoint.

    Parameters
    ----------
    corpus, config, device, on_epoch
        As for `train_model`.
    checkpoint
        See `snnlp_lava.train.loop.fit`.
    report, stage
        Progress, and what an epoch is called there.

    Raises
    ------
    InputError
        If the configuration does not fit the data or the checkpoint.
    """
    import torch

    from snnlp_lava.train.allocator import keep_freed_memory
    from snnlp_lava.train.loop import Examples, choose_device, evaluate, fit

    keep_freed_memory()
    torch.manual_seed(config.seed)  # of the initial weights; `fit` seeds each epoch
    kinds = {ANN: _AnnPlan, SPIKE_EMBEDDING: _SpikeEmbeddingPlan}
    plan: _Plan = kinds.get(config.method, _SpikingPlan)(corpus, config, report)
    examples = {part: Examples(plan.inputs(corpus.features[part]), corpus.labels(part)) for part in (TRAIN, VALIDATION)}
    progress = fit(
        plan.learner.to(choose_device(device)),
        examples[TRAIN],
        examples[VALIDATION],
        config,
        checkpoint=checkpoint,
        fingerprint=_fingerprint(config, examples[TRAIN]),
        on_epoch=on_epoch,
        on_batch=partial(report, stage),
    )
    module = plan.finished()
    scores = {
        part: accuracy_and_mrr(evaluate(module, plan.inputs(corpus.features[part]))[1], corpus.labels(part))
        for part in (VALIDATION, TEST)
    }
    state = {name: value.cpu().numpy() for name, value in module.state_dict().items()}
    return Trained(
        state, plan.arrays(), plan.encoder, plan.sizes, {"best_epoch": progress.best_epoch, **scores}, progress.history
    )


def fit_encoder(corpus: Corpus, config: TrainConfig) -> Encoder:
    """The encoder of a spiking method, fitted on the training rows alone."""
    if corpus.codes is not None:
        return WordCodeEncoder(tuple(corpus.codes.words), corpus.codes.codes, config.reference)
    calibration = fit_calibration(config.calibration, corpus.features[TRAIN])
    if config.method == SNN_RATE_RAND:
        return BernoulliEncoder(calibration, config.seed, config.reference)
    return SafEncoder(calibration)


class _Plan(ABC):
    """What is trained, on which inputs, and what becomes of it after training.

    Attributes
    ----------
    encoder
        From features to spikes, None for an ANN.
    learner
        The module that learns.
    sizes
        Input lines, hidden layers, classes.
    """

    encoder: Encoder | None = None
    learner: torch.nn.Module
    sizes: tuple[int, ...]

    @abstractmethod
    def inputs(self, features: Any) -> np.ndarray:
        """What the module takes of features."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays that belong to the model beside the module's."""
        assert self.encoder is not None
        return self.encoder.arrays()

    def finished(self) -> torch.nn.Module:
        """The module that classifies, once the learner has learned."""
        return self.learner


class _AnnPlan(_Plan):
    def __init__(self, corpus: Corpus, config: TrainConfig, report: Report) -> None:
        from snnlp_lava.train.ann import AnnClassifier, standardisation

        self.mean, self.factor = standardisation(corpus.features[TRAIN])
        if config.reference:  # SNNLP's ANN takes the vectors as they are
            self.mean, self.factor = np.zeros_like(self.mean), np.ones_like(self.factor)
        self.sizes = (len(self.mean), *config.hidden, corpus.classes)
        self.learner = AnnClassifier(self.sizes, config.dropout)

    def inputs(self, features: Any) -> np.ndarray:
        from snnlp_lava.train.ann import standardise

        return standardise(features, self.mean, self.factor)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "factor": self.factor}


class _SpikingPlan(_Plan):
    def __init__(self, corpus: Corpus, config: TrainConfig, report: Report) -> None:
        from snnlp_lava.train.spiking import SpikingClassifier

        self.encoder = fit_encoder(corpus, config)
        self.window = config.window
        self.sizes = (self.encoder.channels, *config.hidden, corpus.classes)
        self.learner = SpikingClassifier(self.sizes, config, self.encoder)

    def inputs(self, features: Any) -> np.ndarray:
        assert self.encoder is not None
        return self.encoder.inputs(features, self.window)


class _SpikeEmbeddingPlan(_Plan):
    """Its weights are learned from spike counts; once they are known the race is put behind them."""

    def __init__(self, corpus: Corpus, config: TrainConfig, report: Report) -> None:
        from snnlp_lava.train.evidence import fit_evidence
        from snnlp_lava.train.spike_embedding import draft_spike_embedding

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
        return self.encoder.inputs(features, self.config.window)

    def finished(self) -> torch.nn.Module:
        from snnlp_lava.train.spike_embedding import finish_spike_embedding

        self.encoder, module = finish_spike_embedding(self.draft, self.config)
        self.sizes = (self.encoder.channels, self.classes)
        return module


def _fingerprint(config: TrainConfig, train: Examples) -> str:
    digest = hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode())
    digest.update(np.ascontiguousarray(train.inputs).tobytes())
    digest.update(train.labels.tobytes())
    return digest.hexdigest()
