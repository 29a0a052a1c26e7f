"""Learn binary codes for words with an auto-encoder.

This is the near-lossless binarisation of Tissier, Gravier and Habrard (AAAI 2019).

A code is b = (W x > 0), from which y = tanh(W^T b + c) reconstructs the vector x. W and c descend the gradient of

    mean (x - y)^2  +  lambda / 2 |W^T W - I|^2

through the decoder and the second term only, since the step function has no gradient; the second term keeps the
rows of W orthogonal, so that bits are not redundant. A code does not depend on the length of x, so all vectors are
scaled to one length and all words have equal weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from snnlp_lava.embed.word_codes import MAX_BITS, WordCodes, bits_of, codes_from_arrays, codes_of, is_writable_word
from snnlp_lava.embed.word_vectors import WordVectors
from snnlp_lava.errors import InputError
from snnlp_lava.progress import AdvanceCallback, no_advance

if TYPE_CHECKING:
    import torch

NEIGHBOURS = 10


_PAIRS = 20_000


_QUERIES = 1_000


_QUALITY_BLOCK = 1 << 13  # words compared with all queries at a time


Points = Callable[[np.ndarray], np.ndarray]
"""Maps n rows to points (n, d); the similarity of two words is the dot product of their points."""


def code_quality(vectors: np.ndarray, codes: np.ndarray, bits: int, seed: int) -> dict[str, float]:
    """Compare the cosine of vectors with the share of equal bits in codes (Sokal and Michener's similarity).

    Parameters
    ----------
    vectors
        (V, d) floats, none of them zero, V > `NEIGHBOURS`.
    codes
        (V,) uint64.
    bits
        Length of a code.
    seed
        Seed of the choice of words.

    Returns
    -------
    dict
        ``spearman_random``: Spearman's correlation of the two over 20,000 random pairs of words.
        ``spearman_near``: the same over pairs of 1,000 words with their 10 nearest by cosine and 10 random words.
        ``neighbours_kept``: the share of these nearest words that are among the 10 nearest by code.
    """

    def directions(rows: np.ndarray) -> np.ndarray:
        points = np.asarray(vectors[rows], dtype=np.float32)
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    def signs(rows: np.ndarray) -> np.ndarray:  # their product grows with the number of equal bits
        return bits_of(codes[rows])[:, :bits].astype(np.float32) * 2 - 1

    def agreement(left: np.ndarray, right: np.ndarray) -> float:
        return spearman(*((points(left) * points(right)).sum(axis=1) for points in (directions, signs)))

    rng = np.random.default_rng(seed)
    count = len(vectors)
    left = rng.integers(0, count, _PAIRS)
    random_pairs = agreement(left, _others(left, count, rng))
    queries = rng.permutation(count)[:_QUERIES]
    near, near_by_code = (_nearest(points, queries, count) for points in (directions, signs))
    left = np.repeat(queries, NEIGHBOURS)
    near_and_random = np.concatenate([near.ravel(), _others(left, count, rng)])
    return {
        "spearman_random": random_pairs,
        "spearman_near": agreement(np.tile(left, 2), near_and_random),
        "neighbours_kept": float((near[:, :, None] == near_by_code[:, None, :]).any(axis=2).mean()),
    }


def spearman(left: np.ndarray, right: np.ndarray) -> float:
    """Spearman's rank correlation of two (n,) arrays; ties share their mean rank.

    It is 0 if all values of one array are equal.
    """
    ranks = np.stack([_ranks(left), _ranks(right)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = np.linalg.norm(ranks, axis=1).prod()
    return float(ranks[0] @ ranks[1] / spread) if spread else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _others(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw another row for each row."""
    return (rows + rng.integers(1, count, rows.shape)) % count


def _nearest(points: Points, queries: np.ndarray, count: int) -> np.ndarray:
    """Return rows (q, `NEIGHBOURS`) of the words most similar to each query, excluding itself."""
    own = points(queries)
    best = np.full((len(queries), NEIGHBOURS), -np.inf, dtype=np.float32)
    best_rows = np.full(best.shape, -1)
    for start in range(0, count, _QUALITY_BLOCK):
        rows = np.arange(start, min(start + _QUALITY_BLOCK, count))
        alike = own @ points(rows).T
        alike[queries[:, None] == rows] = -np.inf
        best = np.hstack([best, alike])
        best_rows = np.hstack([best_rows, np.broadcast_to(rows, alike.shape)])
        top = np.argpartition(-best, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        best, best_rows = (np.take_along_axis(array, top, axis=1) for array in (best, best_rows))
    return best_rows


EPOCHS = 10


_LEARNED_FROM = 50_000  # words; word vector files list the most frequent words first


_BATCH = 75


_LEARNING_RATE = 3e-3


_LAMBDA = 1e-3


_WITHIN = 0.999  # fraction of the numbers that are scaled to [-1, 1]; the others are clipped


_BLOCK = 1 << 16  # words encoded at a time


def binarise(
    vectors: WordVectors, bits: int = 64, seed: int = 42, epochs: int = EPOCHS, progress: AdvanceCallback = no_advance
) -> WordCodes:
    """Learn to encode word vectors, and encode all of them.

    Parameters
    ----------
    vectors
        V word vectors, the most frequent words first. A zero vector gets the code 0.
    bits
        Length of a code, at most 64.
    seed
        Seed of the initial weights, the order of the words and the choice of words that are compared.
    epochs
        Passes over the words, or over the first 50,000 if there are more.
    progress
        Called with 1 after each epoch.

    Returns
    -------
    WordCodes
        Codes of the words that `is_writable_word`; the same for the same vectors and seed on the same kind of machine.
        `quality`, over the training words: ``reconstruction_mse``, of numbers scaled to [-1, 1],
        ``reconstruction_cosine``, the mean, and what `code_quality` finds.

    Raises
    ------
    InputError
        If `bits` is outside 1 to 64, or fewer than 11 words have a vector that is not zero.
    """
    if not 1 <= bits <= MAX_BITS:
        raise InputError(f"word codes of {vectors.name}: bits must be 1 to {MAX_BITS}, got {bits}")
    sample = np.array(vectors.vectors[:_LEARNED_FROM], dtype=np.float32)
    sample = sample[sample.any(axis=1)]
    if len(sample) <= NEIGHBOURS:
        raise InputError(
            f"word vectors {vectors.name}: learning codes needs {NEIGHBOURS + 1} or more words with a non-zero vector, "
            f"got {len(sample)}"
        )
    weight, quality = _learn(_scaled(sample), bits, seed, epochs, progress)
    quality |= code_quality(sample, _encode(sample, weight), bits, seed)
    words = [word for word in vectors.words if is_writable_word(word)]
    codes = _encode(vectors.vectors, weight)[np.array([vectors.words[word] for word in words], dtype=np.int64)]
    return codes_from_arrays(
        {word: row for row, word in enumerate(words)}, codes, bits, f"{vectors.name}/{bits}-bit", quality
    )


def _scaled(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors to one length so that `_WITHIN` of the numbers are within [-1, 1]; clip the others."""
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.clip(vectors / np.quantile(np.abs(vectors), _WITHIN), -1, 1)


def _encode(vectors: np.ndarray, weight: np.ndarray) -> np.ndarray:
    blocks = (vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK))
    return np.concatenate([codes_of(block @ weight.T > 0) for block in blocks])


def _learn(
    vectors: np.ndarray, bits: int, seed: int, epochs: int, progress: AdvanceCallback
) -> tuple[np.ndarray, dict[str, float]]:
    """Fit the encoder's weights, (bits, d) float32, and measure how well vectors (n, d) are decoded."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as fast for small matrices, and independent of the number of cores
    try:
        x = torch.from_numpy(vectors)
        random = torch.Generator().manual_seed(seed)
        weight = torch.randn(bits, x.shape[1], generator=random) / x.shape[1] ** 0.5
        offset = torch.zeros(x.shape[1])
        optimiser = torch.optim.Adam([weight.requires_grad_(), offset.requires_grad_()], lr=_LEARNING_RATE)
        unit = torch.eye(x.shape[1])
        for _ in range(epochs):
            for rows in torch.randperm(len(x), generator=random).split(_BATCH):
                lost = (_decoded(x[rows], weight, offset) - x[rows]).square().mean()
                overlap = (weight.T @ weight - unit).square().sum() / 2
                optimiser.zero_grad()
                (lost + _LAMBDA * overlap).backward()
                optimiser.step()
            progress(1)
        with torch.no_grad():
            decoded = _decoded(x, weight, offset)
            quality = {
                "reconstruction_mse": float((decoded - x).square().mean()),
                "reconstruction_cosine": float(torch.cosine_similarity(decoded, x).mean()),
            }
        return weight.detach().numpy(), quality
    finally:
        torch.set_num_threads(threads)


def _decoded(x: torch.Tensor, weight: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    return ((x @ weight.T > 0).float() @ weight + offset).tanh()
