"""Write a network as one HTML page that computes it in the browser: `snnlp-lava export --format html`."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np

from snnlp_lava.encode.token_lines import SILENT, TokenLineEncoder
from snnlp_lava.energy.prices import price_books
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_path, atomic_file
from snnlp_lava.network.dense import Dense
from snnlp_lava.network.network import Network, format_sizes
from snnlp_lava.netx.card import Card
from snnlp_lava.run.folder import Run

_SCRIPTS = ("network.js", "entries.js", "view.js")
_SHOWN_LABELS = 6
_EXAMPLES = 4
_FIRST_BOOK = "loihi1"
_TYPED = "Your words become spikes, spikes become currents, and the output neuron that spikes decides."
_KEPT = (
    "A text has become spikes; spikes become currents, layer by layer, and the output neuron that spikes most decides."
)


def write_page(
    path: StrPath, network: Network, card: Card, examples: Sequence[str] = (), run: Run | None = None
) -> None:
    """Write the page.

    Parameters
    ----------
    path
        The HTML file.
    network, card
        The network. Of a spike embedding, words, pairs and n-grams are in the page, and any text can be typed.
    examples
        Texts to begin with, for a spike embedding.
    run
        A run of the network, whose kept texts can be chosen, with their input spikes: for any other network.

    Raises
    ------
    InputError
        If the network is no spike embedding and there is no run, the run is of another network or kept no text, a
        layer is not dense or has delays, or the file cannot be written.
    """
    document = page_document(network, card, examples, run)
    style, script = _resource("page.css"), "\n".join(map(_resource, _SCRIPTS))
    values = {
        "script_hash": policy_hash(script),
        "style_hash": policy_hash(style),
        "style": style,
        "script": script,
        "document": json.dumps(document, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
        "name": _escaped(document["name"]),
        "described_labels": _escaped(document["described_labels"]),
        "facts": _escaped(document["facts"]),
        "how": _TYPED if document["encoder"] else _KEPT,
    }
    page = _resource("page.html")
    for name, value in values.items():
        page = page.replace(f"@@{name}@@", value)
    with atomic_file(as_path(path)) as temporary:
        temporary.write_text(page, "utf-8")


def page_document(network: Network, card: Card, examples: Sequence[str] = (), run: Run | None = None) -> dict[str, Any]:
    """What the page's scripts read; arguments and errors as for `write_page`."""
    encoder, typed = card.encoder, isinstance(card.encoder, TokenLineEncoder)
    if not typed and run is None:
        raise InputError(
            f"method {card.method} takes vectors or codes, which a page cannot make; add --run with a run of this "
            "network, whose texts can then be chosen"
        )
    layers = [_layer(number, layer) for number, layer in enumerate(network.layers, start=1)]
    texts = list(examples) or (list(run.record.examples) if run is not None else [])
    books = [_book(name) for name in sorted(price_books(), key=lambda name: name != _FIRST_BOOK)]
    training = card.training
    name = training.model if training is not None and training.model else "A spiking text classifier"
    accuracy = f" Test accuracy {training.scores.test.accuracy:.1%}." if training is not None else ""
    return {
        "name": name,
        "labels": list(card.label_names),
        "described_labels": _listed(card.label_names),
        "window": card.window,
        "temperature": card.temperature,
        "encoder": _encoder(encoder) if isinstance(encoder, TokenLineEncoder) else None,
        "kept": [] if typed or run is None else _kept(network, card, run),
        "layers": layers,
        "books": [book for book in books if book is not None],
        "examples": texts[:_EXAMPLES] if typed else [],
        "facts": f"{format_sizes(network.sizes)} neurons, {card.window} time steps a text.{accuracy}",
    }


def _encoder(encoder: TokenLineEncoder) -> dict[str, Any]:
    start = encoder.lines - encoder.start_lines
    kept = [(entry, int(line)) for entry, line in zip(encoder.entries, encoder.line, strict=True) if line != SILENT]
    return {
        "scheme": {
            "words": encoder.scheme.words,
            "pairs": encoder.scheme.pairs,
            "characters": encoder.scheme.characters,
        },
        "entries": [entry for entry, _ in kept],
        "lines": _packed(np.array([line for _, line in kept])),
        "silent": [entry for entry, line in zip(encoder.entries, encoder.line, strict=True) if line == SILENT],
        "folds": _folds(),
        "step": 0,
        "schedule": [
            {"name": "start", "line": line, "steps": [0]} for line in range(start, start + encoder.start_lines)
        ],
    }


def _kept(network: Network, card: Card, run: Run) -> list[dict[str, str]]:
    """The texts that a run keeps, and their input spikes: (window, lines) bits in base64."""
    texts = run.record.examples[: len(run.trains[0])]
    if not texts:
        raise InputError(f"run {run.name}: keeps no text with its spikes; run the network on texts")
    trains = [train[: len(texts), : card.window] for train in run.trains]
    same = run.record.network.sizes == network.sizes
    if not same or not np.array_equal(network.run(trains[0])[-1].spikes, trains[-1]):
        raise InputError(f"run {run.name}: is not of this network; run it again")
    return [
        {"text": text, "spikes": base64.b64encode(np.packbits(train).tobytes()).decode("ascii")}
        for text, train in zip(texts, trains[0], strict=True)
    ]


def _layer(number: int, layer: Any) -> dict[str, Any]:
    if not isinstance(layer, Dense) or layer.delay is not None:
        raise InputError(f"layer {number}: {layer.kind} layers cannot be in a page, only dense ones without delays")
    weight, neuron = layer.weight.T, layer.cuba
    line, target = np.nonzero(weight)
    if len(line) * 4 > weight.size:  # all weights, of two bytes each, are shorter than pairs of target and weight
        synapses = {"weights": base64.b64encode(weight.astype("<i2").tobytes()).decode("ascii")}
    else:
        starts = np.searchsorted(line, np.arange(len(weight) + 1))
        synapses = {"start": _packed(starts), "target": _packed(target), "weight": _packed(weight[line, target])}
    return {
        "inputs": layer.inputs,
        "neurons": layer.neurons,
        "currentDecay": neuron.current_decay,
        "voltageDecay": neuron.voltage_decay,
        "threshold": neuron.threshold,
        "bias": _packed(neuron.bias),
        **synapses,
    }


def _book(name: str) -> dict[str, Any] | None:
    """Picojoules of a book that prices spiking networks: the lower end of each."""
    book = price_books()[name]
    prices = {term: book.price(term) for term in ("synop", "active_update", "idle_update")}
    if any(price is None for price in prices.values()):
        return None
    synop, active, idle = (price.low for price in prices.values() if price is not None)
    return {"title": book.title, "source": book.source, "synop": synop, "activeUpdate": active, "idleUpdate": idle}


def _folds() -> dict[str, str]:
    """Characters whose case folding is not their lower case; JavaScript has only the latter."""
    every = map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1)))
    return {character: character.casefold() for character in every if character.casefold() != character.lower()}


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype="<i4").tobytes()).decode("ascii")


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_SHOWN_LABELS])
    more = len(names) - len(shown)
    return ", ".join(shown[:-1]) + f" and {shown[-1]}" if not more else f"{', '.join(shown)} and {more} more"


def _escaped(text: str) -> str:
    from html import escape

    return escape(text)


def policy_hash(text: str) -> str:
    """Return the hash by which a content security policy allows a script or style: SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _resource(name: str) -> str:
    return (resources.files("snnlp_lava.browser") / name).read_text("utf-8")
