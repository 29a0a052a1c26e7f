"""A network in one HTML page that computes it in the reader's browser, in the chip's integers."""
