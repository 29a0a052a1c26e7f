"""Choose what a text is cut into, and fit the linear models that are added up for it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.text.entries import Occurrences, Scheme, count_entries, find_entries, normalise
from snnlp_lava.train.methods.spike_embedding.linear import (
    Linear,
    fit,
    fit_full,
    naive_bayes_penalty,
    tfidf_penalty,
)

TOKENS = ("words", "pairs", "characters", "all")
"""Words; words and pairs of neighbours; character n-grams; all of these."""

_SWEEPS, _REFIT_SWEEPS = 8, 5
_POWERS = (2.0, 1.0, 0.0)  # of naive Bayes ratios in the penalty; the higher, the better what is left after a cut
_HALF = 0.5  # standard errors by which cheaper tokens, or a sum of models, may be worse
_PRETEST_ROWS = 3000
_MOST_CHARACTERS = 7e6  # of all training texts, above which character n-grams are not tried
_MANY_CHARACTERS = 300  # to cover 99 % of a text: a script whose signs are words or syllables


@dataclass(frozen=True)
class Part:
    """Labelled texts of one part of the data."""

    texts: Sequence[str]
    labels: np.ndarray


@dataclass(frozen=True)
class Term:
    """A linear model, how it is fitted, and the factor with which it is added to others."""

    model: Linear
    penalty: np.ndarray
    norms: np.ndarray | None
    factor: float = 1.0

    def refitted(self, kept: np.ndarray, occurrences: Occurrences, labels: np.ndarray, seed: int) -> Term:
        """The model without some weights, fitted again; `kept` is bool, one for each weight."""
        model = self.model.keep(kept)
        fit(model, occurrences, labels, self.penalty, _REFIT_SWEEPS, seed, self.norms)
        return replace(self, model=model)


@dataclass(frozen=True)
class Group:
    """The models of one kind of tokens.

    Attributes
    ----------
    scheme
        What a text is cut into.
    occurrences, known
        Its entries in the training texts, and these entries in the validation texts.
    fits
        A model of each penalty: naive Bayes by falling power, then TF-IDF.
    terms
        Those that are added up.
    accuracy
        Of their sum, on the validation texts.
    """

    scheme: Scheme
    occurrences: Occurrences
    known: Occurrences
    fits: tuple[Linear, ...]
    terms: tuple[Term, ...]
    accuracy: float


def candidates(train: Part, validation: Part, classes: int, wanted: str | None, seed: int) -> dict[str, Group]:
    """Fit each kind of tokens that may be the best; cheaper ones first.

    Parameters
    ----------
    train, validation, classes
        As for `design`.
    wanted
        One of `TOKENS`, which is then the only one; None to try several.
    seed
        Of the order of coordinates, and of a subset.
    """
    words = Scheme(words=True, pairs=wanted != "words")
    characters = Scheme(characters=character_range(train.texts))
    if wanted in ("words", "pairs", "characters"):
        return {wanted: _fitted(characters if wanted == "characters" else words, train, validation, classes, seed)}
    first = _fitted(words, train, validation, classes, seed)
    if wanted is None and not _characters_pay(words, characters, train, validation, classes, seed):
        return {"pairs": first}
    second = _fitted(characters, train, validation, classes, seed)
    both = _joined(first, second, train, validation, classes)
    return {"all": both} if wanted == "all" else {"pairs": first, "characters": second, "all": both}


def character_range(texts: Sequence[str]) -> tuple[int, int]:
    """Lengths of character n-grams: 1 to 2 where many different signs are in use (Chinese, Japanese), else 2 to 4."""
    counts = np.sort(list(Counter("".join(normalise(text) for text in texts[:20_000])).values()))[::-1]
    needed = int(np.searchsorted(np.cumsum(counts), 0.99 * counts.sum())) + 1 if len(counts) else 0
    return (1, 2) if needed > _MANY_CHARACTERS else (2, 4)


def total(terms: Sequence[Term]) -> Linear:
    """The sum of linear models, which is a linear model."""
    summed = terms[0].model.times(terms[0].factor)
    for term in terms[1:]:
        summed = summed.plus(term.model.times(term.factor))
    return summed


def first_good(accuracies: Sequence[float], texts: int) -> int:
    """The first within half a standard error of the best."""
    best = max(accuracies)
    least = best - _HALF * standard_error(best, texts)
    return next(number for number, accuracy in enumerate(accuracies) if accuracy >= least)


def standard_error(accuracy: float, texts: int) -> float:
    """Of an accuracy measured on so many texts."""
    return math.sqrt(max(accuracy * (1 - accuracy), 1 / texts) / texts)


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
    return accuracies[1] >= accuracies[0] - standard_error(accuracies[0], len(validation.labels))


def _occurrences(scheme: Scheme, train: Part, validation: Part) -> tuple[Occurrences, Occurrences]:
    occurrences = count_entries(train.texts, scheme)
    if not occurrences.entries:
        raise InputError(f"{len(train.texts)} training texts hold no {scheme} to learn from; give more texts")
    index = {entry: j for j, entry in enumerate(occurrences.entries)}
    return occurrences, find_entries(validation.texts, scheme, index)


def _fitted(scheme: Scheme, train: Part, validation: Part, classes: int, seed: int) -> Group:
    occurrences, known = _occurrences(scheme, train, validation)
    fits = [
        fit_full(occurrences, train.labels, penalty, classes, _SWEEPS, seed, norms)
        for penalty, norms in _penalties(occurrences, train.labels, classes)
    ]
    return _group(scheme, occurrences, known, fits, train.labels, validation.labels, classes)


def _penalties(
    occurrences: Occurrences, labels: np.ndarray, classes: int
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Penalty and norms of each kind of model, as `Group.fits` orders them."""
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
) -> Group:
    """The sum of the best naive Bayes model and the TF-IDF one; or one of them, if clearly better by itself."""
    scores = [model.scores(known) for model in fits]
    accuracies = [_accuracy(each, labels) for each in scores]
    bayes = first_good(accuracies[:-1], len(labels))
    terms = [
        Term(model, *ways, 1 / _median_margin(each))
        for model, ways, each in zip(fits, _penalties(occurrences, train_labels, classes), scores, strict=True)
    ]
    sums = [(terms[bayes], terms[-1]), (terms[bayes],), (terms[-1],)]
    reached = [_accuracy(total(some).scores(known), labels) for some in sums]
    chosen = first_good(reached, len(labels))
    return Group(scheme, occurrences, known, tuple(fits), sums[chosen], reached[chosen])


def _joined(first: Group, second: Group, train: Part, validation: Part, classes: int) -> Group:
    """Words and character n-grams in one: of each kind of model the mean of both."""
    scheme = Scheme(first.scheme.words, first.scheme.pairs, second.scheme.characters)
    occurrences = first.occurrences.beside(second.occurrences)
    known = first.known.beside(second.known)
    fits = []
    for one, two in zip(first.fits, second.fits, strict=True):
        model = Linear.full(len(occurrences.entries), (one.offset + two.offset) / 2)
        model.weight = np.concatenate([one.weight, two.weight]) / 2
        fits.append(model)
    return _group(scheme, occurrences, known, fits, train.labels, validation.labels, classes)


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
