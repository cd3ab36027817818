"""`draw_regions`: an image with its regions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from torch import Tensor

from mmgraph.viz.style import INK, TINT, tints


def draw_regions(
    image: np.ndarray | None,
    boxes: Sequence[Sequence[float]] | Tensor,
    *,
    outlines: Float[Tensor, "regions corners 2"] | None = None,
    flow: Float[Tensor, " regions"] | None = None,
    largest: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The image, the borders of its regions, and a tint by flow, scaled to the largest.

    Does not show: how regions overlap (tints of overlapping boxes add up), nor absolute brightness where an image of
    floats goes beyond 1 (it is divided by its largest value).

    Args:
        image: [height, width] or [height, width, 3], uint8, or floats of which 0..1 (or 0..largest) is black to white;
            None draws the regions on white.
        boxes: x1, y1, x2, y2 of each region in 0..1.
        outlines: x and y in 0..1 of the corners of each region, where regions are no boxes.
        flow: a number of at least 0 per region.
        largest: the flow that has the full tint; the largest of the regions if not given.
        ax: where to draw; a new figure if not given.

    Raises:
        ValueError: if the image has another shape.

    Example:
        >>> ax = draw_regions(np.zeros((8, 8)), [[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> len(ax.images), len(ax.collections[-1].get_paths())
        (1, 2)
    """
    ax = Figure(figsize=(4, 4), layout="constrained").subplots() if ax is None else ax
    ax.set(xlim=(0, 1), ylim=(1, 0), xticks=[], yticks=[])
    if image is not None:
        pixels = _pixels(image)
        ax.imshow(pixels, extent=(0, 1, 1, 0), cmap="gray", vmin=0, vmax=1)
        ax.set_aspect(pixels.shape[0] / pixels.shape[1])
    corners = region_corners(boxes, outlines)
    if flow is not None:
        faces = [to_rgba(TINT, 0.5 * strength) for strength in tints(flow, largest)]
        ax.add_collection(PolyCollection(list(corners), facecolors=faces, edgecolors="none", gid="flow"))
    # A dark line with a light one around it shows on any picture; fainter where there are many.
    many = float(np.clip((len(corners) / 25) ** 0.5, 1.0, 4.0))
    for color, width, opacity in (("white", 2.0, 0.65), (INK, 0.9, 0.9)):
        edges, width = to_rgba(color, opacity / many**0.5), max(width / many, 0.3)
        regions = PolyCollection(list(corners), facecolors="none", edgecolors=edges, linewidths=width, gid="regions")
        ax.add_collection(regions)
    return ax


def region_corners(
    boxes: Sequence[Sequence[float]] | Tensor, outlines: Float[Tensor, "regions corners 2"] | None = None
) -> Float[np.ndarray, "regions corners 2"]:
    """The corners of each region, x and y: of its outline where there is one, else of its box.

    Example:
        >>> region_corners([[0, 0, 0.5, 1]]).tolist()
        [[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]]
    """
    if outlines is not None:
        return np.asarray(outlines.cpu(), dtype=np.float64)
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)


def image_shape(image: np.ndarray | None) -> tuple[int, int]:
    """Height and width of an image; a square where there is none.

    Example:
        >>> image_shape(np.zeros((2, 4, 3)))
        (2, 4)
    """
    return (1, 1) if image is None else _pixels(image).shape[:2]


def pale(image: np.ndarray | None) -> np.ndarray | None:
    """The image in light greys, 0.3..1, on which a tint shows wherever it falls; None where there is none.

    Example:
        >>> pale(np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8))
        array([[0.3, 1. ]])
    """
    if image is None:
        return None
    values = _pixels(image)
    grey = values if values.ndim == 2 else values[..., :3] @ np.array([0.299, 0.587, 0.114])  # of ITU-R BT.601
    return 0.3 + 0.7 * grey


def _pixels(image: np.ndarray) -> np.ndarray:
    """The image with values in 0..1."""
    values = np.asarray(image)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (3, 4)) or values.size == 0:
        raise ValueError(f"an image is [height, width] or [height, width, 3], got shape {values.shape}")
    if values.dtype == np.uint8:
        return values / 255
    values = values.astype(np.float64)
    return np.clip(values / max(values.max(), 1.0), 0, 1)
