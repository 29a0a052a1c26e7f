"""Count the operations of preprocessing, and identify embedding models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from snnlp_lava.errors import InputError
from snnlp_lava.records import Count, Record


class UncountedError(InputError):
    """The operations of a model cannot be counted; the message says why."""


class OpCounts(Record, frozen=True, kw_only=False):
    """Operations of one preprocessing step, summed over all texts of a run.

    Splitting texts into words and finding a word's row in a table are never counted.

    Attributes
    ----------
    title
        The model or table.
    unit, units
        Processed units, ``tokens``, ``words`` or ``codes``, and their number.
    counts
        Number of operations by term (see `snnlp_lava.energy.prices.TERMS`).
    not_counted
        Why nothing was counted, None if it was.
    """

    title: str
    unit: str = ""
    units: Count = 0
    counts: dict[str, Count] = msgspec.field(default_factory=dict)
    not_counted: str | None = None


def sum_counts(works: Sequence[OpCounts]) -> OpCounts:
    """Add up the counts of one model or table over several batches; not counted if any of them was not."""
    for work in works:
        if work.not_counted is not None:
            return work
    counts: Counter[str] = Counter()
    for work in works:
        counts.update(work.counts)
    return OpCounts(works[0].title, works[0].unit, sum(work.units for work in works), dict(counts))


def words64(bits: int) -> int:
    """Return how many 64-bit memory words so many bits need."""
    return -(-bits // 64)


class EmbeddingInfo(Record, frozen=True, kw_only=False):
    """The embedding model whose vectors a network takes.

    Attributes
    ----------
    name
        Name of the model, None for ready vectors of unknown origin.
    sha256
        Hash of the model's weights and settings, None without a name.
    dimension
        Length of a vector; None if the network takes words.
    """

    name: str | None
    sha256: str | None
    dimension: Count | None
