"""The integer CUBA network: its layers, its neuron and the ranges of its integers."""
