"""Colour and gradient statistics of the regions of an image."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray


def region_statistics(
    image: Float[np.ndarray, "height width colours"],
    labels: Int[np.ndarray, "height width"],
    number: int,
    bins: int,
) -> Float[np.ndarray, "regions channels"]:
    """Per region: mean of each colour, deviation of each colour, directions of gradients, edges, area, in this order.

    Directions are a histogram of oriented gradients (Dalal and Triggs 2005): of the colour that changes most at a pixel
    (central differences), without sign, weighted by magnitude, divided between the two nearest bins, sum 1, or 0 where
    nothing changes. "Edges" is the mean magnitude, "area" the part of the image.

    Args:
        image: in 0..1.
        labels: the region of each pixel, 0 to `number` - 1; every region has a pixel.
        number: of regions.
        bins: of the histogram.

    Example:
        >>> image = np.array([[[0.0], [1.0]], [[0.0], [1.0]]])
        >>> region_statistics(image, np.array([[0, 1], [0, 1]]), 2, 2)[1].tolist()
        [1.0, 0.0, 1.0, 0.0, 1.0, 0.5]
    """
    index = labels.ravel()
    area = np.bincount(index, minlength=number).astype(np.float64)
    colours = image.reshape(-1, image.shape[2]).astype(np.float64)
    mean = np.stack([_sum(index, column, number) for column in colours.T], 1) / area[:, None]
    apart = np.square(colours - mean[index])
    deviation = np.sqrt(np.stack([_sum(index, column, number) for column in apart.T], 1) / area[:, None])
    magnitude, angle = _gradient(image)
    total = _sum(index, magnitude, number)
    place = angle * (bins / np.pi)
    low = np.floor(place).astype(np.int64)
    part = place - low
    directions = np.zeros(number * bins)
    for bin_, weight in ((low, 1 - part), (low + 1, part)):
        directions += _sum(index * bins + bin_ % bins, magnitude * weight, number * bins)
    shares = directions.reshape(number, bins) / np.where(total > 0, total, 1)[:, None]
    return np.concatenate([mean, deviation, shares, (total / area)[:, None], (area / area.sum())[:, None]], 1)


def _sum(index: NDArray[np.integer], weight: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    return np.bincount(index, weight, minlength=number).astype(np.float64)


def _gradient(image: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Magnitude and direction (0 to below pi) of the gradient at each pixel, flat."""
    values = image.astype(np.float64)
    down, right = (np.gradient(values, axis=a) if values.shape[a] > 1 else np.zeros_like(values) for a in (0, 1))
    magnitude = np.hypot(down, right)
    strongest = magnitude.argmax(2)[:, :, None]
    down, right, magnitude = (np.take_along_axis(part, strongest, 2).ravel() for part in (down, right, magnitude))
    angle = np.arctan2(down, right) % np.pi  # a tiny negative angle gives pi itself
    return magnitude, np.where(angle >= np.pi, 0.0, angle)
