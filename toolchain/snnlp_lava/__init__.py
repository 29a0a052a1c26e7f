"""Spiking text classifiers: train with lava-dl, run on Lava spike for spike, know what they cost."""

from snnlp_lava.version import VERSION as __version__

__all__ = ["__version__"]
