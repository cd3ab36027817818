"""Which regions touch."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import label

from mmgraph.features.adjacency import neighbours


def slow_borders(labels: np.ndarray) -> dict[tuple[int, int], int]:
    """Sides of pixels between every two regions, pixel by pixel."""
    found: dict[tuple[int, int], int] = {}
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            for other in ([labels[y + 1, x]] if y + 1 < height else []) + ([labels[y, x + 1]] if x + 1 < width else []):
                pair = (int(min(labels[y, x], other)), int(max(labels[y, x], other)))
                if pair[0] != pair[1]:
                    found[pair] = found.get(pair, 0) + 1
    return found


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.integers(0, 10**6))
def test_every_pair_is_listed_once_with_its_length(height: int, width: int, colours: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, colours, (height, width))
    labels = label(pixels, connectivity=1, background=-1) - 1
    found, length = neighbours(labels, int(labels.max()) + 1)
    listed = [
        ((min(region, other), max(region, other)), int(sides))
        for region, (row, sizes) in enumerate(zip(found.tolist(), length.tolist(), strict=True))
        for other, sides in zip(row, sizes, strict=True)
        if other >= 0
    ]
    assert len(listed) == len(dict(listed))
    assert dict(listed) == slow_borders(labels)


def test_a_region_with_many_neighbours_is_listed_by_them() -> None:
    labels = np.zeros((3, 20), dtype=np.int64)
    labels[1, 1:19:2] = np.arange(1, 10)
    found, length = neighbours(labels, 10)
    assert (found >= 0).sum() == 9
    assert sorted(length[found >= 0].tolist()) == [4] * 9
