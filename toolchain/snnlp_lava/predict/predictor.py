"""Predict classes, probabilities and costs of texts or vectors in memory, with the chip's integer arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.metrics import tie_broken_counts
from snnlp_lava.network import limits
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.readout import class_probabilities, integrate_once, readout_scores

if TYPE_CHECKING:
    from snnlp_lava.embed.embedders import Embedder
    from snnlp_lava.network.network import Network
    from snnlp_lava.netx.card import Card

UNKNOWN = -1
"""Class of a text for which the network has no answer."""
_BATCH_BYTES = 1 << 26


@dataclass(frozen=True)
class Predictions:
    """Predictions for n texts.

    Attributes
    ----------
    classes
        (n,) int64 index of the class, or UNKNOWN: the network knows no entry of the text, or no output neuron spiked.
    probabilities
        (n, classes) float64; all equal for an unknown text.
    scores
        (n, classes) integer scores of the read-out, from which probabilities follow; see `snnlp_lava.network.readout`.
    synops
        (n,) synaptic operations with non-zero weight.
    input_spikes, output_spikes
        (n,) spikes of the input lines and of the last layer.
    steps
        Time steps of each text.
    """

    classes: np.ndarray
    probabilities: np.ndarray
    scores: np.ndarray
    synops: np.ndarray
    input_spikes: np.ndarray
    output_spikes: np.ndarray
    steps: int

    def rejected_below(self, probability: float | None) -> np.ndarray:
        """Return classes, with UNKNOWN if the best probability is lower than the limit; None sets no limit."""
        if probability is None:
            return self.classes
        best = self.probabilities.max(axis=1, initial=0.0)
        return np.where(best < probability, UNKNOWN, self.classes)


class _AtOnce(NamedTuple):
    """A layer of weights by line; the last line, of weight 0, stands for none.

    `start` and `start_synops` are sums over the lines that spike for every text.
    """

    weight: np.ndarray
    start: np.ndarray
    fan_out: np.ndarray
    start_synops: int


class Predictor:
    """A network with its card, for prediction."""

    def __init__(self, network: Network, card: Card) -> None:
        self.network, self.card = network, card

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder of texts, loaded on first use."""
        from snnlp_lava.embed.embedders import load_embedder

        return load_embedder(self.card.level, self.card.embedding)

    def features(self, items: Sequence[str] | np.ndarray) -> Any:
        """Compute the encoder's features of texts (n,) or vectors (n, d).

        Raises
        ------
        InputError
            If an item is not a text, or the network does not take vectors, or only of another dimension.
        """
        if isinstance(items, np.ndarray) and items.ndim == 2 and items.dtype.kind in "fiu":
            if self.card.encoder.takes != "vectors":
                raise InputError(f"method {self.card.method} takes texts, got vectors of shape {items.shape}")
            return items.astype(np.float32)
        texts = check_texts(items)
        if self.card.encoder.takes == "texts":
            return texts
        vectors = np.zeros((len(texts), self.card.encoder.dimension or 0), dtype=np.float32)
        filled = [number for number, text in enumerate(texts) if text.strip()]  # an empty text stays 0 and so unknown
        if filled:
            vectors[filled] = self.embedder.embed([texts[number] for number in filled])
        return vectors

    def predict(self, items: Sequence[str] | np.ndarray) -> Predictions:
        """Predict classes, probabilities and counts; arguments and errors as for `features`."""
        features = self.features(items)
        window, network = self.card.window, self.network
        answer, widest = (
            (self._predict, max(network.sizes)) if self._read_at_once is None else (self._predict_at_once, 512)
        )
        batch = max(1, _BATCH_BYTES // (8 * window * widest))
        parts = [answer(features[start : start + batch]) for start in range(0, len(features), batch)]
        if not parts:
            classes = len(self.card.label_names)
            empty = np.zeros(0, dtype=np.int64)
            return Predictions(empty, np.zeros((0, classes)), np.zeros((0, classes)), empty, empty, empty, window)
        names = ("classes", "probabilities", "scores", "synops", "input_spikes", "output_spikes")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return Predictions(**joined, steps=window)

    @cached_property
    def _read_at_once(self) -> _AtOnce | None:
        """The sparse form of a network whose entries all spike in the first step; None if it is another one."""
        encoder, layers = self.card.encoder, self.network.layers
        layer = layers[0]
        if not hasattr(encoder, "active_lines") or len(layers) > 1 or not isinstance(layer, Dense):
            return None
        decays = layer.cuba.current_decay, layer.cuba.voltage_decay
        if layer.delay is not None or decays != (limits.DECAY_UNITY, 0):
            return None
        (group,) = layer.synapses()
        lines = encoder.lines - encoder.scheduled
        weight = group.weight_by_line
        return _AtOnce(
            weight=np.concatenate([weight[:lines], np.zeros_like(weight[:1])]),
            start=weight[lines:].sum(axis=0, dtype=np.int64),
            fan_out=np.append(group.fan_out_nonzero[:lines], 0),
            start_synops=int(group.fan_out_nonzero[lines:].sum()),
        )

    def _predict_at_once(self, texts: Sequence[str]) -> Predictions:
        """As `_predict`, from the lines that spike instead of spike trains."""
        card, neuron, sparse = self.card, self.network.layers[0].neuron, self._read_at_once
        assert sparse is not None
        starts, lines, known = card.encoder.active_lines(texts)  # type: ignore[attr-defined]
        # reduceat gives an empty slice the element that stands there; so each text ends with a line of weight 0.
        counts = np.diff(starts)
        padded = np.insert(lines, starts[1:], len(sparse.weight) - 1)
        places = starts[:-1] + np.arange(len(texts))
        sums = np.add.reduceat(sparse.weight[padded], places, axis=0, dtype=np.int64) + sparse.start
        output = integrate_once(sums, neuron.bias, neuron.threshold, card.window)
        if output is None:
            return self._predict(texts)
        scores = sums + card.window * neuron.bias.astype(np.int64)
        classes = np.where(known & output.any(axis=(1, 2)), tie_broken_counts(output).argmax(axis=1), UNKNOWN)
        return Predictions(
            classes=classes,
            probabilities=class_probabilities(scores, classes, card.temperature),
            scores=scores,
            synops=np.add.reduceat(sparse.fan_out[padded], places) + sparse.start_synops,
            input_spikes=counts + card.encoder.scheduled,
            output_spikes=output.sum(axis=(1, 2), dtype=np.int64),
            steps=card.window,
        )

    def trains(self, features: Any) -> list[np.ndarray]:
        """Compute the spikes (n, steps, neurons) uint8 of the input and every layer for n features."""
        card, encoder = self.card, self.card.encoder
        spikes = encoder.encode(encoder.quantise(features, card.window), card.window)
        return [spikes, *(run.spikes for run in self.network.run(spikes))]

    def _predict(self, features: Any) -> Predictions:
        card, encoder = self.card, self.card.encoder
        trains = self.trains(features)
        spikes = trains[0]
        counts = [train.sum(axis=1, dtype=np.int64) for train in trains]
        synops = sum(
            layer.synops(arrived, sent)[1]
            for layer, arrived, sent in zip(self.network.layers, counts, counts[1:], strict=False)
        )
        scores = readout_scores(self.network, trains)
        ranked = tie_broken_counts(trains[-1])
        spoken = encoder.known(features)
        if spoken is None:
            spoken = np.any(spikes[:, :, : encoder.lines - encoder.scheduled], axis=(1, 2))
        known = spoken & trains[-1].any(axis=(1, 2))
        classes = np.where(known, ranked.argmax(axis=1), UNKNOWN)
        return Predictions(
            classes=classes,
            probabilities=class_probabilities(scores, classes, card.temperature),
            scores=scores,
            synops=np.asarray(synops),
            input_spikes=spikes.sum(axis=(1, 2), dtype=np.int64),
            output_spikes=trains[-1].sum(axis=(1, 2), dtype=np.int64),
            steps=card.window,
        )


def check_texts(items: Any) -> list[str]:
    """Convert texts to a list.

    Raises
    ------
    InputError
        If `items` is a single text, or an item is not a text or cannot be encoded in UTF-8.
    """
    if isinstance(items, str | bytes):
        raise InputError(f"texts must be a list of texts, got the text {items[:40]!r}; use [{items[:40]!r}]")
    try:
        texts = list(items)
    except TypeError as error:
        raise InputError(f"texts must be a list of texts, got {type(items).__name__}") from error
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise InputError(f"text {number} must be text, got {str(text)[:40]!r} ({type(text).__name__})")
    return texts
