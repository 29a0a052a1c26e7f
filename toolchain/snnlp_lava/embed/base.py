"""What it takes to make vectors or codes of texts, in operations that a bill can charge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from snnlp_lava.errors import InputError
from snnlp_lava.records import Count, Record


class UncountedError(InputError):
    """What a model does cannot be counted; the message says why."""


@dataclass(frozen=True)
class OpCounts:
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
    units: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
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


def check_op_counts(document: Any) -> OpCounts:
    """`OpCounts` from JSON that it was written to.

    Raises
    ------
    TypeError, ValueError
        If it is something else.
    """
    work = OpCounts(**document)
    for text in (work.title, work.unit, work.not_counted or ""):
        if not isinstance(text, str):
            raise TypeError(f"work of {str(text)[:40]!r}")
    if not isinstance(work.counts, dict):
        raise TypeError(f"work of {str(work.counts)[:40]!r}")
    for count in (work.units, *work.counts.values()):
        if type(count) is not int or count < 0:
            raise ValueError(f"work of {str(count)[:40]} operations")
    return work


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
