"""One of several processes that use a cache at once: fill each folder named on stdin and check what is found there."""

import os
import sys
from pathlib import Path

import numpy as np

from snnlp_lava.embed import embedders
from snnlp_lava.embed.cache import EmbeddingCache
from snnlp_lava.embed.word_codes import codes_from_arrays

WORDS = Path(sys.argv[1])
TEXTS = [f"text {number}" for number in range(20)]
VECTORS = np.arange(80, dtype=np.float32).reshape(20, 4)


def made(vectors, progress):
    """In the place of codes that take seconds to learn."""
    return codes_from_arrays(vectors.words, np.arange(len(vectors.words), dtype=np.uint64), 64, "made", {"mse": 0.5})


embedders.binarise = made
for folder in sys.stdin:
    os.environ["SNNLP_LAVA_CACHE"] = folder.strip()
    codes = embedders.word_codes(None, WORDS, "none")
    assert list(codes.words) == [f"word{number}" for number in range(50)], codes
    assert (codes.codes.tolist(), dict(codes.quality)) == (list(range(50)), {"mse": 0.5})
    vectors = embedders._word_vectors(WORDS, "none", lambda *stage: None)
    assert np.array_equal(vectors.vectors, np.arange(50)[:, None].repeat(3, axis=1))
    cache = EmbeddingCache("ab" * 32, 4)
    cache.put(TEXTS, VECTORS)
    found = cache.get(TEXTS)
    assert all(np.array_equal(found[text], vector) for text, vector in zip(TEXTS, VECTORS, strict=True))
    sys.stdout.write("done\n")
    sys.stdout.flush()
