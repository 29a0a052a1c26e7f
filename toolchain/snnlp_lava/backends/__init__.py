"""Where a network runs: the emulator (NumPy), Lava's CPU simulator, a Loihi 2. One protocol, one result."""
