"""What the host does between a text's features and the network: making spikes of them, and handing those over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnlp_lava.energy.ledger import Entry, Ledger

_OF_A_STEP: Mapping[str, tuple[str, ...]] = {
    "saf": ("integer_addition", "comparison"),  # the accumulator takes x, and is compared with the threshold
    "bernoulli": ("random_number", "comparison"),
}


def coding_ledger(
    encoder: Mapping[str, Any] | None, channels: int, dimension: int, window: int, spikes: float
) -> Ledger:
    """Ledger of coding on the host, for one text.

    A rate code takes one MAC a dimension (gain and offset) and for each of its channels, at each step, an addition or
    a random number, and a comparison. Codes that are looked up are spikes already. What lays their spikes out in time
    is not counted.

    Parameters
    ----------
    encoder
        Its description (see `snnlp_lava.encode.encoder`), None where spikes were given.
    channels, dimension
        Lines that it feeds, and length of a vector.
    window
        Steps.
    spikes
        Input spikes of one text, all of which are handed over.
    """
    terms = _OF_A_STEP.get(encoder["kind"], ()) if encoder else ()
    entries = [Entry("coding", "mac", dimension)] if terms else []
    entries += [Entry("coding", term, channels * window) for term in terms]
    entries += [Entry("handing over", "host_spike", spikes)] if spikes else []
    return Ledger("coding on the host", tuple(entries))
