"""Samples like those of real text: vectors drawn as a network's calibration expects them."""

from __future__ import annotations

import numpy as np

from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.encode.calibration import N_SIGMA, Calibration
from snnlp_lava.encode.saf import SafEncoder
from snnlp_lava.netx.card import Card


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
