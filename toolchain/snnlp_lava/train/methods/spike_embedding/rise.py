"""Read classes by first spikes: neurons rise together by their bias, and the one with most evidence crosses first.

With w_c the sum of the weights of a text's lines (integers, all of which spike at the first step), class c crosses at
the first step k = 1, 2, ... with

    w_c + s_c + k b_c > threshold.

A class's offset o_c (its evidence in a text that says nothing) comes in one of two ways: by start lines that spike in
every text and whose weights add up to s_c, exactly, or only for classes whose offset is further than half a step's rise
from the others'; or, without those lines and their synops, by biases b_c that differ by o_c / k_0, so that it is there
at the step k_0 at which most texts are decided. With one step this is exact. Ties go to the lower class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from snnlp_lava.network import limits

STEPS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)
"""Numbers of steps to choose from."""

_HIGHEST = 8  # classes of a text that are looked at when levels are chosen
_TOPS = np.linspace(0.2, 0.98, 14)  # where the first level lies among the winners' evidence
_BOTTOMS = (0.0, 0.003, 0.01, 0.03, 0.08)  # share of winners below the last level
_SHIFTS = (-0.375, -0.125, 0.125, 0.375)  # of a step's rise, by which evidence is moved: a few texts lie by chance
_SLOPES = np.geomspace(1e-2, 1e2, 61)  # of the chance that the winner is right, over its margin in median margins


@dataclass(frozen=True)
class Rise:
    """What the neurons are given beside the weights of a text's lines.

    Attributes
    ----------
    steps
        Time steps T.
    threshold
        1 or more.
    bias
        (classes,) added at every step; 1 or more where more than one step counts.
    start
        (classes,) even sums of the weights of the start lines; all 0 where there are none.
    offsets
        How the offsets come: by the biases, or by start lines for all classes, or for the most different ones.
    """

    steps: int
    threshold: int
    bias: np.ndarray
    start: np.ndarray
    offsets: Literal["biases", "all", "some"] = "biases"

    @property
    def start_weight(self) -> np.ndarray:
        """(start lines, classes) even weights: as few lines as hold `start`."""
        low, high = -limits.WEIGHT_MAX, limits.WEIGHT_MAX
        lines = -(-int(np.abs(self.start).max()) // limits.WEIGHT_MAX)
        ends = [np.clip(self.start, low * line, high * line) for line in range(lines + 1)]
        return np.diff(ends, axis=0).reshape(lines, len(self.start))

    @property
    def start_synops(self) -> int:
        """Synapses of the start lines, all of which spike once."""
        return int(np.count_nonzero(self.start_weight))

    def crossing(self, sums: np.ndarray) -> np.ndarray:
        """Step, from 1, at which each class (n, classes) crosses; above `steps` where it does not."""
        return _crossing(self.threshold - sums - self.start, self.bias)

    def answers(self, sums: np.ndarray) -> np.ndarray:
        """Class of each text (n,) int64: the first to cross, of several the lowest; -1 where none crosses."""
        crossing = self.crossing(sums)
        return np.where(crossing.min(axis=1) <= self.steps, crossing.argmin(axis=1), -1)


def mirrored_rise(offset: int) -> Rise:
    """Two classes whose weights are opposite: one of them spikes, in one step; class 1 iff its evidence is above 0.

    Parameters
    ----------
    offset
        Of class 1; that of class 0 is its opposite.
    """
    return Rise(1, 1, np.array([2 - offset, 1 + offset]), np.zeros(2, dtype=np.int64))


class RiseLoss:
    """What a rise is expected to lose against the largest evidence, in share of right answers.

    Where a rise answers with another class than the largest evidence, what is lost is the chance that the largest is
    right less the chance that the other is: tanh(slope margin / 2) of the texts whose class is among the two. The slope
    is fitted to the labels once (a logistic curve), so the loss is smooth, and less noisy than to count right answers.

    Parameters
    ----------
    sums
        (n, classes) integers of texts that were not trained on, without offsets.
    offset
        (classes,) even integers.
    labels
        Their classes (n,).
    """

    def __init__(self, sums: np.ndarray, offset: np.ndarray, labels: np.ndarray) -> None:
        evidence = sums + offset
        few = min(_HIGHEST, evidence.shape[1])
        self.offset, self.labels = offset, labels
        self.classes = np.argsort(-evidence, axis=1, kind="stable")[:, :few]
        self.top = np.take_along_axis(evidence, self.classes, axis=1)
        self.accuracy = float((self.classes[:, 0] == labels).mean())
        right, second = self.classes[:, 0] == labels, self.classes[:, 1] == labels
        margin = self.top[:, 0] - self.top[:, 1]
        unit = max(1.0, float(np.median(margin)))
        sign = np.where(right, 1.0, -1.0)[right | second] * margin[right | second] / unit
        likelihood = -np.logaddexp(0, -_SLOPES[:, None] * sign).sum(axis=1)
        self.slope = float(_SLOPES[likelihood.argmax()]) / unit if len(sign) else 0.0
        self.among_two = float((right | second).mean())

    def expected(self, first: np.ndarray, steps: int) -> tuple[float, float]:
        """Expected loss, and loss on the validation texts themselves, of crossings (n, highest classes)."""
        earliest = first.min(axis=1)
        tied = np.where(first == earliest[:, None], self.classes, np.iinfo(np.int64).max)
        at = tied.argmin(axis=1)
        none = earliest > steps
        rows = np.arange(len(at))
        margin = self.top[:, 0] - self.top[rows, at]
        lost = np.where(none, self.accuracy, self.among_two * np.tanh(self.slope * margin / 2))
        right = ~none & (self.classes[rows, at] == self.labels)
        return float(lost.mean()), self.accuracy - float(right.mean())

    def best(self, steps: int) -> list[tuple[float, Rise]]:
        """The levels of least expected loss for a number of steps, with each way to bring the offsets.

        Returns
        -------
        list
            Loss (the mean of expected and seen if that is more than expected), and the rise; without those that the
            chip cannot hold. What is expected is a mean over shifts of all evidence by parts of a step's rise.
        """
        winner = np.sort(self.top[:, 0])
        highs = np.unique(np.quantile(winner, _TOPS, method="nearest"))
        lows = np.unique(np.quantile(winner, _BOTTOMS, method="nearest")) - 1
        found = []
        for low in lows.tolist():
            for high in highs.tolist() if steps > 1 else (low,):
                if high >= low:
                    spacing = max(1, -((low - high) // (steps - 1))) if steps > 1 else 1
                    found.append((self._shifted(high - self.top, spacing, steps), int(high), int(spacing)))
        _, high, spacing = min(found)
        crossing = np.maximum(1, (high - self.top) // spacing + 2).min(axis=1)
        usual = float(np.clip(crossing.mean(), 1, steps))
        rises = [_with_biases(self.offset, high, spacing, steps, usual)]
        if steps > 1:
            rises.append(_with_start(self.offset, high, spacing, steps))
            some = _with_start(_rounded(self.offset, spacing), high, spacing, steps)
            rises.append(some and replace(some, offsets="some"))
        sums = self.top - self.offset[self.classes]
        return [(self._loss(sums, rise), rise) for rise in rises if rise is not None]

    def _shifted(self, missing: np.ndarray, spacing: int, steps: int) -> float:
        """Expected loss, the mean over shifts of all evidence; `missing`: how far classes are below the first level."""
        moved = [missing + round(shift * spacing) for shift in _SHIFTS if steps > 1] or [missing]
        return float(np.mean([self.expected(np.maximum(1, each // spacing + 2), steps)[0] for each in moved]))

    def _loss(self, sums: np.ndarray, rise: Rise) -> float:
        bias = rise.bias[self.classes]
        missing = rise.threshold - sums - rise.start[self.classes]
        moved = [missing + round(shift * float(bias.mean())) for shift in _SHIFTS if rise.steps > 1] or [missing]
        expected = float(np.mean([self.expected(_crossing(each, bias), rise.steps)[0] for each in moved]))
        seen = self.expected(_crossing(missing, bias), rise.steps)[1]
        return max(expected, (expected + seen) / 2)


def _crossing(missing: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """First step k with k bias > missing; a bias of 0 or less gets there at step 1 or never."""
    later = np.where(bias > 0, missing // np.maximum(bias, 1) + 1, np.iinfo(np.int64).max)
    return np.where(bias > missing, 1, later)


def _with_start(offset: np.ndarray, high: int, spacing: int, steps: int) -> Rise | None:
    values, counts = np.unique(offset, return_counts=True)
    common = int(min(values[counts.argmax()], high + spacing - 1))
    common -= common % 2
    # All biases are equal, so a class that spikes again does so as long after its first spike as any other, and is
    # still ahead of those that crossed later.
    bias = np.full(len(offset), spacing)
    return _held(Rise(steps, high + spacing - common, bias, offset - common, "all"))


def _rounded(offset: np.ndarray, spacing: int) -> np.ndarray:
    """Offsets, all equal that are within half a spacing of the value that most are near."""
    near = 2 * np.abs(offset[:, None] - offset) <= spacing
    members = near[near.sum(axis=1).argmax()]
    return np.where(members, 2 * round(float(offset[members].mean()) / 2), offset)


def _with_biases(offset: np.ndarray, high: int, spacing: int, steps: int, usual: float) -> Rise | None:
    common = round(float(offset.mean()))
    bias = spacing + np.rint((offset - common) / usual).astype(np.int64)
    threshold = high + spacing - common
    if steps == 1:  # only the difference counts
        lift = max(0, 1 - threshold)
        bias, threshold = bias + lift, threshold + lift
    elif bias.min() < 1 or (steps - 1) * bias.max() > threshold:
        return None  # a class would never rise, or spike twice and so overtake one that was earlier
    return _held(Rise(steps, threshold, bias, np.zeros(len(offset), dtype=np.int64)))


def _held(rise: Rise) -> Rise | None:
    """The rise, if the chip's registers hold it."""
    fits = rise.bias.min() >= limits.BIAS_MIN and rise.bias.max() <= limits.BIAS_MAX
    return rise if fits and 1 <= rise.threshold <= limits.THRESHOLD_MAX else None
