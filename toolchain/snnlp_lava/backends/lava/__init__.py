"""Lava's simulator and Loihi 2, both through Lava runtimes in processes of their own."""
