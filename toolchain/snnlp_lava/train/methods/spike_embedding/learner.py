"""Training of a spike embedding: codes within a budget, weights through a SLAYER block, the race.

The output neurons forget no voltage and keep no current, so that after a text each one's membrane potential is the
sum of the weights of all spikes that came: the evidence for its class, which training takes as logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from snnlp_lava.encode.spike_embedding import SpikeEmbeddingEncoder
from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.train.methods.base import TrainConfig
from snnlp_lava.train.methods.spike_embedding.codebook import Codebook, fit_codebook
from snnlp_lava.train.methods.spike_embedding.word_scores import Evidence
from snnlp_lava.train.slayer import SpikingClassifier, import_slayer, slayer_neuron

_CANDIDATES = 512  # levels to choose from


_LEAST_GAIN = 1e-3  # share of the texts that a level must serve


def race_levels(evidence: np.ndarray, at_most: int | None = None) -> np.ndarray:
    """The levels, falling, that tell winner from runner-up in nearly all texts.

    Chosen greedily: each next level is the one that lies between the two in most of the texts that have none yet, until
    another would serve less than a thousandth of the texts. One level at least is below the winner of a text without
    evidence.

    Parameters
    ----------
    evidence
        (n, classes) even integers; the last row is that of a text without evidence.
    at_most
        The most levels to choose, 1 or more.

    Returns
    -------
    np.ndarray
        (levels,) even integers.
    """
    low, high = np.sort(evidence, axis=1)[:, -2:].T
    # Evidence e is above a level t where e > t, so t lies between the two where low <= t < high.
    candidates = np.unique(np.quantile(low, np.linspace(0, 1, _CANDIDATES), method="nearest"))
    between = (low[:, None] <= candidates) & (candidates < high[:, None])
    chosen: list[int] = []
    while at_most is None or len(chosen) < at_most:
        serves = between.sum(axis=0)
        best = int(serves.argmax())
        if serves[best] < _LEAST_GAIN * len(evidence):
            break
        chosen.append(best)
        between = between[~between[:, best]]
    levels = np.sort(candidates[chosen])[::-1]
    if not len(levels) or levels[-1] >= high[-1]:
        levels = np.append(levels[: at_most and at_most - 1], high[-1] - 2)
    return levels


def race_weights(levels: np.ndarray, offset: np.ndarray, threshold: int) -> np.ndarray:
    """Weights of the race's lines.

    Parameters
    ----------
    levels
        From `race_levels`.
    offset
        (classes,) even integers, 0 at most: what each class has before any evidence; the first line brings it.
    threshold
        Of the output neurons, which spike above it.

    Returns
    -------
    np.ndarray
        (steps, classes) even integers: the lift of each step, and in the first step the offset besides.
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


_PRICES = np.geomspace(3e-3, 300, 51)
"""Prices of a spike to try; at lower ones codes grow longer and no better."""


_NEGLIGIBLE = 0.1
"""Weights below this part of their line's largest become 0."""


_STRONGEST = 0.8
"""Largest weight at the start, as a part of the largest there is; training may raise it."""


_EARLY = 0.999
"""Part of the training texts whose evidence stays below the threshold until the race."""


class IntegratorClassifier(nn.Module):
    """A SLAYER block without race: logits are its neurons' membrane potentials after the text.

    Parameters
    ----------
    weight
        (lines, classes) in logits; where it is 0 it stays 0.
    offset
        (classes,) logits of a text without spikes.
    unit
        The chip's integers of one logit.
    config
        Neuron parameters and dropout.
    """

    steps_per_logit = 1.0

    def __init__(self, weight: np.ndarray, offset: np.ndarray, unit: float, config: TrainConfig) -> None:
        super().__init__()
        lines, classes = weight.shape
        self.block = slayer.block.cuba.Dense(slayer_neuron(config), lines, classes, delay_shift=False)
        self.scale = unit / (1 << limits.STATE_SHIFT)  # SLAYER's units of one logit
        start = torch.from_numpy(weight.T.astype(np.float32))[:, :, None, None, None]
        self.block.synapse.weight.data.copy_(start * self.scale)
        self.offset = nn.Parameter(torch.from_numpy(offset.astype(np.float32)))
        self.register_buffer("kept", (start != 0).float())
        self.dropout = config.dropout
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
        Words, pairs and codes; its race is empty as yet.
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


def draft_spike_embedding(evidence: Evidence, config: TrainConfig) -> Draft:
    """Choose codes and weights that keep the evidence of words and pairs within the synop budget.

    Parameters
    ----------
    evidence
        Of words and pairs, fitted on the training texts.
    config
        Lines, synop budget and seed.

    Raises
    ------
    InputError
        If the training texts say too little for any code, or the budget is too small for any network.
    """
    vectors = evidence.weight - evidence.weight.mean(axis=1, keepdims=True)
    plan = _cheapest_fit(evidence, vectors, config)
    module = IntegratorClassifier(plan.book.weight, evidence.offset, plan.unit, config)
    return Draft(plan.encoder, module, plan.counts)


def finish_spike_embedding(draft: Draft, config: TrainConfig) -> tuple[SpikeEmbeddingEncoder, SpikingClassifier]:
    """Put the race behind the trained weights; its levels follow from the evidence of the training texts.

    Parameters
    ----------
    draft
        With its module trained.
    config
        Synop budget, neuron and window.

    Raises
    ------
    InputError
        If the window is too short.
    """
    weight, offset = draft.module.integers()
    counts = _with_empty(draft.counts)
    fan_out = (weight != 0).sum(axis=1)
    race = _race_within(counts @ weight + offset, offset, counts[:-1].mean(axis=0) @ fan_out, config)
    assert race is not None  # the draft had one
    old = draft.encoder
    encoder = SpikeEmbeddingEncoder(old.entries, old.codes, old.code_lines, len(race))
    if config.window <= encoder.ramp:
        raise InputError(f"--window must be more than the {encoder.ramp} steps of the ramp, got {config.window}")
    module = SpikingClassifier((encoder.lines, weight.shape[1]), config, encoder)
    whole = torch.from_numpy(np.concatenate([weight, race]).T.astype(np.float32))
    module.blocks[0].synapse.weight.data.copy_(whole[:, :, None, None, None] / (1 << limits.STATE_SHIFT))
    return encoder, module


class _Plan(NamedTuple):
    book: Codebook
    encoder: SpikeEmbeddingEncoder
    unit: float
    counts: np.ndarray


def _cheapest_fit(evidence: Evidence, vectors: np.ndarray, config: TrainConfig) -> _Plan:
    """The plan with the lowest price of a spike that stays within the budget, by bisection."""
    low, high = 0, len(_PRICES)
    best: _Plan | None = None
    at = 0  # mostly there is budget to spare
    while low < high:
        found = _plan(evidence, vectors, float(_PRICES[at]), config)
        if found is None:
            low = at + 1
        else:
            best, high = found, at
        at = (low + high) // 2
    if best is None:
        if not _book(evidence, vectors, float(_PRICES[0]), config).codes.any():
            raise InputError(
                f"{evidence.occurs.shape[0]} training texts: their words say too little about "
                f"{vectors.shape[1]} classes for any spike; give more texts"
            )
        raise InputError(
            f"synop budget {config.synop_budget}: no network decides between {vectors.shape[1]} classes with so few"
        )
    return best


def _plan(evidence: Evidence, vectors: np.ndarray, price: float, config: TrainConfig) -> _Plan | None:
    book = _book(evidence, vectors, price, config)
    coded = np.flatnonzero(book.codes.any(axis=1))
    if not len(coded):
        return None
    encoder = SpikeEmbeddingEncoder(
        [evidence.entries[row] for row in coded], np.packbits(book.codes[coded], axis=1), config.lines, 0
    )
    counts = _with_empty((evidence.occurs[:, coded] @ book.codes[coded].astype(np.float32)).astype(np.int32))
    sums = counts @ book.weight + evidence.offset
    threshold = config.neuron.threshold * config.threshold_scale * (1 << limits.STATE_SHIFT)
    top = float(np.quantile(sums.max(axis=1) - evidence.offset.max(), _EARLY))
    unit = min(_STRONGEST * limits.WEIGHT_MAX / float(np.abs(book.weight).max()), threshold / max(top, 1e-6))
    weight = 2 * np.rint(book.weight * unit / 2).astype(np.int64)
    offset = 2 * np.rint((evidence.offset - evidence.offset.max()) * unit / 2).astype(np.int64)
    text = counts[:-1].mean(axis=0) @ (book.weight != 0).sum(axis=1)
    if _race_within(counts @ weight + offset, offset, text, config) is None:
        return None
    return _Plan(book, encoder, unit, counts[:-1])


def _book(evidence: Evidence, vectors: np.ndarray, price: float, config: TrainConfig) -> Codebook:
    """Codes at a price of a spike, and their weights without negligible ones."""
    rate = np.asarray(evidence.occurs.mean(axis=0), dtype=np.float64).ravel()
    book = fit_codebook(vectors, rate, config.lines, price, config.seed)
    strongest = np.abs(book.weight).max(axis=1, keepdims=True)
    return Codebook(book.codes, np.where(np.abs(book.weight) < _NEGLIGIBLE * strongest, 0, book.weight))


def _race_within(evidence: np.ndarray, offset: np.ndarray, text: float, config: TrainConfig) -> np.ndarray | None:
    """Weights of the longest useful race whose synops, with `text` synops of the text, stay within the budget."""
    threshold = round(config.neuron.threshold * config.threshold_scale * (1 << limits.STATE_SHIFT))
    levels = race_levels(evidence)
    for count in range(len(levels), 0, -1):
        weights = race_weights(race_levels(evidence, count), offset, threshold)
        if text + np.count_nonzero(weights) <= config.synop_budget:
            return weights
    return None


def _with_empty(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([counts, np.zeros((1, counts.shape[1]), dtype=counts.dtype)])
