"""Text to vectors: sentence-transformers with one cache, or ready vectors from a file."""
