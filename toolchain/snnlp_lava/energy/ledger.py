"""Ledgers: how many operations one text takes on average, each with where it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


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
        A result's layers: name and summed spikes, synops, neuron_updates and active_updates each.
    samples
        Number of texts those sums are over.
    """
    entries = []
    for layer in layers:
        counts = {
            "synop": layer["synops"],
            "active_update": layer["active_updates"],
            "idle_update": layer["neuron_updates"] - layer["active_updates"],
            "spike": layer["spikes"],
        }
        entries += [Entry(layer["name"], term, count / samples) for term, count in counts.items() if count]
    return Ledger(title, tuple(entries))


def dense_ledger(title: str, sizes: Sequence[int]) -> Ledger:
    """Ledger of an ANN with dense layers of these sizes: its MACs; biases and activations are not counted."""
    macs = (before * after for before, after in pairwise(sizes))
    return Ledger(title, tuple(Entry(f"layer {number}", "mac", count) for number, count in enumerate(macs, start=1)))


def macs_ledger(title: str, macs: float) -> Ledger:
    """Ledger of a classifier of which nothing but its MACs is known."""
    return Ledger(title, (Entry("all", "mac", macs),))


def work_ledger(title: str, place: str, counts: Mapping[str, int], samples: int) -> Ledger:
    """Ledger of operations in one place, counted over so many texts."""
    return Ledger(title, tuple(Entry(place, term, count / samples) for term, count in counts.items() if count))
