"""A cut of the model in the chip's integers: what it answers, what it costs, and how it is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnlp_lava.network import limits
from snnlp_lava.text.entries import Occurrences
from snnlp_lava.train.methods.spike_embedding.linear import Linear
from snnlp_lava.train.methods.spike_embedding.rise import Rise, RiseLoss, mirrored_rise

SYNOP_NJ, UPDATE_NJ = 23.6e-3, 81e-3
"""Loihi 1: a synaptic operation, an active neuron's update (energy/prices, Davies et al. 2018)."""

_DOUBLED_STEPS = 0.004  # accuracy that twice as many steps must bring
_FEWEST = 1.0  # synops below which fewer are worth nothing
_NEIGHBOURS = (1, 2, 3, 2, 1)  # weights of neighbouring cuts in a mean accuracy


@dataclass(frozen=True)
class Point:
    """A cut of the model, and its best read-out.

    Attributes
    ----------
    entries
        (kept,) which entries of the scheme still have weights.
    line
        (kept,) line of each.
    weight
        (lines, columns) even integers; two classes are one column.
    offset
        (columns,) even integers.
    synops, spikes
        A training text's mean, without those of the start line.
    silent
        Share of validation texts without any spike.
    accuracy
        Of the largest evidence, on validation texts.
    loss
        What the rise is expected to lose of it.
    rise
        Thresholds, biases and start line; None before they are chosen.
    bill
        In nJ, by Loihi 1's prices.
    """

    entries: np.ndarray
    line: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    synops: float
    spikes: float
    silent: float
    accuracy: float
    loss: float = 0.0
    rise: Rise | None = None
    bill: float = 0.0

    @classmethod
    def of(cls, model: Linear, occurrences: Occurrences, known: Occurrences, labels: np.ndarray, classes: int) -> Point:
        """A model in integers, each entry with a line of its own.

        Parameters
        ----------
        model
            The model.
        occurrences, known
            Its entries in training texts and in validation texts.
        labels
            Classes of the validation texts.
        classes
            Number of classes.
        """
        weight, offset = _integers(model)
        used = np.flatnonzero(weight.any(axis=1))
        own = np.arange(len(used))
        return cls.counted(used, own, weight[used], offset, occurrences.take(used), known.take(used), labels, classes)

    @classmethod
    def counted(
        cls,
        entries: np.ndarray,
        line: np.ndarray,
        weight: np.ndarray,
        offset: np.ndarray,
        lines: Occurrences,
        known: Occurrences,
        labels: np.ndarray,
        classes: int,
    ) -> Point:
        """Integers, with counts and accuracy from which lines spike in training texts and in validation texts."""
        share = lines.frequency / lines.rows
        synops = float(share @ (weight != 0).sum(axis=1)) * (2 if classes == 2 else 1)
        silent = float((np.bincount(known.texts, minlength=known.rows) == 0).mean())
        point = cls(entries, line, weight, offset, synops, float(share.sum()), silent, 0.0)
        evidence = point.sums(known, classes) + point.offsets(classes)
        right = (evidence[:, 1] > 0) == labels if classes == 2 else evidence.argmax(axis=1) == labels
        return replace(point, accuracy=float(right.mean()))

    @property
    def steps(self) -> int:
        """Time steps."""
        return self.rise.steps if self.rise else 0

    @property
    def all_synops(self) -> float:
        """A text's mean, those of the start line included."""
        return self.synops + (self.rise.start_synops if self.rise else 0)

    def sums(self, lines: Occurrences, classes: int) -> np.ndarray:
        """What the spiking lines of each text add up to, without offsets: (n, classes) int64."""
        sums = np.empty((lines.rows, self.weight.shape[1]), dtype=np.int64)
        for column in range(sums.shape[1]):
            each = np.repeat(self.weight[:, column], lines.frequency)
            sums[:, column] = np.bincount(lines.texts, weights=each, minlength=lines.rows).astype(np.int64)
        return np.concatenate([-sums, sums], axis=1) if classes == 2 else sums

    def offsets(self, classes: int) -> np.ndarray:
        """Offset of each class, (classes,) int64."""
        return np.concatenate([-self.offset, self.offset]) if classes == 2 else self.offset

    def read_outs(self, lines: Occurrences, labels: np.ndarray, classes: int, steps: Sequence[int]) -> list[Point]:
        """The point with the best levels for each number of steps; two classes take one step whatever it is.

        Parameters
        ----------
        lines
            Which lines spike in the validation texts.
        labels
            Their classes.
        classes
            Number of classes.
        steps
            Numbers of steps to try.
        """
        if classes == 2:
            return [self._with(0.0, mirrored_rise(int(self.offset[0])), classes)]
        loss = RiseLoss(self.sums(lines, classes), self.offset, labels)
        return [self._with(lost, rise, classes) for count in steps for lost, rise in loss.best(count)]

    def _with(self, loss: float, rise: Rise, classes: int) -> Point:
        made = replace(self, loss=loss, rise=rise)
        return replace(made, bill=SYNOP_NJ * made.all_synops + UPDATE_NJ * classes * rise.steps)


def smoothed(cuts: Sequence[Sequence[Point]]) -> list[list[Point]]:
    """Average accuracy and loss with those of neighbouring cuts: they have more noise than neighbours differ.

    Parameters
    ----------
    cuts
        The read-outs of each cut, in the order of the cuts. Those of as many steps, with offsets of the same kind, are
        averaged; where a neighbour has none, the point itself counts in its place.
    """
    found = [{(one.steps, one.rise and one.rise.offsets): one for one in ones} for ones in cuts]
    reach, total = len(_NEIGHBOURS) // 2, sum(_NEIGHBOURS)
    means: list[list[Point]] = []
    for number, ones in enumerate(found):
        near = [found[at] if 0 <= at < len(found) else {} for at in range(number - reach, number + reach + 1)]
        means.append([])
        for key, one in ones.items():
            others = [each.get(key, one) for each in near]
            accuracy = sum(by * other.accuracy for by, other in zip(_NEIGHBOURS, others, strict=True)) / total
            loss = sum(by * other.loss for by, other in zip(_NEIGHBOURS, others, strict=True)) / total
            means[-1].append(replace(one, accuracy=accuracy, loss=loss))
    return means


def worthiest(points: Sequence[Point], doubling: float) -> Point:
    """The point of highest accuracy, less what doublings of its synops and of its steps must bring.

    Steps, each of which updates all neurons, also take time, so they count besides the synops.

    Parameters
    ----------
    points
        Cuts with read-outs.
    doubling
        Accuracy that a doubling of the synops must bring; of the steps, 0.4 points.
    """

    def worth(one: Point) -> float:
        synops = math.log2(max(one.all_synops, _FEWEST))
        return one.accuracy - one.loss - doubling * synops - _DOUBLED_STEPS * math.log2(one.steps)

    return max(points, key=worth)


def _integers(model: Linear) -> tuple[np.ndarray, np.ndarray]:
    """Even weights (entries, columns) and offsets by one scale, the largest weight 254."""
    scale = limits.WEIGHT_MAX / max(1e-9, float(np.abs(model.weight).max(initial=0.0)))
    weight = 2 * np.rint(model.dense() * (scale / 2)).astype(np.int64)
    return weight, 2 * np.rint(model.offset * (scale / 2)).astype(np.int64)
