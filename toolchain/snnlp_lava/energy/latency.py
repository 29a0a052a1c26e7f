"""How long a text takes on Loihi 1, from published times (Davies et al., IEEE Micro 38(1), 2018, table 2, p. 96)."""

from __future__ import annotations

from snnlp_lava.energy.ledger import Ledger

BARRIER_NS = (113.0, 465.0)
"""Synchronisation of a step, over 1 to 32 tiles."""
NEURON_UPDATE_NS = (5.3, 8.4)
"""Idle and active."""
SYNOP_NS = 3.5


def latency_ns(ledger: Ledger, steps: float) -> tuple[float, float]:
    """Nanoseconds of one text: the barriers of its steps alone, and with all its work done by one core in turn.

    A chip is between the two: cores work at the same time, each on its own neurons. Input and output are not in it.

    Parameters
    ----------
    ledger
        Operations of one text.
    steps
        Time steps of one text.
    """
    updates = zip(("idle_update", "active_update"), NEURON_UPDATE_NS, strict=True)
    work = sum(ledger.total(term) * time for term, time in updates) + ledger.total("synop") * SYNOP_NS
    return steps * BARRIER_NS[0], steps * BARRIER_NS[1] + work
