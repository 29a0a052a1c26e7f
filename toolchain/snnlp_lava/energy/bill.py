"""Compute bills: a ledger of counted operations times the prices of one book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snnlp_lava.energy.prices import PER_TERM, UPDATES, PriceBook


@dataclass(frozen=True)
class Entry:
    """Operations of one kind at one place.

    Attributes
    ----------
    place
        The layer.
    term
        Kind of operation, one of `snnlp_lava.energy.prices.TERMS`.
    count
        Mean number per text.
    """

    place: str
    term: str
    count: float


@dataclass(frozen=True)
class Ledger:
    """All operations of one classifier, per text.

    Attributes
    ----------
    title
        Display name.
    entries
        Entries with a count above 0.
    """

    title: str
    entries: tuple[Entry, ...]

    def total(self, term: str) -> float:
        """Return the number of operations of one kind over all places."""
        return sum(entry.count for entry in self.entries if entry.term == term)

    @property
    def terms(self) -> tuple[str, ...]:
        """The kinds of operations, in display order."""
        return tuple(dict.fromkeys(entry.term for entry in self.entries))


def spiking_ledger(title: str, layers: Sequence[Mapping[str, Any]], samples: int) -> Ledger:
    """Build the ledger of a spiking network.

    Parameters
    ----------
    title
        Display name.
    layers
        Layers of a result in order, with name and summed spikes, synops, neuron_updates and active_updates; messages
        if it sends those, which are terms of their own: a price of spikes does not cover them.
    samples
        Number of texts that the sums cover.
    """
    entries = []
    arriving = False
    for layer in layers:
        messages = layer.get("messages", False)
        counts = {
            "graded_synop" if arriving else "synop": layer["synops"],
            "active_update": layer["active_updates"],
            "idle_update": layer["neuron_updates"] - layer["active_updates"],
            "message" if messages else "spike": layer["spikes"],
        }
        arriving = messages
        entries += [Entry(layer["name"], term, count / samples) for term, count in counts.items() if count]
    return Ledger(title, tuple(entries))


def macs_ledger(title: str, macs: float) -> Ledger:
    """Build the ledger of a classifier of which only the MACs are known."""
    return Ledger(title, (Entry("all", "mac", macs),))


def host_ledger(title: str, place: str, counts: Mapping[str, int], samples: int) -> Ledger:
    """Build the ledger of host operations at one place, counted over so many texts."""
    return Ledger(title, tuple(Entry(place, term, count / samples) for term, count in counts.items() if count))


_WITH_SPIKES = ("synop", "spike", "graded_synop", "message")


@dataclass(frozen=True)
class Charge:
    """The price of one ledger entry.

    Attributes
    ----------
    place, term, count
        As in `Entry`.
    low, high
        Picojoules per text, None if the book has no price for the term.
    """

    place: str
    term: str
    count: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Bill:
    """The cost of one text at the prices of one book.

    Attributes
    ----------
    ledger, book
        Operations and prices.
    charges
        One for each ledger entry; for an all-in book only the entries that have a price.
    """

    ledger: Ledger
    book: PriceBook
    charges: tuple[Charge, ...]

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Terms that are counted but have no price."""
        return tuple(sorted({charge.term for charge in self.charges if charge.low is None}))

    @property
    def total(self) -> tuple[float, float] | None:
        """Lowest and highest total in picojoules; None if a term has no price, or nothing is charged."""
        if self.unpriced or not self.charges:
            return None
        return self._sum(_always)

    def break_even(self, baseline: float) -> tuple[float, float] | None:
        """Return by what factor spikes could grow before a text costs as much as a baseline: lowest and highest.

        The number of neuron updates does not depend on spikes, but whether they are active does, so the factors are
                computed for all updates idle and all active. A factor of 0 means that the updates alone cost that much.

        Parameters
        ----------
        baseline
            Picojoules per text.

        Returns
        -------
        tuple of float, or None
            None if the bill has no total or no spikes.
        """
        if self.total is None:
            return None
        updates = sum(self.ledger.total(term) for term in UPDATES)
        prices = [price for term in UPDATES if (price := self.book.price(term))]
        other = self._sum(lambda term: term not in (*_WITH_SPIKES, *UPDATES))
        fixed = (
            other[0] + updates * min((price.low for price in prices), default=0.0),
            other[1] + updates * max((price.high for price in prices), default=0.0),
        )
        moving = self._sum(lambda term: term in _WITH_SPIKES)
        if not moving[0]:
            return None
        return max(0.0, baseline - fixed[1]) / moving[1], max(0.0, baseline - fixed[0]) / moving[0]

    def _sum(self, chosen: Callable[[str], bool]) -> tuple[float, float]:
        some = [charge for charge in self.charges if chosen(charge.term)]
        return sum(charge.low or 0.0 for charge in some), sum(charge.high or 0.0 for charge in some)


def make_bill(ledger: Ledger, book: PriceBook) -> Bill:
    """Charge the operations of a ledger at the prices of a book.

    A per-term book charges every operation, and the bill has no total if one lacks a price. An all-in book charges only
    the operations it has a price for, since that price covers everything.
    """
    charges = []
    for entry in ledger.entries:
        price = book.price(entry.term)
        if price is not None:
            low, high = entry.count * price.low, entry.count * price.high
            charges.append(Charge(entry.place, entry.term, entry.count, low, high))
        elif book.scope == PER_TERM:
            charges.append(Charge(entry.place, entry.term, entry.count, None, None))
    return Bill(ledger, book, tuple(charges))


def unpriced_terms(bills: Sequence[Bill]) -> tuple[str, ...]:
    """Return the terms that some of these bills count but cannot price."""
    return tuple(sorted({term for bill in bills for term in bill.unpriced}))


def combined_total(bills: Sequence[Bill]) -> tuple[float, float] | None:
    """Add up, in picojoules, bills of consecutive steps, each at the prices of its own technology.

    None if a bill has no total or uses an all-in book, whose price covers more than the step.
    """
    totals = [bill.total for bill in bills if bill.ledger.entries]
    if not totals or any(bill.book.scope != PER_TERM for bill in bills):
        return None
    known = [total for total in totals if total is not None]
    return (sum(low for low, _ in known), sum(high for _, high in known)) if len(known) == len(totals) else None


def _always(term: str) -> bool:
    return True
