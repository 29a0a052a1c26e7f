"""Prediction in memory: the classifier object, and the stream that `snnlp-lava predict` answers."""
