"""Text to vectors by sentence model, word vectors or a file; words to binary codes; one cache."""
