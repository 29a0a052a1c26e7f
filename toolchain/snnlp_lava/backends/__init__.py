"""Where a network runs: the emulator (NumPy), Lava's CPU simulator. One protocol, one result."""
