"""The network file: NetX HDF5 as lava-dl reads it, and the group /snnlp that makes it complete."""
