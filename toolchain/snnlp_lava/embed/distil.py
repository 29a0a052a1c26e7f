"""Word vectors of a sentence model: each word as a sentence of its own, fewer dimensions, frequent words small.

The mean of such vectors comes near the sentence's own vector, and no model is run. Common words, which say little about
a text, hardly count in it (the idea of model2vec and of smooth inverse frequency).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snnlp_lava.embed.sentence import SentenceEmbedder
from snnlp_lava.errors import InputError
from snnlp_lava.progress import Advance, unheard
from snnlp_lava.text.tokens import paper_tokens

RECIPE = "distil-1"  # another number whenever other vectors come out

_SMOOTH = 1e-4  # probability of a word that counts half


def words_of_model(embedder: SentenceEmbedder) -> list[str]:
    """The words of letters and digits in the model's vocabulary, in its order, as `paper_tokens` would give them.

    Of single characters only ASCII ones are words: the others are the alphabets in front of a WordPiece vocabulary.

    Raises
    ------
    InputError
        If the vocabulary has no whole words.
    """
    words = [
        token
        for token in embedder.whole_tokens()
        if token.isalnum() and (len(token) > 1 or token.isascii()) and paper_tokens(token) == [token]
    ]
    if not words:
        raise InputError(
            f"embedding model {embedder.name}: its vocabulary has no whole words to make word vectors of; "
            "give a file of word vectors"
        )
    return words


def distil(embedder: SentenceEmbedder, words: Sequence[str], dimension: int, progress: Advance = unheard) -> np.ndarray:
    """Make word vectors.

    Parameters
    ----------
    embedder
        The sentence model.
    words
        V different words, the most frequent first.
    dimension
        Length of a vector, at most the model's.
    progress
        Advances by words.

    Returns
    -------
    np.ndarray
        (V, dimension) float32: the words' sentence vectors on their first principal axes, each scaled by
        `rarity` of its rank.
    """
    vectors = on_principal_axes(embedder.embed(words, progress), dimension)
    return (vectors * rarity(len(words))[:, None]).astype(np.float32)


def on_principal_axes(vectors: np.ndarray, dimension: int) -> np.ndarray:
    """Centred vectors (V, d) on the `dimension` axes along which they vary most: (V, dimension) float64.

    An axis has no direction of its own; here its largest component is positive.
    """
    centred = vectors.astype(np.float64)
    centred -= centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # in columns, by rising variance
    axes = axes[:, ::-1][:, :dimension]
    largest = np.abs(axes).argmax(axis=0)
    return centred @ (axes * np.sign(axes[largest, np.arange(dimension)]))


def rarity(count: int) -> np.ndarray:
    """Weights (count,) of words by rank, the most frequent first: near 0 for frequent words, near 1 for rare ones.

    By Zipf's law the word of rank r has a probability p proportional to 1/r; its weight is a / (a + p).
    """
    frequency = 1 / np.arange(1, count + 1)
    return _SMOOTH / (_SMOOTH + frequency / frequency.sum())
