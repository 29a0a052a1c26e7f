"""The bill: counted operations of one text times the prices of one book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from snnlp_lava.energy.prices import PriceBook

TERMS = {"synop": "synops", "neuron_update": "neuron_updates", "spike": "spikes"}
"""Term of a price book to the count that a layer keeps of it."""


@dataclass(frozen=True)
class Charge:
    """One term of one layer.

    Attributes
    ----------
    layer
        Name of the layer.
    term
        Which operation.
    count
        How many of it one text takes, on average.
    low, high
        Picojoules for one text, None where the book has no price for the term.
    """

    layer: str
    term: str
    count: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Bill:
    """All charges for one text.

    Attributes
    ----------
    book
        The prices used.
    charges
        One for each layer and term with a count above 0.
    """

    book: PriceBook
    charges: tuple[Charge, ...]

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Terms that were counted but have no price."""
        return tuple(sorted({charge.term for charge in self.charges if charge.low is None}))

    @property
    def total(self) -> tuple[float, float] | None:
        """Lowest and highest sum in picojoules; None while a charged term has no price."""
        if self.unpriced:
            return None
        return sum(charge.low or 0.0 for charge in self.charges), sum(charge.high or 0.0 for charge in self.charges)


def spiking_bill(layers: Sequence[Mapping[str, Any]], samples: int, book: PriceBook) -> Bill:
    """Bill of a spiking network.

    Parameters
    ----------
    layers
        A result's layers: name and summed spikes, synops and neuron_updates each.
    samples
        Number of texts those sums are over.
    book
        The prices.
    """
    charges = [
        _charge(layer["name"], term, layer[count] / samples, book)
        for layer in layers
        for term, count in TERMS.items()
        if layer[count]
    ]
    return Bill(book, tuple(charges))


def dense_bill(sizes: Sequence[int], book: PriceBook) -> Bill:
    """Bill of an ANN with dense layers of these sizes: its MACs, biases and activations not charged."""
    charges = [
        _charge(f"layer {index}", "mac", before * after, book)
        for index, (before, after) in enumerate(pairwise(sizes), start=1)
    ]
    return Bill(book, tuple(charges))


def _charge(layer: str, term: str, count: float, book: PriceBook) -> Charge:
    price = book.prices.get(term)
    return Charge(layer, term, count, count * price.low if price else None, count * price.high if price else None)
