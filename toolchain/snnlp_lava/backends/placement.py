"""What a run folder keeps of a network, so that its page needs no network file: its fit on chips, memory words read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from snnlp_lava.chip.chips import CHIPS
from snnlp_lava.chip.fit import fit_network, line_words
from snnlp_lava.chip.network import Network

WORDS_CHIP = "loihi1"
"""The chip whose memory words are counted: of Loihi 2 the layout of synapses is not published."""
RATE_BINS = 20
_CORE = ("first", "neurons", "input_axons", "output_axons", "words")


def placed(network: Network, period: int, neuron_spikes: Sequence[np.ndarray], steps: int) -> dict[str, Any]:
    """Fit, synapses and memory words of a network, and how often its neurons spiked.

    Parameters
    ----------
    network
        The network.
    period
        Steps from one sample to the next.
    neuron_spikes
        Spikes of each input line and of each layer's neurons, (neurons,) each, over all samples.
    steps
        Steps in all.

    Returns
    -------
    dict
        ``fits``: what `snnlp-lava check` says of each chip. ``synapses``, ``synapses_nonzero``: of each layer.
        ``words_read``: 64-bit words of each layer's synaptic memory that were read on Loihi 1, where a spike reads its
        axon on every core of the layer. ``rates``: of the input and each layer the number of neurons that never spiked,
        then of those whose spikes per step are within each of `RATE_BINS` equal parts of 0 to 1.
    """
    fits = {name: fit_network(network, chip, period) for name, chip in CHIPS.items()}
    words = [line_words(*pair) for pair in zip(network.layers, fits[WORDS_CHIP].layers, strict=True)]
    return {
        "fits": {name: fit.to_dict() for name, fit in fits.items()},
        "synapses": [layer.weight.size for layer in network.layers],
        "synapses_nonzero": [int(np.count_nonzero(layer.weight)) for layer in network.layers],
        "words_read": [int(spikes @ taken) for spikes, taken in zip(neuron_spikes[:-1], words, strict=True)],
        "rates": [_rates(spikes, steps) for spikes in neuron_spikes],
    }


def check_placed(document: Mapping[str, Any], sizes: Sequence[int]) -> None:
    """Raise ValueError, TypeError or LookupError if a document is not what `placed` made of layers of these sizes."""
    layers = len(sizes) - 1
    if document["synapses"] != [before * after for before, after in pairwise(sizes)]:
        raise ValueError("synapses of another network")
    for name in ("synapses", "synapses_nonzero", "words_read"):
        _check_counts(document[name], layers)
    if len(document["rates"]) != layers + 1:
        raise ValueError("rates of another number of layers")
    for rates in document["rates"]:
        _check_counts(rates, RATE_BINS + 1)
    for name in CHIPS:
        fit = document["fits"][name]
        if len(fit["layers"]) != layers:
            raise ValueError(f"a fit on {name} of another number of layers")
        for layer in fit["layers"]:
            _check_texts([layer["name"]])
            if not layer["cores"]:
                raise ValueError(f"a fit on {name} without cores")
            for core in layer["cores"]:
                _check_counts([core[field] for field in _CORE], len(_CORE))
        _check_texts([*fit["notes"], *(violation["text"] for violation in fit["violations"])])


def _rates(spikes: np.ndarray, steps: int) -> list[int]:
    # Whole numbers decide the bin: a rate of k/20 belongs to the one that ends there.
    bins = -(-spikes * RATE_BINS // steps)
    return np.bincount(bins, minlength=RATE_BINS + 1).tolist()


def _check_counts(counts: Any, number: int) -> None:
    if len(counts) != number or any(type(count) is not int or not 0 <= count < 1 << 62 for count in counts):
        raise ValueError("counts that are none")


def _check_texts(texts: Sequence[Any]) -> None:
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("something else where a text should stand")
