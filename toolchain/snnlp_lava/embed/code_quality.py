"""How much of the likeness between words is kept when their vectors become binary codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snnlp_lava.embed.word_codes import bits_of

NEIGHBOURS = 10

_PAIRS = 20_000
_QUERIES = 1_000
_BLOCK = 1 << 13  # words compared with all queries in one go

Points = Callable[[np.ndarray], np.ndarray]
"""Gives (n, d) points for n rows; the likeness of two words is the product of their points."""


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
        Of the choice of words.

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
    """Spearman's rank correlation of two (n,) arrays; equal values share the mean of their ranks.

    It is 0 where all values of one are equal.
    """
    ranks = np.stack([_ranks(left), _ranks(right)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = np.linalg.norm(ranks, axis=1).prod()
    return float(ranks[0] @ ranks[1] / spread) if spread else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _others(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """For each row another one."""
    return (rows + rng.integers(1, count, rows.shape)) % count


def _nearest(points: Points, queries: np.ndarray, count: int) -> np.ndarray:
    """Rows (q, `NEIGHBOURS`) of the words most alike each query, itself left out."""
    own = points(queries)
    best = np.full((len(queries), NEIGHBOURS), -np.inf, dtype=np.float32)
    best_rows = np.full(best.shape, -1)
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        alike = own @ points(rows).T
        alike[queries[:, None] == rows] = -np.inf
        best = np.hstack([best, alike])
        best_rows = np.hstack([best_rows, np.broadcast_to(rows, alike.shape)])
        top = np.argpartition(-best, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        best, best_rows = (np.take_along_axis(array, top, axis=1) for array in (best, best_rows))
    return best_rows
