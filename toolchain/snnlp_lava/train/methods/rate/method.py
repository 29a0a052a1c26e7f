"""Define the method snn-rate: SAF spike rates of vectors, a pruned network, and an answer of one spike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from snnlp_lava.errors import InputError
from snnlp_lava.records import check_applies, opt
from snnlp_lava.train.methods.base import (
    GradientOptions,
    Level,
    Method,
    Size,
    SpikingModel,
    TakesVectors,
    Trained,
    TrainingRun,
    dense_macs,
)
from snnlp_lava.train.methods.snn import SnnRateCounts

if TYPE_CHECKING:
    import numpy as np

    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.train.data import TrainingData

_MOST_PAIRED = 18  # classes; from there on C (C - 1) / 2 pair neurons cost more than the steps of a rise
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "pairs": {"steps": 4, "hidden": (512,), "levels": 4, "kept": 0.135},
    "rise": {"steps": 2, "hidden": (), "kept": 0.3, "tests": 16, "z_loss": 0.03},
}
_FEWEST_BATCHES, _SMALLEST_BATCH = 20, 8


class SnnRate(TakesVectors, GradientOptions, frozen=True):
    """Spike rates by SAF neurons, a pruned first layer, and a read-out by one output spike.

    With an option that only SNNLP's network has, such as ``window`` or ``reference``, the method is `SnnRateCounts`.
    """

    name: ClassVar[str] = "snn-rate"
    help: ClassVar[str] = (
        "spike rates of vectors, by SAF neurons (with --window or --reference the SNNLP paper's network)"
    )
    needs: ClassVar[tuple[str, ...]] = ("torch",)

    level: Level = "sentence"
    read_out: Annotated[
        Literal["pairs", "rise"] | None,
        opt(
            "How the class is read: pairs compares any two classes behind a hidden layer; rise lifts all classes until "
            f"the first one spikes, without hidden layers. By default pairs for up to {_MOST_PAIRED} classes, unless "
            "hidden is none."
        ),
    ] = None
    hidden: Annotated[Annotated[tuple[Size, ...], Meta(max_length=1)] | None, opt("Sizes of the hidden layers.")] = None
    steps: Annotated[Annotated[int, Meta(ge=1, le=64)] | None, opt("Time steps in which the input spikes.")] = None
    levels: Annotated[
        Annotated[int, Meta(ge=2, le=64)] | None, opt("Values that a hidden neuron distinguishes, by when it spikes.")
    ] = None
    kept: Annotated[
        Annotated[float, Meta(ge=0.001, le=1)] | None, opt("Fraction of the first layer's weights that is kept.")
    ] = None
    tests: Annotated[
        Annotated[int, Meta(ge=1, le=256)] | None, opt("Steps of a rise in which the output may spike.")
    ] = None
    z_loss: Annotated[
        Annotated[float, Meta(ge=0, le=10)] | None, opt("Weight of the squared log-partition in the loss of a rise.")
    ] = None
    epochs: Annotated[int, opt("Passes over the training rows.", ge=1, le=100_000)] = 30
    batch_size: Annotated[int, opt("Texts per optimizer step.", ge=1, le=1 << 20)] = 128
    learning_rate: Annotated[
        float, opt("Adam's learning rate at the start; it falls to 0 along a cosine.", ge=1e-9, le=1)
    ] = 4e-3

    def __post_init__(self) -> None:
        if self.read_out is not None:
            self._check_read_out(self.read_out)

    def _given(self) -> dict[str, Any]:
        """Options of the read-outs that have a value."""
        names = dict.fromkeys(name for defaults in _DEFAULTS.values() for name in defaults)
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _check_read_out(self, read_out: str) -> None:
        check_applies("read_out", read_out, _DEFAULTS, self._given())
        if self.hidden is not None and bool(self.hidden) != (read_out == "pairs"):
            raise InputError(f"read_out {read_out} takes {'one' if read_out == 'pairs' else 'no'} hidden layer")

    @classmethod
    def variants(cls) -> tuple[type[Method], ...]:
        """Return this network and that of the SNNLP paper."""
        return cls, SnnRateCounts

    @classmethod
    def variant(cls, options: Mapping[str, Any]) -> type[Method]:
        """Return `SnnRateCounts` if an option of its own is given, or several hidden layers."""
        own, papers = (set(kind.__struct_fields__) for kind in cls.variants())
        hidden = options.get("hidden")
        several = ["hidden"] if isinstance(hidden, list | tuple) and len(hidden) > 1 else []
        theirs = [name for name in options if name in papers - own] + several
        ours = [name for name in options if name in own - papers]
        if theirs and ours:
            raise InputError(
                f"{ours[0]} {options[ours[0]]} is not used together with {theirs[0]}, which chooses the SNNLP paper's "
                "network"
            )
        return SnnRateCounts if theirs else cls

    def resolved(self, classes: int) -> SnnRate:
        """Return the method with every option of the read-out; InputError if it does not have a given one."""
        paired = classes <= _MOST_PAIRED if self.hidden is None else bool(self.hidden)
        read_out = self.read_out or ("pairs" if paired else "rise")
        self._check_read_out(read_out)
        return self.replace(read_out=read_out, **{**_DEFAULTS[read_out], **self._given()})

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Train by gradients that pass straight through roundings, then compile to the chip's integers."""
        from snnlp_lava.text.dataset import TRAIN
        from snnlp_lava.train.loop import fit_learner, single_threaded
        from snnlp_lava.train.methods.rate.learner import RateLearner

        batch = max(_SMALLEST_BATCH, len(data.labels(TRAIN)) // _FEWEST_BATCHES)
        method = self.resolved(data.classes).replace(batch_size=min(self.batch_size, batch))
        with single_threaded():  # which is as fast for so small a network
            return fit_learner(lambda: RateLearner(data, method), data, method, run)

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """Restore the integers, and SLAYER's blocks of them."""
        from snnlp_lava.encode.saf import SafEncoder
        from snnlp_lava.train.methods.rate.learner import restored

        if not isinstance(encoder, SafEncoder) or encoder.schedule is None:
            raise InputError("the encoder must be of kind saf with a schedule")
        return restored(sizes, encoder, tensors)

    def training_macs(self, synapses: Sequence[int], rows: Mapping[str, int]) -> dict[str, float]:
        """Count dense layers, once per text: on and off lines share their weights.

        An upper bound: pair neurons outnumber the classes they compare, and scheduled lines are not trained.
        """
        return dense_macs((synapses[0] // 2, *synapses[1:2]), 1, self.epochs, rows)
