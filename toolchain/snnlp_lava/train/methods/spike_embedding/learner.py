"""Train a spike embedding: codes within a budget, weights through a SLAYER block, the ramp that reads it out.

The output neurons forget no voltage and keep no current, so that after a text each one's membrane potential is the
sum of the weights of all spikes that came: the logit of its class. The ramp then raises all potentials step by step
until the highest crosses the threshold, so that the class that spikes first is the one with the highest logit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.train.methods.spike_embedding.codebook import Codebook, fit_codebook
from snnlp_lava.train.methods.spike_embedding.word_scores import WordScores
from snnlp_lava.train.slayer import SpikingClassifier, import_slayer

if TYPE_CHECKING:
    from snnlp_lava.train.methods.spike_embedding.method import SpikeEmbedding

logger = logging.getLogger(__name__)

_CANDIDATES = 512  # levels to choose from


_LEAST_GAIN = 1e-3  # share of the texts that a level must serve


def ramp_levels(logits: np.ndarray, at_most: int | None = None) -> np.ndarray:
    """Choose levels, falling, of which one lies between the two highest logits of nearly every text.

    Chosen greedily: each next level is the one that separates them in most of the texts that have none yet, until
    another would serve less than a thousandth of the texts. One level at least is below the highest logit of a text
    without known words.

    Parameters
    ----------
    logits
        (n, classes) even integers; the last row is that of a text without known words.
    at_most
        The most levels to choose, 1 or more.

    Returns
    -------
    np.ndarray
        (levels,) even integers.
    """
    low, high = np.sort(logits, axis=1)[:, -2:].T
    # A logit e is above a level t where e > t, so t lies between the two where low <= t < high.
    candidates = np.unique(np.quantile(low, np.linspace(0, 1, _CANDIDATES), method="nearest"))
    between = (low[:, None] <= candidates) & (candidates < high[:, None])
    chosen: list[int] = []
    while at_most is None or len(chosen) < at_most:
        serves = between.sum(axis=0)
        best = int(serves.argmax())
        if serves[best] < _LEAST_GAIN * len(logits):
            break
        chosen.append(best)
        between = between[~between[:, best]]
    levels = np.sort(candidates[chosen])[::-1]
    if not len(levels) or levels[-1] >= high[-1]:
        levels = np.append(levels[: at_most and at_most - 1], high[-1] - 2)
    return levels


def ramp_weights(levels: np.ndarray, offset: np.ndarray, threshold: int) -> np.ndarray:
    """Compute the weights of the ramp's lines.

    Parameters
    ----------
    levels
        From `ramp_levels`.
    offset
        (classes,) even integers, 0 at most: logits of a text without known words; the first line brings them.
    threshold
        Of the output neurons, which spike above it.

    Returns
    -------
    np.ndarray
        (steps, classes) even integers: the lift of each step, and in the first step the offset besides, as far down
        as a weight goes.
    """
    lifts: list[int] = []
    for level in levels:
        missing = max(0, threshold - int(level) - sum(lifts))
        whole, rest = divmod(missing, limits.WEIGHT_MAX)
        lifts += [limits.WEIGHT_MAX] * whole + [rest] * (rest > 0)
    weights = np.repeat(np.array(lifts, dtype=np.int64)[:, None], len(offset), axis=1)
    weights[0] += offset
    return np.maximum(weights, limits.WEIGHT_MIN)


slayer = import_slayer()


_PENALTIES = np.geomspace(3e-3, 300, 51)
"""Penalties of a spike to try, in squared logits; at lower ones codes grow longer and no better."""


_NEGLIGIBLE = 0.1
"""Weights below this part of their line's largest become 0."""


_MAX_WEIGHT_SHARE = 0.8
"""Largest weight at the start, as a part of the largest there is; training may raise it."""


_QUANTILE_BELOW_THRESHOLD = 0.999
"""Part of the training texts whose potentials stay below the threshold until the ramp."""


class IntegratorClassifier(nn.Module):
    """A SLAYER block without ramp: logits are its neurons' membrane potentials after the text.

    Parameters
    ----------
    weight
        (lines, classes) in logits; where it is 0 it stays 0.
    offset
        (classes,) logits of a text without spikes.
    unit
        The chip's integers of one logit.
    method
        Neuron parameters and dropout.
    """

    rate_per_logit: float | None = None

    def __init__(self, weight: np.ndarray, offset: np.ndarray, unit: float, method: SpikeEmbedding) -> None:
        super().__init__()
        lines, classes = weight.shape
        self.block = slayer.block.cuba.Dense(method.slayer_neuron(), lines, classes, delay_shift=False)
        self.scale = unit / (1 << limits.STATE_SHIFT)  # SLAYER's units of one logit
        start = torch.from_numpy(weight.T.astype(np.float32))[:, :, None, None, None]
        self.block.synapse.weight.data.copy_(start * self.scale)
        self.offset = nn.Parameter(torch.from_numpy(offset.astype(np.float32)))
        self.register_buffer("kept", (start != 0).float())
        self.dropout = method.dropout
        self.spikes_counted = 0

    def logits(self, inputs: np.ndarray) -> torch.Tensor:
        """Spikes of each line, (n, lines) float32, to logits (n, classes); training loses some of the spikes."""
        counts = torch.from_numpy(inputs)
        if self.training:  # lest single words that training knows too well decide
            counts = torch.binomial(counts, torch.full_like(counts, 1 - self.dropout))
            self.spikes_counted += int(counts.sum())
            counts = counts / (1 - self.dropout)
        counts = counts.to(self.offset.device)
        weight = self.block.synapse.pre_hook_fx(self.block.synapse.weight * self.kept).flatten(1)
        return functional.linear(counts, weight) / self.scale + self.offset

    def evaluate(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (n, classes), which also rank the classes."""
        logits = self.logits(inputs).cpu().numpy()
        return logits, logits

    def integers(self) -> tuple[np.ndarray, np.ndarray]:
        """The chip's weights (lines, classes) and offsets (classes,), all even, the largest offset 0."""
        weight = self.block.synapse.pre_hook_fx(self.block.synapse.weight * self.kept, descale=True).flatten(1)
        offset = self.offset.detach().cpu().numpy().astype(np.float64) * self.scale * (1 << limits.STATE_SHIFT)
        even = 2 * np.rint((offset - offset.max()) / 2).astype(np.int64)
        return weight.detach().cpu().numpy().astype(np.int64).T, even


@dataclass(frozen=True)
class Draft:
    """A spike embedding before its weights are trained.

    Attributes
    ----------
    encoder
        Words, pairs and codes; its ramp is empty as yet.
    module
        Weights, to be trained on `line_counts`.
    counts
        The training texts' `line_counts`.
    """

    encoder: SpikeEmbeddingEncoder
    module: IntegratorClassifier
    counts: np.ndarray

    def line_counts(self, texts: Sequence[str]) -> np.ndarray:
        """Spikes of each line, (n, lines) float32."""
        return self.encoder.line_counts(texts).astype(np.float32)


def draft_spike_embedding(scores: WordScores, method: SpikeEmbedding) -> Draft:
    """Choose codes and weights that keep the scores of words and pairs within the synop budget.

    Parameters
    ----------
    scores
        Of words and pairs, fitted on the training texts.
    method
        Lines, synop budget and seed.

    Raises
    ------
    InputError
        If no word tells classes apart, or the budget is too small for any network.
    """
    vectors = scores.weight - scores.weight.mean(axis=1, keepdims=True)
    found = _cheapest_fit(scores, vectors, method)
    module = IntegratorClassifier(found.book.weight, scores.offset, found.unit, method)
    return Draft(found.encoder, module, found.counts)


def finish_spike_embedding(draft: Draft, method: SpikeEmbedding) -> tuple[SpikeEmbeddingEncoder, SpikingClassifier]:
    """Put the ramp behind the trained weights; its levels follow from the logits of the training texts.

    Parameters
    ----------
    draft
        With its module trained.
    method
        Synop budget, threshold and window.

    Raises
    ------
    InputError
        If the window is too short.
    """
    weight, offset = draft.module.integers()
    counts = _with_empty(draft.counts)
    fan_out = (weight != 0).sum(axis=1)
    ramp = _ramp_within(counts @ weight + offset, offset, counts[:-1].mean(axis=0) @ fan_out, method)
    assert ramp is not None  # the draft had one
    if clipped := int((offset + ramp[0].max() < limits.WEIGHT_MIN).sum()):
        logger.warning(
            "%d of %d classes start at %d, the least that a weight can be, not at %d or above: they win too often",
            clipped,
            len(offset),
            limits.WEIGHT_MIN,
            int(offset.min() + ramp[0].max()),
        )
    old = draft.encoder
    encoder = SpikeEmbeddingEncoder(old.entries, old.codes, old.code_lines, len(ramp))
    if method.window <= encoder.ramp:
        raise InputError(f"window must be more than the {encoder.ramp} steps of the ramp, got {method.window}")
    module = SpikingClassifier((encoder.lines, weight.shape[1]), encoder, method.window, neuron=method.slayer_neuron())
    whole = torch.from_numpy(np.concatenate([weight, ramp]).T.astype(np.float32))
    module.blocks[0].synapse.weight.data.copy_(whole[:, :, None, None, None] / (1 << limits.STATE_SHIFT))
    return encoder, module


class _Fit(NamedTuple):
    book: Codebook
    encoder: SpikeEmbeddingEncoder
    unit: float
    counts: np.ndarray


def _cheapest_fit(scores: WordScores, vectors: np.ndarray, method: SpikeEmbedding) -> _Fit:
    """The fit with the lowest penalty of a spike that stays within the budget, by bisection."""
    penalties = _PENALTIES
    longest = float((vectors.astype(np.float64) ** 2).sum(axis=1).max())
    texts, classes = scores.occurrence.shape[0], vectors.shape[1]
    if longest == 0:
        raise InputError(f"{texts} training texts: no word of theirs tells {classes} classes apart; give more texts")
    if longest <= penalties[0]:  # at which every code would be empty
        penalties = np.geomspace(1e-3, 0.99, len(penalties)) * longest
        logger.warning("%d training texts: their words say little about %d classes", texts, classes)
    low, high = 0, len(penalties)
    best: _Fit | None = None
    at = 0  # mostly there is budget to spare
    while low < high:
        found = _fit(scores, vectors, float(penalties[at]), method)
        if found is None:
            low = at + 1
        else:
            best, high = found, at
        at = (low + high) // 2
    if best is None:
        raise InputError(
            f"synop budget {method.synop_budget}: no network decides between {classes} classes with so few"
        )
    return best


def _fit(scores: WordScores, vectors: np.ndarray, spike_penalty: float, method: SpikeEmbedding) -> _Fit | None:
    book = _codebook(scores, vectors, spike_penalty, method)
    coded = np.flatnonzero(book.codes.any(axis=1))
    if not len(coded):
        return None
    encoder = SpikeEmbeddingEncoder(
        [scores.entries[row] for row in coded], np.packbits(book.codes[coded], axis=1), method.lines, 0
    )
    counts = _with_empty((scores.occurrence[:, coded] @ book.codes[coded].astype(np.float32)).astype(np.int32))
    sums = counts @ book.weight + scores.offset
    threshold = method.threshold_mantissa
    top = float(np.quantile(sums.max(axis=1) - scores.offset.max(), _QUANTILE_BELOW_THRESHOLD))
    unit = min(_MAX_WEIGHT_SHARE * limits.WEIGHT_MAX / float(np.abs(book.weight).max()), threshold / max(top, 1e-6))
    weight = 2 * np.rint(book.weight * unit / 2).astype(np.int64)
    offset = 2 * np.rint((scores.offset - scores.offset.max()) * unit / 2).astype(np.int64)
    text = counts[:-1].mean(axis=0) @ (book.weight != 0).sum(axis=1)
    if _ramp_within(counts @ weight + offset, offset, text, method) is None:
        return None
    return _Fit(book, encoder, unit, counts[:-1])


def _codebook(scores: WordScores, vectors: np.ndarray, spike_penalty: float, method: SpikeEmbedding) -> Codebook:
    """Codes at a penalty of a spike, and their weights without negligible ones."""
    rate = np.asarray(scores.occurrence.mean(axis=0), dtype=np.float64).ravel()
    book = fit_codebook(vectors, rate, method.lines, spike_penalty, method.seed)
    largest = np.abs(book.weight).max(axis=1, keepdims=True)
    return Codebook(book.codes, np.where(np.abs(book.weight) < _NEGLIGIBLE * largest, 0, book.weight))


def _ramp_within(logits: np.ndarray, offset: np.ndarray, text: float, method: SpikeEmbedding) -> np.ndarray | None:
    """Weights of the longest useful ramp whose synops, with `text` synops of the text, stay within the budget."""
    levels = ramp_levels(logits)
    for count in range(len(levels), 0, -1):
        weights = ramp_weights(ramp_levels(logits, count), offset, method.threshold_mantissa)
        if text + np.count_nonzero(weights) <= method.synop_budget:
            return weights
    return None


def _with_empty(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([counts, np.zeros((1, counts.shape[1]), dtype=counts.dtype)])
