"""Make vectors of texts and binary codes of words, and keep them in a cache."""
