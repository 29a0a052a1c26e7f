"""Encode vectors or texts as spike trains, in NumPy only: the same spikes on every machine."""
