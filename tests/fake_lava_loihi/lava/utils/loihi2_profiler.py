"""The module by which lava.utils.loihi.is_installed() knows the extension."""
