"""List the chips that a network can be checked against, with the source of every limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snnlp_lava.registry import Registry

RESOURCES = {
    "neurons": "neurons",
    "input_axons": "input axons",
    "output_axons": "output axons",
    "words": "words of synaptic memory",
}
"""Limited resources of a core: field of `Chip` and `snnlp_lava.chip.mapping.Core` to display name."""


@dataclass(frozen=True)
class Chip:
    """The limits of a chip.

    Attributes
    ----------
    name
        Display name, marked if it is an estimate.
    estimate
        Whether some limits are unpublished, so that results are estimates.
    cores
        Neuro cores available to a network.
    neurons, input_axons, output_axons, words
        Limits of one core; None if unknown. Words have 64 bits.
    period_power_of_two
        Whether the period must be a power of two.
    graded_spikes
        Whether spikes can carry messages.
    neurons_seen
        Largest number of neurons seen on one core, if that is less than `neurons`.
    sources
        Source of each limit that is not None, by field name.
    """

    name: str
    estimate: bool
    cores: int
    neurons: int
    input_axons: int | None
    output_axons: int | None
    words: int
    period_power_of_two: bool = False
    graded_spikes: bool = False
    neurons_seen: int | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


LOIHI1 = Chip(
    name="Loihi 1",
    estimate=False,
    cores=128,
    neurons=1024,
    input_axons=4096,
    output_axons=4096,
    words=1 << 14,  # 128 KB
    sources={
        "cores": "Davies et al., IEEE Micro 38(1), 2018",
        "neurons": "nengo_loihi/block.py MAX_COMPARTMENTS",
        "input_axons": "nengo_loihi/block.py MAX_IN_AXONS; Davies et al., p. 89",
        "output_axons": "nengo_loihi/block.py MAX_OUT_AXONS; Davies et al., p. 89",
        "words": "nengo_loihi/block.py MAX_SYNAPSE_BITS",
    },
)


LOIHI2 = Chip(
    name="Loihi 2 (estimate)",
    estimate=True,
    cores=120,
    neurons=8192,
    input_axons=None,
    output_axons=None,
    words=192 * 1024 * 8 // 64,
    period_power_of_two=True,
    graded_spikes=True,
    neurons_seen=3168,
    sources={
        "cores": "reported usable on board N3B3; the chip has 128 (Intel's technology brief, 2021)",
        "neurons": "Intel's technology brief, 2021",
        "words": "192 KB a core (Intel's technology brief, 2021), assuming that synapses can use all of it",
        "graded_spikes": "Intel's technology brief, 2021: spikes of up to 32 bits",
        "period_power_of_two": "lava-dl's MNIST notebook, on the reset interval",
        "neurons_seen": "compiled networks in lava-dl's benchmark notebooks",
    },
)


CHIPS: Registry[Chip] = Registry(
    "chip",
    "snnlp_lava.chips",
    {
        "loihi1": "snnlp_lava.chip.chips:LOIHI1",
        "loihi2": "snnlp_lava.chip.chips:LOIHI2",
    },
)
"""Chips by name."""
