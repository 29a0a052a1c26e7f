"""Multiply counted operations by published prices to get energy bills."""
