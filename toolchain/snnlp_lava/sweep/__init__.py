"""Train every combination of a grid once, resumably, on local processes or a Dask cluster."""
