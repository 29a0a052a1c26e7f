"""Count the operations of embedding texts, and name embedding models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from snnlp_lava.errors import InputError
from snnlp_lava.records import Count, Record


class UncountedError(InputError):
    """What a model does cannot be counted; the message says why."""


class OpCounts(Record, frozen=True, kw_only=False):
    """Operations in front of a network, summed over all texts of a run.

    Splitting texts into words and finding a word's row in a table are on no side's count.

    Attributes
    ----------
    title
        The model or table.
    unit, units
        What was gone through, and how many of them: ``tokens``, ``words`` or ``codes``.
    counts
        Term of a price book (see `snnlp_lava.energy.prices.TERMS`) to number of operations.
    not_counted
        Why nothing was counted, None where it was.
    """

    title: str
    unit: str = ""
    units: Count = 0
    counts: dict[str, Count] = msgspec.field(default_factory=dict)
    not_counted: str | None = None


def sum_counts(works: Sequence[OpCounts]) -> OpCounts:
    """Sum of one model's or table's work on several lots of texts; not counted if any of them was not."""
    for work in works:
        if work.not_counted is not None:
            return work
    counts: Counter[str] = Counter()
    for work in works:
        counts.update(work.counts)
    return OpCounts(works[0].title, works[0].unit, sum(work.units for work in works), dict(counts))


def words64(bits: int) -> int:
    """Memory words that so many bits take."""
    return -(-bits // 64)


class EmbeddingInfo(Record, frozen=True, kw_only=False):
    """The embedding model in front of a network.

    Attributes
    ----------
    name
        Name of the model, or None if the vectors were given and no known model makes them.
    sha256
        Hash of the model's weights, None with no name.
    dimension
        Length of a vector; None where the network takes words.
    """

    name: str | None
    sha256: str | None
    dimension: Count | None
