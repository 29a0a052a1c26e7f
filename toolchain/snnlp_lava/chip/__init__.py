"""The network as the chip sees it: integers, their limits, and the integer neuron. NumPy and numba alone."""
