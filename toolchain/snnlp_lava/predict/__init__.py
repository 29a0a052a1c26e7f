"""Predict in memory: the classifier object, and the stream of `snnlp-lava predict`."""
