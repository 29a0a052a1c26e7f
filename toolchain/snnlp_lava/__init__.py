"""Spiking text classifiers: train with lava-dl, run on Lava spike for spike, know what they cost."""

from snnlp_lava import version

__version__ = version.VERSION

__all__ = ["__version__"]
