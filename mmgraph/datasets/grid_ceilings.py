"""What the best possible reader of some of SpokenGrid's modalities can reach."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations

import numpy as np
from jaxtyping import Int64

from mmgraph.datasets.instructions import QUESTIONS, neighbour_cells

MODALITIES = ("image", "text", "audio")


def ceilings(question: str = "place") -> dict[frozenset[str], float]:
    """Accuracy of Bayes' rule for each set of modalities, by enumerating every case with its probability.

    The rule knows how samples are drawn and perceives without error: it reads every digit of the picture, understands
    the text and the spoken digit. It is the most that any model can expect from these modalities; a table of the
    values is in the docstring of `SpokenGrid`.

    Args:
        question: `"place"` or `"neighbour"`.

    Returns:
        Accuracy in 0..1 by set of modalities, from the empty set (guessing the most frequent answer) to all three.

    Raises:
        ValueError: If `question` is neither.

    Example:
        >>> best = ceilings("place")
        >>> best[frozenset({"image", "text"})], best[frozenset({"image", "text", "audio"})]
        (0.55, 1.0)
    """
    if question not in QUESTIONS:
        raise ValueError(f"{question=} must be one of {QUESTIONS}")
    return dict(_ceilings(question))


@lru_cache
def _ceilings(question: str) -> tuple[tuple[frozenset[str], float], ...]:
    best: dict[str, Callable[[tuple[str, ...]], float]] = {"place": _place, "neighbour": _neighbour}
    subsets = (subset for size in range(len(MODALITIES) + 1) for subset in combinations(MODALITIES, size))
    return tuple((frozenset(subset), best[question](subset)) for subset in subsets)


def _place(subset: tuple[str, ...]) -> float:
    """All 10^4 pictures x 10 spoken digits x 4 operations x 4 places, each as likely as the others."""
    picture, spoken, operation, place = (
        axis.reshape(-1) for axis in np.indices((10**4, 10, 4, 4), dtype=np.int64).reshape(4, -1)
    )
    seen = picture // 10**place % 10
    answer = np.stack([seen, spoken, np.maximum(seen, spoken), np.minimum(seen, spoken)])
    observed = np.zeros_like(picture)
    if "image" in subset:
        observed = picture
    if "text" in subset:
        observed = observed * 16 + operation * 4 + place
    if "audio" in subset:
        observed = observed * 10 + spoken
    return _accuracy(observed, answer[operation, np.arange(len(operation))], np.ones_like(observed))


def _neighbour(subset: tuple[str, ...]) -> float:
    """Cases up to a renaming of the digits, under which the draw of samples does not change.

    With the picture, one grid stands for all: cell number = digit. Without it only the pair (spoken digit, answer)
    matters, and every pair is as likely as the others.
    """
    cases: list[tuple[int, int, int, int]] = []  # operation, spoken, answer, weight
    for operation, pairs in enumerate(neighbour_cells()):
        if "image" in subset:
            cases += [(operation, spoken, answer, 90 // len(pairs)) for spoken, answer in pairs]
        elif pairs[0][0] == pairs[0][1]:
            cases += [(operation, digit, digit, 9) for digit in range(10)]
        else:
            cases += [(operation, a, b, 1) for a in range(10) for b in range(10) if a != b]
    table = np.array(cases, dtype=np.int64)
    observed = np.zeros(len(table), dtype=np.int64)
    if "text" in subset:
        observed = table[:, 0]
    if "audio" in subset:
        observed = observed * 10 + table[:, 1]
    return _accuracy(observed, table[:, 2], table[:, 3])


def _accuracy(
    observed: Int64[np.ndarray, " cases"], answer: Int64[np.ndarray, " cases"], weight: Int64[np.ndarray, " cases"]
) -> float:
    """Weight of the likeliest answer to each observation, as a share of all weight."""
    pair, inverse = np.unique(observed * 10 + answer, return_inverse=True)
    weight_of_pair = np.bincount(inverse, weights=weight)  # whole numbers below 2^53: exact
    first = np.flatnonzero(np.diff(pair // 10, prepend=-1))
    return float(np.maximum.reduceat(weight_of_pair, first).sum() / weight_of_pair.sum())
