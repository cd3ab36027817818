"""Outlines of regions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path
from skimage.measure import label

from mmgraph.features.outline import outlines


def pieces(height: int, width: int, seed: int) -> tuple[np.ndarray, int]:
    """A map of connected regions, as superpixels make it, of any shape and with holes."""
    colours = np.random.default_rng(seed).integers(0, 3, (height, width))
    labels = label(colours, connectivity=1, background=-1) - 1
    return labels, int(labels.max()) + 1


def inside(polygon: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    return Path(polygon).contains_points(np.stack([x.ravel(), y.ravel()], 1)).reshape(shape)


def filled(region: np.ndarray) -> np.ndarray:
    """The region without its holes: what cannot be reached from outside."""
    framed = np.pad(region, 1)
    outside = label(~framed, connectivity=2)
    return (outside != outside[0, 0])[1:-1, 1:-1] | region


@settings(max_examples=25)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10**6))
def test_with_enough_corners_the_polygon_is_the_region_without_its_holes(height: int, width: int, seed: int) -> None:
    labels, number = pieces(height, width, seed)
    for region, polygon in enumerate(outlines(labels, number, 200)):
        assert (inside(polygon, labels.shape) == filled(labels == region)).all()


def test_a_square_has_four_corners_clockwise_and_the_last_one_repeats() -> None:
    labels = np.zeros((4, 4), dtype=np.int64)
    labels[1:3, 1:3] = 1
    assert outlines(labels, 2, 6)[1].tolist() == [[1, 1], [3, 1], [3, 3], [1, 3], [1, 3], [1, 3]]


def test_of_many_corners_those_go_that_change_least() -> None:
    labels = np.zeros((9, 9), dtype=np.int64)
    labels[1:8, 1:8] = 1
    labels[1, 1] = 0  # a bite of one pixel
    # The bite goes to a slope, which goes from where the outline started to its end.
    assert outlines(labels, 2, 5)[1].tolist() == [[2, 1], [8, 1], [8, 8], [1, 8], [1, 2]]


def test_pixels_that_touch_at_a_corner_only_are_not_crossed() -> None:
    labels = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 2]])
    assert outlines(labels, 3, 4)[1].tolist() == [[1, 1], [2, 1], [2, 2], [1, 2]]
