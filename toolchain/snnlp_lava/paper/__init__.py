"""Reproduce the SNNLP paper (arXiv 2401.17911): cells, table and figures, with ours beside the paper's."""
