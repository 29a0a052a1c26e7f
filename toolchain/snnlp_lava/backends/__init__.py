"""Execute networks on the emulator, Lava's CPU simulator or a Loihi 2, behind one protocol."""
