"""Labelled text: where it comes from, what it holds, how it is split."""
