"""The networks of snn-rate that are read by spikes alone: options of each read-out, how they learn and come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.records import opt
from snnlp_lava.train.methods.base import (
    GradientOptions,
    Level,
    Size,
    SpikingModel,
    TakesVectors,
    Trained,
    TrainingRun,
    dense_macs,
)

if TYPE_CHECKING:
    import numpy as np

    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.train.data import TrainingData

MOST_PAIRED = 18
"""Classes up to which pairs are read; C (C - 1) / 2 neurons cost more than the steps of a rise from there on."""


class RateOptions(TakesVectors, GradientOptions, frozen=True):
    """Options of both read-outs, and how they learn; what they differ in has a default of none here."""

    name: ClassVar[str] = "snn-rate"
    help: ClassVar[str] = "spike rates of vectors, by SAF neurons"

    level: Level = "sentence"
    window: Annotated[int, opt("Time steps in which a text is encoded.", ge=1, le=limits.MAX_WINDOW)] = 4
    epochs: Annotated[int, opt("Passes over the training rows.", ge=1, le=100_000)] = 30
    batch_size: Annotated[int, opt("Texts of a step of the optimizer.", ge=1, le=1 << 20)] = 128
    learning_rate: Annotated[
        float, opt("Adam's learning rate at the start; it falls to 0 along a cosine.", ge=1e-9, le=1)
    ] = 4e-3
    kept: Annotated[float, opt("Part of the first layer's weights that training keeps.", ge=0.001, le=1)] = 0.14

    @property
    def hidden_neurons(self) -> int:
        """Neurons of the hidden layer; 0 without one."""
        return 0

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Train by gradients that pass straight through roundings, then compile to the chip's integers."""
        from snnlp_lava.train.loop import fit_learner
        from snnlp_lava.train.methods.rate.learner import RateLearner

        return fit_learner(lambda: RateLearner(data, self), data, self, run)

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """The integers of the layers, and SLAYER's blocks of the same."""
        from snnlp_lava.encode.saf import SafEncoder
        from snnlp_lava.train.methods.rate.learner import restored

        if not isinstance(encoder, SafEncoder) or encoder.schedule is None:
            raise InputError("the encoder must be of kind saf with a schedule")
        return restored(sizes, encoder, tensors)

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Of dense layers, once a text: on and off lines share their weights, pairs stand for their classes' neurons.

        At most that: pairs are more than classes, and lines of the ramp and relays are not trained.
        """
        return dense_macs((synapses[0] // 2, *synapses[1:2]), 1, self.epochs, rows)


class SnnRatePairs(RateOptions, frozen=True):
    """A hidden layer read by a ramp, a neuron for each pair of classes; the class that wins all its pairs spikes."""

    hidden: Annotated[tuple[Size, ...], opt("Neurons of the hidden layer."), Meta(min_length=1, max_length=1)] = (512,)
    levels: Annotated[int, opt("Values that a hidden neuron tells apart, by when it spikes.", ge=2, le=64)] = 8

    @property
    def hidden_neurons(self) -> int:
        """Neurons of the hidden layer."""
        return self.hidden[0]


class SnnRateRise(RateOptions, frozen=True):
    """No hidden layer; a bias lifts all classes together, and the first that spikes is the answer."""

    window: Annotated[int, opt("Time steps in which a text is encoded.", ge=1, le=limits.MAX_WINDOW)] = 2
    kept: Annotated[float, opt("Part of the first layer's weights that training keeps.", ge=0.001, le=1)] = 0.25
    tests: Annotated[int, opt("Steps of a rise in which the output is tested.", ge=1, le=256)] = 16
    z_loss: Annotated[float, opt("Weight of the squared log-partition in the loss of a rise.", ge=0, le=10)] = 0.03


def levels_of(method: RateOptions) -> dict[str, Any]:
    """Arguments of `RateNetwork` that only one read-out has."""
    if isinstance(method, SnnRatePairs):
        return {"levels": method.levels, "z_loss": 0.0}
    assert isinstance(method, SnnRateRise)
    return {"levels": 2, "z_loss": method.z_loss}
