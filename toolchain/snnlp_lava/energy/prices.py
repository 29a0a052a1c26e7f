"""Read price books: TOML files of prices with unit, source, kind of evidence and scope.

The built-in books are in ``energy/books/``. Each states where its prices come from:

evidence
    ``metered``, ``measured``, ``simulated``, ``derived`` or ``second-hand``.
scope
    ``per-term`` prices are for single operations and add up; an ``all-in`` price covers everything that was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from snnlp_lava.errors import InputError
from snnlp_lava.records import Record, build, load_toml
from snnlp_lava.registry import Registry

Evidence = Literal["metered", "measured", "simulated", "derived", "second-hand"]
Scope = Literal["per-term", "all-in"]
METERED: Evidence = "metered"
PER_TERM: Scope = "per-term"
TERMS: Mapping[str, str] = {
    "synop": "synops",
    "neuron_update": "neuron updates",
    "active_update": "active neuron updates",
    "idle_update": "idle neuron updates",
    "spike": "spikes",
    "graded_synop": "synops of messages",
    "message": "messages",
    "mac": "MACs",
    "addition": "additions",
    "multiplication": "multiplications",
    "integer_addition": "integer additions",
    "comparison": "comparisons",
    "random_number": "random numbers",
    "table_word": "64-bit words read from tables",
    "host_spike": "spikes sent by the host",
}
"""Operations that can have prices, with display names."""

UPDATES = ("active_update", "idle_update")
"""Neuron updates; a book that does not distinguish them has one price for both, `neuron_update`."""

_PICOJOULES = {"pJ": 1.0, "nJ": 1e3, "uJ": 1e6}

Text = Annotated[str, Meta(pattern=r"\S")]
Value = Annotated[float, Meta(gt=0, le=1e15)]
"""Upper bound of a price, in the book's unit, so that sums cannot overflow."""


class Price(Record, frozen=True):
    """The price of one operation: description, lowest and highest value (equal if only one was published)."""

    what: Text
    low: Value
    high: Value

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low must be at most high, {self.high:g}, got {self.low:g}")


class PriceBook(Record, frozen=True):
    """The prices of one technology from one source.

    Attributes
    ----------
    name
        File name without suffix.
    title, technology
        Display name and technology.
    source
        Paper, table, page.
    evidence
        Kind of evidence.
    scope
        ``per-term`` if its prices are for single operations and add up, ``all-in`` if each covers everything that was
        drawn.
    unit
        Unit of the prices.
    note
        What the prices leave out.
    in_figure
        Whether the report's figure shows bills at these prices.
    prices
        Price of each term of TERMS, in the book's unit.
    """

    name: Text
    title: Text
    technology: Text
    source: Text
    evidence: Evidence
    scope: Scope
    unit: Literal["pJ", "nJ", "uJ"]
    note: Text
    prices: dict[str, Price]
    in_figure: bool = True

    def __post_init__(self) -> None:
        if unknown := self.prices.keys() - TERMS.keys():
            raise ValueError(f"prices.{min(unknown)} is unknown (known: {', '.join(TERMS)})")

    def price(self, term: str) -> Price | None:
        """Return the price of an operation in picojoules, None if the book has none."""
        price = self.prices.get(term) or (self.prices.get("neuron_update") if term in UPDATES else None)
        scale = _PICOJOULES[self.unit]
        return price and Price(what=price.what, low=price.low * scale, high=price.high * scale)


PLUGIN_BOOKS: Registry[str | Path] = Registry("price book", "snnlp_lava.prices", {})
"""Return the paths of price books declared by other packages."""


@cache
def price_books() -> Mapping[str, PriceBook]:
    """Read the price books of this package and of installed plug-ins, by name.

    Raises
    ------
    InputError
        If a plug-in's book cannot be read or has the name of a built-in one.
    """
    folder = Path(str(resources.files("snnlp_lava.energy"))) / "books"
    books = {path.stem: _read(path, path.stem) for path in sorted(folder.glob("*.toml"))}
    for name, path in PLUGIN_BOOKS.items():
        if name in books:
            raise InputError(f"price book {name!r} is built in, but another package also declares it, {path}")
        books[name] = _read(Path(path), name)
    return books


def read_price_books(paths: Sequence[Path]) -> Mapping[str, PriceBook]:
    """Read a user's own price books, TOML files like those in ``energy/books/``, by file name.

    Raises
    ------
    InputError
        If a file cannot be read, is larger than 1 MiB, is not a price book, or has the name of another book.
    """
    books: dict[str, PriceBook] = {}
    for path in paths:
        if path.stem in price_books() or path.stem in books:
            raise InputError(f"prices {path}: another price book is also named {path.stem!r}; rename the file")
        books[path.stem] = _read(path, path.stem)
    return books


def _read(path: Path, name: str) -> PriceBook:
    return build(PriceBook, {"name": name, **load_toml(path, "prices")}, f"prices {path}")
