"""Design a spike embedding: choose tokens, weigh them, leave out what pays least, choose levels and lines.

Everything is chosen on validation texts, by accuracy and the bill of Loihi 1.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.text.entries import Scheme, find_entries
from snnlp_lava.train.methods.spike_embedding.points import Point, smoothed, worthiest
from snnlp_lava.train.methods.spike_embedding.rise import STEPS
from snnlp_lava.train.methods.spike_embedding.sharing import MOST_CLASSES, mean_weights, share_lines
from snnlp_lava.train.methods.spike_embedding.tokens import (
    Group,
    Part,
    Term,
    candidates,
    first_good,
    standard_error,
    total,
)

logger = logging.getLogger(__name__)

CORE_LINES = 4096

_CUT = 0.6  # of the synops that a cut leaves
_MOST_CUTS = 60
_FEWEST_SYNOPS = 0.5
_MORE_SILENT = 0.02  # of the texts, which a cut may leave without any spike: easy or few texts do not show it otherwise
_STOP = 3.0  # standard errors below the best, where cutting ends
_HALF = 0.5  # standard errors that it may seem to cost to keep within one core's lines
_LEAST_TEXTS = 40  # validation texts by which to choose a cut and a number of steps
_USUAL_STEPS = 12
_UPDATES_A_SYNOP = 0.75  # of a synop budget: they cost 2.6 times as much as the synops
_FEW_STEPS = 3  # that any budget may take


@dataclass(frozen=True)
class Settings:
    """What a person may set; None leaves it to the data.

    Attributes
    ----------
    tokens
        One of `snnlp_lava.train.methods.spike_embedding.tokens.TOKENS`.
    lines
        Input lines at most.
    synop_budget
        Mean synaptic operations of a training text at most.
    window
        Time steps.
    seed
        Of the order of coordinates, and of a subset.
    doubling
        Accuracy on validation texts that a doubling of the synops must bring.
    """

    tokens: str | None = None
    lines: int | None = None
    synop_budget: float | None = None
    window: int | None = None
    seed: int = 0
    doubling: float = 0.0025


@dataclass(frozen=True)
class Design:
    """A spike embedding.

    Attributes
    ----------
    scheme
        What a text is cut into.
    entries
        Those with weights.
    silent
        Words (of characters alone: the shortest n-grams) without weights, by which a text is known all the same.
    point
        Weights and levels; its `entries` are as these, in order.
    classes
        Number of classes.
    tried
        Validation accuracy of each kind of tokens, before anything was left out.
    frontier
        All cuts, each with its best read-out.
    chosen
        Which of the cuts it is, before entries share lines.
    validation
        Accuracy of the finished network's answers on validation texts.
    """

    scheme: Scheme
    entries: tuple[str, ...]
    point: Point
    classes: int
    silent: tuple[str, ...] = ()
    tried: dict[str, float] = field(default_factory=dict)
    frontier: tuple[Point, ...] = ()
    chosen: int = 0
    validation: float = 0.0

    def evidence(self, texts: Sequence[str]) -> np.ndarray:
        """Evidence of each class, offsets included: (n, classes) int64."""
        return self.sums(texts) + self.point.offsets(self.classes)

    def sums(self, texts: Sequence[str]) -> np.ndarray:
        """What a text's lines add up to for each class, without offsets: (n, classes) int64."""
        found = find_entries(texts, self.scheme, {entry: j for j, entry in enumerate(self.entries)})
        return self.point.sums(found.merged(self.point.line), self.classes)

    def answers(self, texts: Sequence[str]) -> np.ndarray:
        """Class of each text (n,) int64, what the network's first spike says; -1 where there is none."""
        assert self.point.rise is not None
        return self.point.rise.answers(self.sums(texts))

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Class scores (n, classes): the earlier a class crosses, the higher; 0 where it does not."""
        assert self.point.rise is not None
        return np.maximum(0, self.point.steps + 1 - self.point.rise.crossing(self.sums(texts)))


def design(train: Part, validation: Part, classes: int, settings: Settings = Settings()) -> Design:
    """Train a spike embedding.

    Parameters
    ----------
    train, validation
        Texts to learn from, and to choose by.
    classes
        Number of classes, 2 or more.
    settings
        What is set by hand.

    Raises
    ------
    InputError
        If the training texts say too little, or no network keeps within what is set.
    """
    if classes == 2 and settings.window not in (None, 1):
        raise InputError(f"window must be 1 for two classes, which one step tells apart, got {settings.window}")
    groups = candidates(train, validation, classes, settings.tokens, settings.seed)
    tried = {name: group.accuracy for name, group in groups.items()}
    if settings.synop_budget is None and settings.lines is None:
        best = first_good(list(tried.values()), len(validation.labels))
        groups = dict([list(groups.items())[best]])
    found = [_Designer(group, train, validation, classes, settings).design() for group in groups.values()]
    made = replace(max(found, key=lambda one: one.point.accuracy - one.point.loss), tried=tried)
    usual = float(np.bincount(train.labels).max() / len(train.labels))
    if made.validation <= usual + standard_error(usual, len(validation.labels)):
        logger.warning(
            "%d training texts: their words say little about %d classes; validation accuracy is %.1f %%, "
            "and %.1f %% of the texts are of one class",
            *(len(train.labels), classes, 100 * made.validation, 100 * usual),
        )
    return made


@dataclass(frozen=True)
class _Designer:
    """Cuts the models of one kind of tokens, and chooses a cut, its levels and its lines."""

    group: Group
    train: Part
    validation: Part
    classes: int
    settings: Settings

    def design(self) -> Design:
        cuts: list[tuple[tuple[Term, ...], Point]] = []
        read: list[list[Point]] = []
        allowed: list[Point] = []
        left = self._cuts()
        while not allowed:  # start lines may take what the cuts left of the budget
            before = len(cuts)
            for terms in left:
                cuts.append((terms, self._point(terms)))
                if self._enough([point for _, point in cuts]):
                    break
            if len(cuts) == before:
                raise InputError(
                    f"synop budget {self.settings.synop_budget:g}: no network decides between {self.classes} classes "
                    f"with so few; the smallest takes {min(one.all_synops for ones in read for one in ones):.1f}"
                )
            read = smoothed([self._read_outs(point, self._steps()) for _, point in cuts])
            allowed = [one for ones in read for one in ones if one.all_synops <= self._budget]
        allowed = [one for one in allowed if one.silent <= cuts[0][1].silent + _MORE_SILENT] or allowed
        picked = worthiest(allowed, self.settings.doubling)
        cut = next(number for number, ones in enumerate(read) if any(one is picked for one in ones))
        point = self._within_lines(picked, cuts[cut][0])
        entries = tuple(self.group.occurrences.entries[j] for j in point.entries)
        frontier = tuple(worthiest(ones, self.settings.doubling) for ones in read)
        made = Design(self.group.scheme, entries, point, self.classes, _silent(self.group, entries))
        right = made.answers(self.validation.texts) == self.validation.labels
        return replace(made, frontier=frontier, chosen=cut, validation=float(right.mean()))

    @property
    def _budget(self) -> float:
        return math.inf if self.settings.synop_budget is None else self.settings.synop_budget

    def _steps(self) -> list[int]:
        """Numbers of steps to try; neuron updates must not cost several times as much as a budget of synops."""
        if self.settings.window:
            return [self.settings.window]
        most = max(_FEW_STEPS, _UPDATES_A_SYNOP * self._budget / self.classes)
        allowed = [count for count in STEPS if count <= most]
        return allowed if len(self.validation.labels) >= _LEAST_TEXTS else [min(_USUAL_STEPS, allowed[-1])]

    def _point(self, terms: Sequence[Term]) -> Point:
        return Point.of(total(terms), self.group.occurrences, self.group.known, self.validation.labels, self.classes)

    def _read_outs(self, point: Point, steps: Sequence[int]) -> list[Point]:
        texts, labels = self.group.known, self.validation.labels
        if len(labels) < _LEAST_TEXTS:  # too few to choose levels by, so training texts of which half is not known
            kept = np.random.default_rng(self.settings.seed).random(len(self.group.occurrences.texts)) < 0.5
            texts, labels = self.group.occurrences.thinned(kept), self.train.labels
        lines = texts.take(point.entries).merged(point.line)
        return point.read_outs(lines, labels, self.classes, steps)

    def _enough(self, points: Sequence[Point]) -> bool:
        """Whether the last point is within the budget, and too much worse than the best that is, or can't be told."""
        if points[-1].synops > self._budget:
            return False
        if len(self.validation.labels) < _LEAST_TEXTS and self.classes > 2:
            return True
        best = max(point.accuracy for point in points if point.synops <= self._budget)
        return points[-1].accuracy < best - _STOP * standard_error(best, len(self.validation.labels))

    def _cuts(self) -> Iterator[tuple[Term, ...]]:
        """Models of ever fewer weights: the largest that fit in the synops are kept and fitted again."""
        terms, occurrences, budget = self.group.terms, self.group.occurrences, self.settings.synop_budget
        yield terms
        share = occurrences.frequency / occurrences.rows * (2 if self.classes == 2 else 1)
        model = total(terms)
        synops = float(share.sum()) * len(model.offset)
        if budget is not None:  # so that one cut meets the budget, the start line's synops left out
            wanted = budget - (self.classes if budget >= 2 * self.classes > 4 else 0)
            synops = wanted / _CUT ** max(1, math.ceil(math.log(wanted / synops, _CUT) - 1e-9))
        for number in range(1, _MOST_CUTS + 1):
            synops *= _CUT
            order = np.argsort(-np.abs(model.weight), kind="stable")
            kept = np.zeros(len(order), dtype=bool)
            kept[order[: np.searchsorted(np.cumsum(share[model.entry[order]]), synops)]] = True
            if synops < _FEWEST_SYNOPS or not kept.any():
                return
            terms = self._refitted(terms, kept, number)
            model = total(terms)
            yield terms

    def _refitted(self, terms: Sequence[Term], kept: np.ndarray, number: int) -> tuple[Term, ...]:
        seed = self.settings.seed + number
        return tuple(term.refitted(kept, self.group.occurrences, self.train.labels, seed) for term in terms)

    def _within_lines(self, point: Point, terms: Sequence[Term]) -> Point:
        """The point on as many lines as are allowed; without a limit on one core's, if that costs next to nothing."""
        wanted = self.settings.lines
        allowed = (wanted or CORE_LINES) - 1  # the start line
        if len(point.entries) <= allowed:
            return point
        if self.classes <= MOST_CLASSES:
            fewer = self._shared(point, allowed)
        elif wanted is None:
            return point
        else:
            fewer = self._strongest(point, terms, allowed)
        found = self._read_outs(fewer, [point.steps])
        same = [one for one in found if one.rise and point.rise and one.rise.offsets == point.rise.offsets]
        best = min(same or found, key=lambda one: (one.loss, one.bill))
        lost = (point.accuracy - point.loss) - (best.accuracy - best.loss)
        tolerance = _HALF * standard_error(point.accuracy, len(self.validation.labels))
        return best if wanted is not None or lost <= tolerance else point

    def _shared(self, point: Point, allowed: int) -> Point:
        """Entries of nearly equal weights on the same lines."""
        occurrences, known = self.group.occurrences.take(point.entries), self.group.known.take(point.entries)
        line = share_lines(point.weight, occurrences.frequency, allowed, self.settings.seed)
        weight = mean_weights(point.weight, occurrences.frequency, line)
        return Point.counted(
            *(point.entries, line, weight, point.offset, occurrences.merged(line), known.merged(line)),
            *(self.validation.labels, self.classes),
        )

    def _strongest(self, point: Point, terms: Sequence[Term], allowed: int) -> Point:
        """The entries whose weights matter most, fitted again."""
        frequency = self.group.occurrences.frequency[point.entries]
        strength = np.sqrt(frequency) * np.linalg.norm(point.weight, axis=1)
        strongest = point.entries[np.argsort(-strength, kind="stable")[:allowed]]
        kept = np.isin(terms[0].model.entry, strongest)
        return self._point(self._refitted(terms, kept, _MOST_CUTS + 1))


def _silent(group: Group, entries: Sequence[str]) -> tuple[str, ...]:
    """Words without weights; without words the shortest n-grams, which begin with a tab."""
    words, characters = group.scheme.words, group.scheme.characters
    length = 1 + characters[0] if characters and not words else 0
    rest = dict.fromkeys(group.occurrences.entries)
    for entry in entries:
        del rest[entry]
    if length:
        return tuple(entry for entry in rest if len(entry) == length)
    return tuple(entry for entry in rest if " " not in entry and "\t" not in entry)
