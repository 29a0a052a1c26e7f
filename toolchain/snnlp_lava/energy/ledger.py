"""Ledgers: how many operations one text takes on average, each with where it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

COUNTS = {"synop": "synops", "neuron_update": "neuron_updates", "spike": "spikes"}
"""Term of a price book to the count that a layer keeps of it."""


@dataclass(frozen=True)
class Entry:
    """Operations of one kind in one place.

    Attributes
    ----------
    place
        The layer.
    term
        Which operation, one of `snnlp_lava.energy.prices.TERMS`.
    count
        How many one text takes, on average.
    """

    place: str
    term: str
    count: float


@dataclass(frozen=True)
class Ledger:
    """All operations of one classifier.

    Attributes
    ----------
    title
        What people call it.
    entries
        Those with a count above 0.
    """

    title: str
    entries: tuple[Entry, ...]

    def total(self, term: str) -> float:
        """Operations of one kind in all places."""
        return sum(entry.count for entry in self.entries if entry.term == term)

    @property
    def terms(self) -> tuple[str, ...]:
        """The kinds of operations, in order."""
        return tuple(dict.fromkeys(entry.term for entry in self.entries))


def spiking_ledger(title: str, layers: Sequence[Mapping[str, Any]], samples: int) -> Ledger:
    """Ledger of a spiking network.

    Parameters
    ----------
    title
        Its name.
    layers
        A result's layers: name and summed spikes, synops and neuron_updates each.
    samples
        Number of texts those sums are over.
    """
    return Ledger(
        title,
        tuple(
            Entry(layer["name"], term, layer[count] / samples)
            for layer in layers
            for term, count in COUNTS.items()
            if layer[count]
        ),
    )


def dense_ledger(title: str, sizes: Sequence[int]) -> Ledger:
    """Ledger of an ANN with dense layers of these sizes: its MACs; biases and activations are not counted."""
    macs = (before * after for before, after in pairwise(sizes))
    return Ledger(title, tuple(Entry(f"layer {number}", "mac", count) for number, count in enumerate(macs, start=1)))


def macs_ledger(title: str, macs: float) -> Ledger:
    """Ledger of a classifier of which nothing but its MACs is known."""
    return Ledger(title, (Entry("all", "mac", macs),))
