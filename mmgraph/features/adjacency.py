"""Which regions of an image touch, in a fixed number of numbers per region."""

import numpy as np
from jaxtyping import Float, Int

MAX_NEIGHBOURS = 5
"""Regions in the plane that share borders form a planar graph, and such a graph always has a node with at most 5
neighbours. Taking such nodes away one by one lists every pair at one of its ends, and at most 5 at each."""


def neighbours(
    labels: Int[np.ndarray, "height width"], number: int
) -> tuple[Int[np.ndarray, "regions 5"], Float[np.ndarray, "regions 5"]]:
    """The regions that share a side of a pixel: every pair once, listed at one of its two ends.

    Args:
        labels: the region of each pixel, 0 to `number` - 1; each is connected over the sides of its pixels.
        number: of regions.

    Returns:
        For each region up to 5 of the regions that it touches, in rising order, then -1; and how many sides of pixels
        each of these borders is long.

    Example:
        >>> found, length = neighbours(np.array([[0, 1], [0, 2]]), 3)
        >>> found[:2].tolist(), length[:2].astype(int).tolist()
        ([[1, 2, -1, -1, -1], [2, -1, -1, -1, -1]], [[1, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    """
    pairs, lengths = _pairs(labels, number)
    touching: list[dict[int, int]] = [{} for _ in range(number)]
    for (a, b), length in zip(pairs.tolist(), lengths.tolist(), strict=True):
        touching[a][b] = touching[b][a] = length
    found = np.full((number, MAX_NEIGHBOURS), -1)
    borders = np.zeros((number, MAX_NEIGHBOURS))
    few = [region for region in range(number - 1, -1, -1) if len(touching[region]) <= MAX_NEIGHBOURS]
    queued = set(few)
    while few:
        region = few.pop()
        for column, (other, length) in enumerate(sorted(touching[region].items())):
            found[region, column], borders[region, column] = other, length
            del touching[other][region]
            if len(touching[other]) <= MAX_NEIGHBOURS and other not in queued:
                queued.add(other)
                few.append(other)
    return found, borders


def _pairs(
    labels: Int[np.ndarray, "height width"], number: int
) -> tuple[Int[np.ndarray, "pairs 2"], Int[np.ndarray, " pairs"]]:
    """Pairs of regions side by side or above each other, the lower number first, and the length of their border."""
    sides = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    first, second = (np.concatenate([side[end].ravel() for side in sides]).astype(np.int64) for end in (0, 1))
    low, high = np.minimum(first, second), np.maximum(first, second)
    key, lengths = np.unique((low * number + high)[low != high], return_counts=True)
    return np.stack([key // number, key % number], 1), lengths
