"""The SNNLP paper (arXiv 2401.17911): its cells, its figures, ours beside them."""
