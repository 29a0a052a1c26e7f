"""Grids of trainings: every combination once, resumable, on local processes or a Dask cluster."""
