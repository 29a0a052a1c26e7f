"""A run: from a network file and inputs to a run folder; and verification."""
