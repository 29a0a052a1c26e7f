"""Prices: value, unit, source, kind of evidence and scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import tomli

from snnlp_lava.errors import InputError
from snnlp_lava.records import load_toml

METERED = "metered"
EVIDENCE = (METERED, "measured", "simulated", "derived", "second-hand")
PER_TERM, ALL_IN = SCOPES = ("per-term", "all-in")
TERMS: Mapping[str, str] = {
    "synop": "synops",
    "neuron_update": "neuron updates",
    "active_update": "active neuron updates",
    "idle_update": "idle neuron updates",
    "spike": "spikes",
    "mac": "MACs",
    "addition": "additions",
    "multiplication": "multiplications",
    "integer_addition": "integer additions",
    "comparison": "comparisons",
    "random_number": "random numbers",
    "table_word": "64-bit words read from tables",
    "host_spike": "spikes handed over by the host",
}
"""Operations that have prices, and what people call them."""

UPDATES = ("active_update", "idle_update")
"""Neuron updates; a book that does not tell them apart has one price for both, `neuron_update`."""

_PICOJOULES = {"pJ": 1.0, "nJ": 1e3, "uJ": 1e6}
_HIGHEST = 1e15  # of a book's unit; sums of it stay far from what a float holds
_TEXTS = ("title", "technology", "source", "evidence", "note", "scope", "unit")


@dataclass(frozen=True)
class Price:
    """What one operation costs.

    Attributes
    ----------
    what
        The operation, in words.
    low, high
        Picojoules; the same where one value was published.
    """

    what: str
    low: float
    high: float


@dataclass(frozen=True)
class PriceBook:
    """The prices of one technology from one source.

    Attributes
    ----------
    name, title, technology
        What it is the price of.
    source
        Paper, table, page.
    evidence
        One of EVIDENCE.
    scope
        ``per-term`` if its prices are for single operations and add up, ``all-in`` if each covers all that was drawn.
    note
        What the prices leave out.
    prices
        Term, one of TERMS, to price.
    """

    name: str
    title: str
    technology: str
    source: str
    evidence: str
    scope: str
    note: str
    prices: Mapping[str, Price]

    def price(self, term: str) -> Price | None:
        """The price of an operation, None if the book has none."""
        return self.prices.get(term) or (self.prices.get("neuron_update") if term in UPDATES else None)


@cache
def price_books() -> Mapping[str, PriceBook]:
    """The price books that come with the package, by name."""
    return _books(tomli.loads((resources.files("snnlp_lava.energy") / "prices.toml").read_text("utf-8")))


def read_price_books(path: Path) -> Mapping[str, PriceBook]:
    """The price books of a user's TOML file, written as the package's own (energy/prices.toml).

    Raises
    ------
    InputError
        If the file cannot be read, lacks something, or has a name that the package has, too.
    """
    document = load_toml(path, "prices")
    try:
        books = _books(document)
        if taken := books.keys() & price_books().keys():
            raise InputError(f"book {min(taken)!r} has the name of one of the package's; choose another")
    except InputError as error:
        raise InputError(f"prices {path}: {error}") from error
    return books


def _books(document: Mapping[str, Any]) -> Mapping[str, PriceBook]:
    if set(document) != {"books"} or not isinstance(document["books"], dict):
        raise InputError("holds something else than tables [books.NAME]")
    return {name: _book(name, book) for name, book in document["books"].items()}


def _book(name: str, document: Any) -> PriceBook:
    if not isinstance(document, dict) or set(document) != {*_TEXTS, "prices"}:
        raise InputError(f"book {name!r} needs {', '.join((*_TEXTS, 'prices'))}, and nothing else")
    for field in _TEXTS:
        if not isinstance(document[field], str) or not document[field].strip():
            raise InputError(f"book {name!r}: {field} {document[field]!r} is no text")
    for field, known in (("evidence", EVIDENCE), ("scope", SCOPES), ("unit", tuple(_PICOJOULES))):
        if document[field] not in known:
            raise InputError(f"book {name!r}: {field} {document[field]!r} is unknown (known: {', '.join(known)})")
    if not isinstance(document["prices"], dict):
        raise InputError(f"book {name!r}: prices are no table")
    unit, prices = _PICOJOULES[document["unit"]], {}
    for term, price in document["prices"].items():
        if term not in TERMS:
            raise InputError(f"book {name!r}: nothing called {term!r} is counted (known: {', '.join(TERMS)})")
        prices[term] = _price(f"book {name!r}: price of {term}", price, unit)
    return PriceBook(name, prices=prices, **{field: document[field] for field in _TEXTS if field != "unit"})


def _price(place: str, document: Any, unit: float) -> Price:
    fields = {"low", "high", "what"}
    if not isinstance(document, dict) or set(document) != fields or not isinstance(document["what"], str):
        raise InputError(f"{place} needs low, high and what, and nothing else")
    for value in (document["low"], document["high"]):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _HIGHEST:
            raise InputError(f"{place} {str(value)[:40]} is no number above 0 and up to {_HIGHEST:g}")
    if document["low"] > document["high"]:
        raise InputError(f"{place} has {document['low']} as its low end and {document['high']} as its high end")
    return Price(document["what"], document["low"] * unit, document["high"] * unit)
