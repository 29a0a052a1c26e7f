"""The chips that a network can be checked against, and what each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snnlp_lava.network import limits

RESOURCES = {
    "neurons": "neurons",
    "input_axons": "input axons",
    "output_axons": "output axons",
    "words": "words of synaptic memory",
}
"""What a core has a limited number of, as `Chip` and `snnlp_lava.chip.mapping.Core` name it, and as people call it."""


@dataclass(frozen=True)
class Chip:
    """What a chip offers.

    Attributes
    ----------
    name
        As people write it; an estimate says so.
    estimate
        Whether the limits are partly unpublished, so that what is counted is an estimate.
    cores
        Neuro cores for a network.
    neurons, input_axons, output_axons, words
        Of one core, at most; None where no limit is known. Words have 64 bits.
    period_power_of_two
        Whether the period must be a power of two (of Loihi 2, lava-dl's MNIST notebook says so: reset interval).
    neurons_seen
        Most neurons that a core is known to have held, where that is less than `neurons`.
    """

    name: str
    estimate: bool
    cores: int
    neurons: int
    input_axons: int | None
    output_axons: int | None
    words: int
    period_power_of_two: bool
    neurons_seen: int | None


CHIPS: Mapping[str, Chip] = {
    "loihi1": Chip(
        name="Loihi 1",
        estimate=False,
        cores=limits.LOIHI1_CORES,
        neurons=limits.LOIHI1_NEURONS,
        input_axons=limits.LOIHI1_INPUT_AXONS,
        output_axons=limits.LOIHI1_OUTPUT_AXONS,
        words=limits.LOIHI1_WORDS,
        period_power_of_two=False,
        neurons_seen=None,
    ),
    "loihi2": Chip(
        name="Loihi 2 (estimate)",
        estimate=True,
        cores=limits.LOIHI2_CORES,
        neurons=limits.LOIHI2_NEURONS,
        input_axons=None,
        output_axons=None,
        words=limits.LOIHI2_WORDS,
        period_power_of_two=True,
        neurons_seen=limits.LOIHI2_NEURONS_SEEN,
    ),
}
"""The chips that a network can be checked against."""
