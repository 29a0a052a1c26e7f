"""Training: the SLAYER network, its baselines, the loop and the model folder."""
