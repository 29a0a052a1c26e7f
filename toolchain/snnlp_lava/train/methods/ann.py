"""Define the method ann: a network without spikes on vectors, and the baseline of spiking methods on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from snnlp_lava.errors import InputError
from snnlp_lava.records import opt
from snnlp_lava.train.methods.base import (
    LayeredOptions,
    Level,
    Method,
    SpikingModel,
    TakesVectors,
    Trained,
    TrainingRun,
    dense_macs,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.train.data import TrainingData
    from snnlp_lava.train.loop import Finalised


class Ann(TakesVectors, LayeredOptions, frozen=True):
    """Dense layers with ReLU on standardised vectors."""

    name: ClassVar[str] = "ann"
    help: ClassVar[str] = "dense layers with ReLU on vectors, without spikes"
    spiking: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("torch",)
    reference_values: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 1e-5,
        "batch_size": 15,
        "epochs": 50,
        "dropout": 0.0,
    }

    level: Level = "sentence"
    learning_rate: Annotated[
        float, opt("Adam's learning rate at the start; it falls to 0 along a cosine.", ge=1e-9, le=1)
    ] = 1e-3

    @classmethod
    def beside(cls, method: Method) -> Ann:
        """Create the baseline of another method on vectors, with its level, hidden layers, seed and recipe."""
        shared = {name: value for name, value in method.options().items() if name in _SHARED}
        return cls.of(**shared)

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Train by gradient descent."""
        from snnlp_lava.train.loop import fit_learner

        return fit_learner(lambda: AnnLearner(data, self), data, self, run)

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """Raise an InputError: an ANN has no spikes."""
        raise InputError(f"was trained with --method {self.name}, which has no spikes; use another --method")

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Count dense layers, one step per text."""
        return dense_macs(synapses, 1, self.epochs, rows)


_SHARED = ("level", "hidden", "seed", "reference")


class AnnLearner:
    """An ANN and the standardisation of its vectors."""

    def __init__(self, data: TrainingData, method: Ann) -> None:
        import numpy as np

        from snnlp_lava.text.dataset import TRAIN
        from snnlp_lava.train.baselines import AnnClassifier, standardisation

        self.mean, self.factor = standardisation(data.features[TRAIN])
        if method.reference:  # SNNLP's ANN does not standardise vectors
            self.mean, self.factor = np.zeros_like(self.mean), np.ones_like(self.factor)
        self.sizes = (len(self.mean), *method.hidden, data.classes)
        self.module: nn.Module = AnnClassifier(self.sizes, method.dropout)

    def inputs(self, features: Any) -> np.ndarray:
        """Standardised vectors."""
        from snnlp_lava.train.baselines import standardise

        return standardise(features, self.mean, self.factor)

    def finalise(self) -> Finalised:
        """Return the network."""
        from snnlp_lava.train.loop import Finalised

        return Finalised(self.module, self.sizes, arrays={"mean": self.mean, "factor": self.factor})
