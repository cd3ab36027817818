"""Crops of an image at any box, scaled by averaging."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray


def crops(
    image: Float[np.ndarray, "height width colours"], boxes: Float[np.ndarray, "boxes 4"], size: tuple[int, int]
) -> Float[np.ndarray, "boxes rows columns colours"]:
    """What is in each box, as rows x columns cells; a cell is the mean colour of the area that it covers.

    Pixels count by the part of them that lies in the cell, so that small boxes, large boxes and boxes between pixels
    are all exact.

    Args:
        image: in 0..1.
        boxes: x1, y1, x2, y2 in 0..1, each with an area.
        size: rows and columns of a crop.

    Example:
        >>> image = np.array([[[0.0], [1.0]]])
        >>> crops(image, np.array([[0.25, 0.0, 1.0, 1.0]]), (1, 3)).ravel().tolist()
        [0.0, 1.0, 1.0]
    """
    height, width, _ = image.shape
    rows = _borders(boxes[:, 1], boxes[:, 3], size[0]) * height  # [boxes, rows + 1]
    columns = _borders(boxes[:, 0], boxes[:, 2], size[1]) * width
    total = np.zeros((height + 1, width + 1, image.shape[2]))
    np.cumsum(np.cumsum(image, 0, dtype=np.float64), 1, out=total[1:, 1:])
    # Sums over all above and left of a point: linear between the corners of pixels, for a pixel is one colour.
    sums = _between(total, rows, columns)  # [boxes, rows + 1, columns + 1, colours]
    cells = sums[:, 1:, 1:] - sums[:, :-1, 1:] - sums[:, 1:, :-1] + sums[:, :-1, :-1]
    area = np.diff(rows, axis=1)[:, :, None, None] * np.diff(columns, axis=1)[:, None, :, None]
    return np.clip(cells / area, 0, 1).astype(np.float32)


def _borders(start: NDArray[np.floating], stop: NDArray[np.floating], cells: int) -> NDArray[np.float64]:
    """Borders between cells [boxes, cells + 1]."""
    part = np.linspace(0, 1, cells + 1)
    return start[:, None].astype(np.float64) * (1 - part) + stop[:, None] * part


def _between(
    total: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bilinear values at the crossings of the given rows and columns."""
    top = np.minimum(rows.astype(np.int64), total.shape[0] - 2)
    left = np.minimum(columns.astype(np.int64), total.shape[1] - 2)
    down, right = (rows - top)[:, :, None, None], (columns - left)[:, None, :, None]
    y, x = top[:, :, None], left[:, None, :]
    upper = total[y, x] * (1 - right) + total[y, x + 1] * right
    lower = total[y + 1, x] * (1 - right) + total[y + 1, x + 1] * right
    return upper * (1 - down) + lower * down
