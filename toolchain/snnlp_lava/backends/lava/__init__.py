"""Run networks on Lava's simulator and on Loihi 2, with each Lava runtime in its own process."""
