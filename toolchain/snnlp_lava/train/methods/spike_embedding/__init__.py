"""The spike embedding: words, pairs and n-grams as input lines of their own, chosen and weighed by the data."""
