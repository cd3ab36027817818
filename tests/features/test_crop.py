"""Crops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.features.crop import crops


def slow_crop(image: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cell by cell, pixel by pixel, by the area that both share."""
    height, width, colours = image.shape
    found = np.zeros((*size, colours))
    for row in range(size[0]):
        for column in range(size[1]):
            top, bottom = (box[1] + (box[3] - box[1]) * np.array([row, row + 1]) / size[0]) * height
            left, right = (box[0] + (box[2] - box[0]) * np.array([column, column + 1]) / size[1]) * width
            total = 0.0
            for y in range(height):
                for x in range(width):
                    area = max(0, min(bottom, y + 1) - max(top, y)) * max(0, min(right, x + 1) - max(left, x))
                    found[row, column] += area * image[y, x]
                    total += area
            found[row, column] /= total
    return found


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_a_cell_is_the_mean_of_the_area_that_it_covers(
    height: int, width: int, rows: int, columns: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    image = random.random((height, width, 2))
    start = random.random((3, 2)) * 0.9
    boxes = np.concatenate([start, start + 0.01 + (0.99 - start) * random.random((3, 2))], 1)
    found = crops(image, boxes, (rows, columns))
    for crop, box in zip(found, boxes, strict=True):
        assert np.allclose(crop, slow_crop(image, box, (rows, columns)), atol=1e-6)


def test_the_whole_image_at_its_own_size_is_the_image() -> None:
    image = np.random.default_rng(0).random((4, 6, 3))
    assert np.allclose(crops(image, np.array([[0, 0, 1, 1.0]]), (4, 6))[0], image)
