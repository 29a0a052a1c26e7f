"""Train networks and baselines, and write model folders."""
