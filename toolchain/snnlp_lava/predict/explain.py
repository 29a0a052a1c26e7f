"""Explain one answer: weights of entries by class, spike counts, and the deciding step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.predict.predictor import UNKNOWN

if TYPE_CHECKING:
    from snnlp_lava.predict.predictor import Predictor


def explain(predictor: Predictor, labels: np.ndarray, text: str, reject_below: float | None = None) -> dict[str, Any]:
    """As `SpikingTextClassifier.explain`."""
    network, card = predictor.network, predictor.card
    predicted = predictor.predict([text])
    chosen = int(predicted.rejected_below(reject_below)[0])
    trains = predictor.trains(predictor.features([text]))
    output = trains[-1][0]
    spiking = output.any(axis=1)
    names = labels.tolist()
    return {
        "label": None if chosen == UNKNOWN else names[chosen],
        "probability": float(predicted.probabilities[0].max()),
        "classes": {
            name: {
                "probability": float(predicted.probabilities[0, index]),
                "score": int(predicted.scores[0, index]),
                "spikes": int(output[:, index].sum()),
            }
            for index, name in enumerate(names)
        },
        "entries": [
            {"step": step, "entry": entry, "weights": _weights(predictor, entry, names)}
            for step, entry in card.encoder.token_steps(text, card.window)
        ],
        "decided_at": int(spiking.argmax()) if spiking.any() else None,
        "synops": int(predicted.synops[0]),
        "input_spikes": int(predicted.input_spikes[0]),
        "sizes": list(network.sizes),
    }


def _weights(predictor: Predictor, entry: str, names: list[Any]) -> dict[Any, int]:
    """Return the non-zero weights of an entry's lines to the classes; {} if there are hidden layers."""
    lines = predictor.card.encoder.entry_lines(entry)
    if len(predictor.network.layers) > 1 or not len(lines):
        return {}
    (group,) = predictor.network.layers[0].synapses()
    sums = group.weight[:, lines].sum(axis=1)
    return {name: int(weight) for name, weight in zip(names, sums, strict=True) if weight}
