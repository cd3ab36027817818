"""Retrieval: how far up the right candidate stands."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float, Int64


def retrieval_ranks(
    scores: Float[np.ndarray, "queries candidates"], queries: Sequence[Hashable], candidates: Sequence[Hashable]
) -> Int64[np.ndarray, " queries"]:
    """The rank of the best right candidate of each query, 1 for the first.

    A candidate is right if it is the same thing: of two stamps that are both called "A star." either one is found.
    Candidates with equal scores stand before the right one, so that a model that scores all alike finds nothing.

    Args:
        scores: higher is better.
        queries: what each query is, such as its text.
        candidates: what each candidate is.

    Raises:
        ValueError: if scores are not finite or not one per pair, or a query has no right candidate.

    Example:
        >>> retrieval_ranks(np.array([[0.9, 0.1], [0.8, 0.2]]), ["a", "b"], ["a", "b"]).tolist()
        [1, 2]
    """
    if scores.shape != (len(queries), len(candidates)) or not np.isfinite(scores).all():
        raise ValueError(f"{scores.shape=}: a finite number per pair of {len(queries)} and {len(candidates)} is wanted")
    asked, there = _numbers(queries, candidates)
    ranks = np.zeros(len(queries), dtype=np.int64)
    for i, query in enumerate(queries):
        right = there == asked[i]
        if not right.any():
            raise ValueError(f"query {i}, {query!r:.80}, has no right candidate")
        ranks[i] = 1 + int((scores[i][~right] >= scores[i][right].max()).sum())
    return ranks


def recall_at(ranks: Int64[np.ndarray, " queries"], k: int) -> float:
    """The share of queries whose right candidate is among the first `k`.

    Example:
        >>> recall_at(np.array([1, 2, 30]), 10)
        0.6666666666666666
    """
    return float((ranks <= k).mean())


def pair_auc(
    scores: Float[np.ndarray, "queries candidates"], queries: Sequence[Hashable], candidates: Sequence[Hashable]
) -> float:
    """The probability that a right pair has a higher score than a wrong one; 0.5 is chance.

    Example:
        >>> pair_auc(np.array([[0.9, 0.1], [0.8, 0.2]]), ["a", "b"], ["a", "b"])
        0.75
    """
    from sklearn.metrics import roc_auc_score

    asked, there = _numbers(queries, candidates)
    return float(roc_auc_score((asked[:, None] == there).reshape(-1), scores.reshape(-1)))


def _numbers(
    queries: Sequence[Hashable], candidates: Sequence[Hashable]
) -> tuple[Int64[np.ndarray, " queries"], Int64[np.ndarray, " candidates"]]:
    """A number for each different thing: they are compared many times as fast."""
    number: dict[Hashable, int] = {}
    asked, there = (
        np.array([number.setdefault(thing, len(number)) for thing in things], dtype=np.int64)
        for things in (queries, candidates)
    )
    return asked, there
