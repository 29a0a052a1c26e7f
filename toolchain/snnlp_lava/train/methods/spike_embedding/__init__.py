"""The spike embedding: learned sparse codes of words and pairs of words."""
