"""Design a spike embedding: choose tokens, weigh them, leave out what pays least, choose levels and lines.

Everything is chosen on validation texts, by accuracy and the bill of Loihi 1.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.text.entries import Occurrences, Scheme, count_entries, find_entries, normalise
from snnlp_lava.train.methods.spike_embedding.linear import (
    Linear,
    fit,
    fit_full,
    naive_bayes_penalty,
    tfidf_penalty,
)
from snnlp_lava.train.methods.spike_embedding.rise import STEPS, Rise, RiseLoss, mirrored_rise
from snnlp_lava.train.methods.spike_embedding.sharing import merge, share_lines

logger = logging.getLogger(__name__)

SYNOP_NJ, UPDATE_NJ = 23.6e-3, 81e-3
"""Loihi 1: a synaptic operation, an active neuron's update (energy/prices, Davies et al. 2018)."""

TOKENS = ("words", "pairs", "characters", "all")
"""Words; words and pairs of neighbours; character n-grams; all of these."""

CORE_LINES = 4096

_SWEEPS, _REFIT_SWEEPS = 8, 5
_POWERS = (2.0, 1.0, 0.0)  # of naive Bayes ratios in the penalty; the higher, the better what is left after a cut
_CUT = 0.6  # of the synops that a cut leaves
_FEWEST_SYNOPS = 0.5
_MORE_SILENT = 0.02  # of the texts, which a cut may leave without any spike: easy or few texts do not show it otherwise
_STOP = 3.0  # standard errors below the best, where cutting ends
_HALF = 0.5  # standard errors by which cheaper tokens, or a sum of models, may be worse
_SMALL_NJ = 2.0  # by which bills are lengthened when they are compared: a nanojoule more or less is nothing
_CORE = 0.001  # of accuracy, which it is worth to keep within one core's lines
_UPDATES_A_SYNOP = 0.75  # of a synop budget: they cost 2.6 times as much as the synops
_FEW_STEPS = 3  # that any budget may take
_PRETEST_ROWS = 3000
_MOST_CHARACTERS = 7e6  # of all training texts, above which character n-grams are not tried
_MANY_CHARACTERS = 300  # to cover 99 % of a text: a script whose signs are words or syllables
_SHAPES = {2: 64}
_MORE_SHAPES = 512
_MOST_SHARING_CLASSES = 7


@dataclass(frozen=True)
class Settings:
    """What a person may set; None leaves it to the data.

    Attributes
    ----------
    tokens
        One of `TOKENS`.
    lines
        Input lines at most.
    synop_budget
        Mean synaptic operations of a training text at most.
    window
        Time steps.
    seed
        Of the order of coordinates, and of a subset.
    halving
        Accuracy on validation texts that half the bill is worth.
    """

    tokens: str | None = None
    lines: int | None = None
    synop_budget: float | None = None
    window: int | None = None
    seed: int = 0
    halving: float = 0.004


@dataclass(frozen=True)
class Part:
    """Labelled texts of one part of the data."""

    texts: Sequence[str]
    labels: np.ndarray


@dataclass(frozen=True)
class Point:
    """A cut of the model in the chip's integers, and its best read-out.

    Attributes
    ----------
    entries
        (kept,) which entries of the scheme still have weights.
    line
        (kept,) line of each.
    weight
        (lines, columns) even integers.
    offset
        (columns,) even integers.
    synops, spikes
        A text's mean, without those of the start line.
    silent
        Share of validation texts without any spike.
    accuracy
        Of the largest evidence, on validation texts.
    loss
        What the rise is expected to lose of it.
    rise
        Thresholds, biases and start line; None before they are chosen.
    bill
        In nJ.
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

    @property
    def steps(self) -> int:
        """Time steps."""
        return self.rise.steps if self.rise else 0

    @property
    def all_synops(self) -> float:
        """A text's mean, those of the start line included."""
        return self.synops + (self.rise.start_synops if self.rise else 0)


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
        return self.sums(texts) + _offsets(self.point, self.classes)

    def sums(self, texts: Sequence[str]) -> np.ndarray:
        """What a text's lines add up to for each class, without offsets: (n, classes) int64."""
        found = find_entries(texts, self.scheme, {entry: j for j, entry in enumerate(self.entries)})
        return _sums(merge(found, self.point.line), self.point, self.classes)

    def answers(self, texts: Sequence[str]) -> np.ndarray:
        """Class of each text (n,) int64, what the network's first spike says; -1 where there is none."""
        assert self.point.rise is not None
        return self.point.rise.answers(self.sums(texts))

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Class scores (n, classes): the earlier a class crosses, the higher; 0 where it does not."""
        assert self.point.rise is not None
        return np.maximum(0, self.point.steps + 1 - self.point.rise.crossing(self.sums(texts)))


def _sums(lines: Occurrences, point: Point, classes: int) -> np.ndarray:
    sums = np.empty((lines.rows, point.weight.shape[1]), dtype=np.int64)
    for column in range(sums.shape[1]):
        each = np.repeat(point.weight[:, column], lines.frequency)
        sums[:, column] = np.bincount(lines.texts, weights=each, minlength=lines.rows).astype(np.int64)
    return np.concatenate([-sums, sums], axis=1) if classes == 2 else sums


def _offsets(point: Point, classes: int) -> np.ndarray:
    return np.concatenate([-point.offset, point.offset]) if classes == 2 else point.offset


def _evidence(lines: Occurrences, point: Point, classes: int) -> np.ndarray:
    return _sums(lines, point, classes) + _offsets(point, classes)


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
    candidates = _candidates(train, validation, classes, settings)
    tried = {name: group.accuracy for name, group in candidates.items()}
    if settings.synop_budget is None:
        best = _first_good(list(tried.values()), len(validation.labels))
        candidates = dict([list(candidates.items())[best]])
    found = [_designed(group, train, validation, classes, settings) for group in candidates.values()]
    made = replace(max(found, key=lambda one: one.point.accuracy - one.point.loss), tried=tried)
    usual = float(np.bincount(train.labels).max() / len(train.labels))
    if made.validation <= usual + _standard_error(usual, len(validation.labels)):
        logger.warning(
            "%d training texts: their words say little about %d classes; validation accuracy is %.1f %%, "
            "and %.1f %% of the texts are of one class",
            *(len(train.labels), classes, 100 * made.validation, 100 * usual),
        )
    return made


@dataclass(frozen=True)
class _Term:
    """A model, how it is fitted, and the factor with which it is added to others."""

    model: Linear
    penalty: np.ndarray
    norms: np.ndarray | None
    factor: float = 1.0

    def refitted(self, kept: np.ndarray, occurrences: Occurrences, labels: np.ndarray, seed: int) -> _Term:
        """Without some weights, and fitted again."""
        model = self.model.keep(kept)
        fit(model, occurrences, labels, self.penalty, _REFIT_SWEEPS, seed, self.norms)
        return replace(self, model=model)


@dataclass(frozen=True)
class _Group:
    scheme: Scheme
    occurrences: Occurrences
    known: Occurrences  # in the validation texts
    fits: tuple[Linear, ...]  # a model of each penalty, as `_penalties` orders them
    terms: tuple[_Term, ...]  # those that are added up
    accuracy: float
    power: float  # of the best naive Bayes penalty


def _candidates(train: Part, validation: Part, classes: int, settings: Settings) -> dict[str, _Group]:
    wanted = settings.tokens
    characters = Scheme(characters=character_range(train.texts))
    words = Scheme(words=True, pairs=wanted != "words")
    name = "words" if wanted == "words" else "pairs"
    if wanted in ("words", "pairs"):
        return {name: _fitted(words, train, validation, classes, settings.seed)}
    if wanted == "characters":
        return {wanted: _fitted(characters, train, validation, classes, settings.seed)}
    first = _fitted(words, train, validation, classes, settings.seed)
    if wanted is None and not _characters_pay(words, characters, train, validation, classes, settings.seed):
        return {name: first}
    second = _fitted(characters, train, validation, classes, settings.seed)
    both = _joined(first, second, train, validation, classes)
    return {"all": both} if wanted == "all" else {name: first, "characters": second, "all": both}


def character_range(texts: Sequence[str]) -> tuple[int, int]:
    """Lengths of character n-grams: 1 to 2 where many different signs are in use (Chinese, Japanese), else 2 to 4."""
    counts = np.sort(list(Counter("".join(normalise(text) for text in texts[:20_000])).values()))[::-1]
    needed = int(np.searchsorted(np.cumsum(counts), 0.99 * counts.sum())) + 1 if len(counts) else 0
    return (1, 2) if needed > _MANY_CHARACTERS else (2, 4)


def _characters_pay(words: Scheme, characters: Scheme, train: Part, validation: Part, classes: int, seed: int) -> bool:
    """Whether character n-grams are worth a full trial: on some of the texts they are about as good as words."""
    if sum(map(len, train.texts)) > _MOST_CHARACTERS:
        return False
    if len(train.texts) <= 1.5 * _PRETEST_ROWS:
        return True
    rows = np.sort(np.random.default_rng(seed).permutation(len(train.texts))[:_PRETEST_ROWS])
    few = Part([train.texts[row] for row in rows], train.labels[rows])
    accuracies = []
    for scheme in (words, characters):
        occurrences, known = _occurrences(scheme, few, validation)
        penalty = naive_bayes_penalty(occurrences, few.labels, classes, 1)
        model = fit_full(occurrences, few.labels, penalty, classes, _REFIT_SWEEPS, seed)
        accuracies.append(_accuracy(model.scores(known), validation.labels))
    return accuracies[1] >= accuracies[0] - _standard_error(accuracies[0], len(validation.labels))


def _occurrences(scheme: Scheme, train: Part, validation: Part) -> tuple[Occurrences, Occurrences]:
    occurrences = count_entries(train.texts, scheme)
    if not occurrences.entries:
        raise InputError(f"{len(train.texts)} training texts hold no {scheme} to learn from; give more texts")
    index = {entry: j for j, entry in enumerate(occurrences.entries)}
    return occurrences, find_entries(validation.texts, scheme, index)


def _fitted(scheme: Scheme, train: Part, validation: Part, classes: int, seed: int) -> _Group:
    """The best sum of models on validation texts."""
    occurrences, known = _occurrences(scheme, train, validation)
    fits = [
        fit_full(occurrences, train.labels, penalty, classes, _SWEEPS, seed, norms)
        for penalty, norms in _penalties(occurrences, train.labels, classes)
    ]
    return _group(scheme, occurrences, known, fits, train.labels, validation.labels, classes)


def _penalties(
    occurrences: Occurrences, labels: np.ndarray, classes: int
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Penalty and norms of each kind of model: naive Bayes by falling power, then TF-IDF."""
    bayes = [(naive_bayes_penalty(occurrences, labels, classes, power), None) for power in _POWERS]
    return [*bayes, tfidf_penalty(occurrences, 1 if classes == 2 else classes)]


def _group(
    scheme: Scheme,
    occurrences: Occurrences,
    known: Occurrences,
    fits: Sequence[Linear],
    train_labels: np.ndarray,
    labels: np.ndarray,
    classes: int,
) -> _Group:
    """The sum of the best naive Bayes model and the TF-IDF one; or one of them, if clearly better by itself."""
    scores = [model.scores(known) for model in fits]
    accuracies = [_accuracy(each, labels) for each in scores]
    bayes = _first_good(accuracies[:-1], len(labels))
    terms = [
        _Term(model, *ways, 1 / _median_margin(each))
        for model, ways, each in zip(fits, _penalties(occurrences, train_labels, classes), scores, strict=True)
    ]
    sums = [(terms[bayes], terms[-1]), (terms[bayes],), (terms[-1],)]
    reached = [_accuracy(_sum(some).scores(known), labels) for some in sums]
    chosen = _first_good(reached, len(labels))
    return _Group(scheme, occurrences, known, tuple(fits), sums[chosen], reached[chosen], _POWERS[bayes])


def _sum(terms: Sequence[_Term]) -> Linear:
    total = terms[0].model.times(terms[0].factor)
    for term in terms[1:]:
        total = total.plus(term.model.times(term.factor))
    return total


def _joined(first: _Group, second: _Group, train: Part, validation: Part, classes: int) -> _Group:
    """Words and character n-grams in one: of each kind of model the mean of both."""
    scheme = Scheme(first.scheme.words, first.scheme.pairs, second.scheme.characters)
    occurrences = _side_by_side(first.occurrences, second.occurrences)
    known = _side_by_side(first.known, second.known)
    fits = []
    for one, two in zip(first.fits, second.fits, strict=True):
        model = Linear.full(len(occurrences.entries), (one.offset + two.offset) / 2)
        model.weight = np.concatenate([one.weight, two.weight]) / 2
        fits.append(model)
    return _group(scheme, occurrences, known, fits, train.labels, validation.labels, classes)


def _side_by_side(first: Occurrences, second: Occurrences) -> Occurrences:
    return Occurrences(
        first.entries + second.entries,
        np.concatenate([first.texts, second.texts]),
        np.concatenate([first.starts, first.starts[-1] + second.starts[1:]]),
        first.rows,
    )


def _median_margin(scores: np.ndarray) -> float:
    if scores.shape[1] == 1:
        margins = 2 * np.abs(scores[:, 0])
    else:
        top = np.partition(scores, -2, axis=1)[:, -2:]
        margins = top[:, 1] - top[:, 0]
    return max(1e-6, float(np.median(margins)))


def _accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    answers = (scores[:, 0] > 0).astype(np.int64) if scores.shape[1] == 1 else scores.argmax(axis=1)
    return float((answers == labels).mean())


def _standard_error(accuracy: float, texts: int) -> float:
    return math.sqrt(max(accuracy * (1 - accuracy), 1 / texts) / texts)


def _first_good(accuracies: Sequence[float], texts: int) -> int:
    """The first within half a standard error of the best."""
    best = max(accuracies)
    least = best - _HALF * _standard_error(best, texts)
    return next(number for number, accuracy in enumerate(accuracies) if accuracy >= least)


def _designed(group: _Group, train: Part, validation: Part, classes: int, settings: Settings) -> Design:
    budget = math.inf if settings.synop_budget is None else settings.synop_budget
    points: list[Point] = []
    for model in _cuts(group, train, classes, settings):
        points.append(_point(model, group.occurrences, group.known, validation.labels, classes))
        best = max(point.accuracy for point in points if point.synops <= budget or point is points[-1])
        if points[-1].synops <= budget and points[-1].accuracy < best - _STOP * _standard_error(
            best, len(validation.labels)
        ):
            break
    steps = [settings.window] if settings.window else _steps(settings.synop_budget, classes)
    smooth = _smoothed([point.accuracy for point in points])
    read = [
        _read_outs(replace(point, accuracy=accuracy), group.known, validation.labels, classes, steps)
        for point, accuracy in zip(points, smooth, strict=True)
    ]
    allowed = [one for ones in read for one in ones if one.all_synops <= budget]
    if not allowed:
        raise InputError(
            f"synop budget {settings.synop_budget:g}: no network decides between {classes} classes with so few; "
            f"the smallest takes {min(one.all_synops for ones in read for one in ones):.1f}"
        )
    allowed = [one for one in allowed if one.silent <= points[0].silent + _MORE_SILENT] or allowed
    picked = _worthiest(allowed, settings.halving)
    chosen = _within_lines(picked, group, train, validation, classes, settings)
    frontier = tuple(_worthiest(ones, settings.halving) for ones in read)
    entries = tuple(group.occurrences.entries[j] for j in chosen.entries)
    cut = next(number for number, ones in enumerate(read) if any(one is picked for one in ones))
    made = Design(group.scheme, entries, chosen, classes, _silent(group, entries), frontier=frontier, chosen=cut)
    return replace(made, validation=float((made.answers(validation.texts) == validation.labels).mean()))


def _steps(budget: float | None, classes: int) -> list[int]:
    """Numbers of steps to try; who bounds the synops gets no rise whose neuron updates cost several times as much."""
    most = math.inf if budget is None else max(_FEW_STEPS, _UPDATES_A_SYNOP * budget / classes)
    return [count for count in STEPS if count <= most]


def _silent(group: _Group, entries: Sequence[str]) -> tuple[str, ...]:
    """Words without weights; without words the shortest n-grams, which begin with a tab."""
    words, characters = group.scheme.words, group.scheme.characters
    length = 1 + characters[0] if characters and not words else 0
    rest = dict.fromkeys(group.occurrences.entries)
    for entry in entries:
        del rest[entry]
    if length:
        return tuple(entry for entry in rest if len(entry) == length)
    return tuple(entry for entry in rest if " " not in entry and "\t" not in entry)


def _cuts(group: _Group, train: Part, classes: int, settings: Settings) -> Iterator[Linear]:
    """Models of ever fewer weights: the largest that fit in the synops are kept and fitted again."""
    terms = group.terms
    model = _sum(terms)
    yield model
    share = group.occurrences.frequency / group.occurrences.rows * (2 if classes == 2 else 1)
    synops = float(share.sum()) * len(model.offset)
    if settings.synop_budget is not None:  # so that one cut meets the budget, the start line's synops left out
        wanted = settings.synop_budget - (classes if settings.synop_budget >= 2 * classes > 4 else 0)
        synops = wanted / _CUT ** max(1, math.ceil(math.log(wanted / synops, _CUT) - 1e-9))
    for number in range(60):
        synops *= _CUT
        if synops < _FEWEST_SYNOPS:
            return
        order = np.argsort(-np.abs(model.weight), kind="stable")
        kept = np.zeros(len(order), dtype=bool)
        kept[order[: np.searchsorted(np.cumsum(share[model.entry[order]]), synops)]] = True
        if not kept.any():
            return
        seed = settings.seed + number + 1
        terms = tuple(term.refitted(kept, group.occurrences, train.labels, seed) for term in terms)
        model = _sum(terms)
        yield model


def _integers(model: Linear) -> tuple[np.ndarray, np.ndarray]:
    """Even weights (entries, columns) and offsets by one scale, the largest weight 254."""
    scale = limits.WEIGHT_MAX / max(1e-9, float(np.abs(model.weight).max(initial=0.0)))
    weight = 2 * np.rint(model.dense() * (scale / 2)).astype(np.int64)
    return weight, 2 * np.rint(model.offset * (scale / 2)).astype(np.int64)


def _point(model: Linear, occurrences: Occurrences, known: Occurrences, labels: np.ndarray, classes: int) -> Point:
    weight, offset = _integers(model)
    used = np.flatnonzero(weight.any(axis=1))
    share = occurrences.frequency[used] / occurrences.rows
    weight = weight[used]
    synops = float(share @ (weight != 0).sum(axis=1)) * (2 if classes == 2 else 1)
    kept = known.take(used)
    silent = float((np.bincount(kept.texts, minlength=kept.rows) == 0).mean())
    point = Point(used, np.arange(len(used)), weight, offset, synops, float(share.sum()), silent, 0.0)
    evidence = _evidence(kept, point, classes)
    right = (evidence[:, 1] > 0) == labels if classes == 2 else evidence.argmax(axis=1) == labels
    return replace(point, accuracy=float(right.mean()))


def _smoothed(accuracies: Sequence[float]) -> list[float]:
    """Each averaged with its neighbours, which weigh half: a cut's accuracy has more noise than neighbours differ."""
    padded = np.pad(accuracies, 1, mode="edge")
    return ((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4).tolist()


def _with_rise(point: Point, loss: float, rise: Rise, classes: int) -> Point:
    made = replace(point, loss=loss, rise=rise)
    return replace(made, bill=SYNOP_NJ * made.all_synops + UPDATE_NJ * classes * rise.steps)


def _read_outs(point: Point, known: Occurrences, labels: np.ndarray, classes: int, steps: Sequence[int]) -> list[Point]:
    """The point with the best levels for each number of steps; two classes take one step whatever it is."""
    if classes == 2:
        return [_with_rise(point, 0.0, mirrored_rise(int(point.offset[0])), classes)]
    lines = merge(known.take(point.entries), point.line)
    loss = RiseLoss(_sums(lines, point, classes), point.offset, labels)
    return [_with_rise(point, lost, rise, classes) for count in steps for lost, rise in loss.best(count)]


def _worthiest(points: Sequence[Point], halving: float) -> Point:
    """The highest accuracy, less what each doubling of the bill must bring; below `_SMALL_NJ` hardly any is asked."""
    return max(points, key=lambda one: one.accuracy - one.loss - halving * math.log2(_SMALL_NJ + one.bill))


def _within_lines(
    point: Point, group: _Group, train: Part, validation: Part, classes: int, settings: Settings
) -> Point:
    """The point on as many lines as are allowed; without a limit on one core's, if that costs nothing."""
    allowed = (settings.lines or CORE_LINES) - 1  # the start line
    if len(point.entries) <= allowed:
        return point
    shared = _shared(point, group, train, validation, allowed, classes, settings)
    if settings.lines is not None:
        return shared
    return shared if shared.accuracy - shared.loss >= point.accuracy - point.loss - _CORE else point


def _shared(
    point: Point, group: _Group, train: Part, validation: Part, allowed: int, classes: int, settings: Settings
) -> Point:
    """The point on so many lines: a few shapes of weights for few classes, the strongest entries for many."""
    if classes > _MOST_SHARING_CLASSES:
        strength = np.sqrt(group.occurrences.frequency[point.entries]) * np.linalg.norm(point.weight, axis=1)
        strongest = np.sort(np.argsort(-strength, kind="stable")[:allowed])
        point = replace(point, entries=point.entries[strongest], weight=point.weight[strongest])
    occurrences, known = group.occurrences.take(point.entries), group.known.take(point.entries)
    if classes > _MOST_SHARING_CLASSES:
        line = np.arange(len(point.entries))
    else:
        shapes = _SHAPES.get(classes, _MORE_SHAPES)
        line = share_lines(point.weight, occurrences.frequency, allowed, shapes, settings.seed)
    lines, lines_known = merge(occurrences, line), merge(known, line)
    total = np.zeros((len(lines.entries), point.weight.shape[1]))
    np.add.at(total, line, point.weight * occurrences.frequency[:, None])
    mean = total / np.bincount(line, weights=occurrences.frequency)[:, None]
    own = replace(point, line=np.arange(len(point.entries)))
    unit = 2.0 / _median_margin(_evidence(known, own, classes))
    model = Linear.full(len(mean), point.offset * unit)
    model.weight = (mean * unit).astype(np.float32).ravel()
    model = model.keep(np.abs(mean).ravel() >= 1)
    penalty = naive_bayes_penalty(lines, train.labels, classes, group.power)
    fit(model, lines, train.labels, penalty, _REFIT_SWEEPS, settings.seed)
    made = _point(model, lines, lines_known, validation.labels, classes)
    new = np.full(len(lines.entries), -1)
    new[made.entries] = np.arange(len(made.entries))
    kept = new[line] >= 0
    made = replace(made, entries=point.entries[kept], line=new[line][kept])
    return min(
        _read_outs(made, group.known, validation.labels, classes, [point.steps]), key=lambda one: (one.loss, one.bill)
    )
