"""What several benchmarks run: samples like those of real text, and Lava on them with every spike compared."""

from __future__ import annotations

import numpy as np

from snnlp_lava.backends.base import BACKENDS, RunResult
from snnlp_lava.backends.compare import compare
from snnlp_lava.encode.base import EncodedSamples, Samples
from snnlp_lava.encode.calibration import N_SIGMA, Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import NetworkFile
from snnlp_lava.progress import no_advance


def drawn_samples(card: Card, samples: int, spread: float = 1.0) -> EncodedSamples:
    """Vectors for an on/off calibration, each dimension normal about its mean.

    `spread` is in the training data's standard deviations: a smaller one makes fewer spikes.
    """
    encoder = card.encoder
    assert isinstance(encoder, SafEncoder)
    calibration = encoder.calibration
    assert calibration.name == "onoff"
    z = np.random.default_rng(0).normal(size=(samples, calibration.dimension)) * spread / N_SIGMA
    gain = np.where(calibration.gain > 0, calibration.gain, 1)
    return EncodedSamples((z - calibration.offset) / gain, encoder, card.window)


def plain_encoder(channels: int) -> SafEncoder:
    """SAF neurons that take their values as they are."""
    return SafEncoder(Calibration("range", np.ones(channels), np.zeros(channels)))


def run_on_lava(file: NetworkFile, samples: Samples, period: int) -> RunResult:
    """Counts of a run on Lava's simulator in which every spike is the emulator's."""
    simulator = BACKENDS["sim"]
    recording = simulator(simulator.options.of(jobs=1)).record(file, samples, period, no_advance)
    assert recording.broken is None, recording.broken
    found = compare(file.network, samples, period, {"sim": recording})
    assert found.first is None, str(found.first)
    return found.result
