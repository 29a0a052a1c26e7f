"""Prices: value, unit, source and kind of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import tomli

EVIDENCE = ("metered", "measured", "simulated", "derived", "second-hand")


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
    note
        What the prices leave out.
    prices
        Term (``synop``, ``neuron_update``, ``spike``, ``mac``, ``ac``) to price.
    """

    name: str
    title: str
    technology: str
    source: str
    evidence: str
    note: str
    prices: Mapping[str, Price]

    def __post_init__(self) -> None:
        if self.evidence not in EVIDENCE:
            raise ValueError(f"price book {self.name}: evidence {self.evidence!r} is none of {EVIDENCE}")


@cache
def price_books() -> Mapping[str, PriceBook]:
    """The price books that come with the package, by name."""
    text = (resources.files("snnlp_lava.energy") / "prices.toml").read_text("utf-8")
    books = tomli.loads(text)["books"]
    return {
        name: PriceBook(
            name=name, **{**book, "prices": {term: Price(**price) for term, price in book["prices"].items()}}
        )
        for name, book in books.items()
    }
