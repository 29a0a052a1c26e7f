"""Vectors or texts to spike trains, in NumPy alone: the same spikes on every machine."""
