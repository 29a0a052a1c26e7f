"""Turn texts into vectors (sentence model, word vectors, a file) and words into binary codes, with a cache."""
