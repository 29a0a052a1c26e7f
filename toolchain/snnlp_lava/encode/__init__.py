"""Vectors to spike trains, in NumPy alone: exact, closed form, the same everywhere."""
