"""`Superpixels`: an image as regions of one colour."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray

from mmgraph.features.adjacency import MAX_NEIGHBOURS, neighbours
from mmgraph.features.outline import outlines
from mmgraph.features.picture import check_colours, picture
from mmgraph.features.raw import Part, check_each, extra, join
from mmgraph.features.region_statistics import region_statistics
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet


@dataclass(frozen=True)
class Superpixels:
    """Regions of an image that follow its edges (SLIC, Achanta et al. 2012), with colour and gradient statistics.

    Regions are connected, cover the image, and stand in the order of their first pixel, row by row::

        0 0 0 1 1
        0 0 2 2 1       0 touches 1 and 2, 1 touches 2, 2 touches 3
        3 2 2 2 2       3 touches 0
        3 3 3 2 2

    `x` holds per region the mean and the deviation of each colour, the directions of its gradients (a histogram), the
    mean magnitude of the gradient, and its part of the image; see `region_statistics`. Nodes carry

    - `box`: what the region extends over, x1 y1 x2 y2 in 0..1;
    - `outline` float32 [corners, 2]: its outer border as a polygon, x and y in 0..1, for drawing; few corners are
      filled up with the last one, many are simplified, holes are not cut out (`labels` gives the exact regions);
    - `neighbours` int32 [5]: numbers, within the image, of regions that it touches, then -1. **Every pair of regions
      that touch is listed once, at one of its two ends** (5 always suffice, see `adjacency.MAX_NEIGHBOURS`): a rule
      makes an edge in both directions of each entry;
    - `borders` float32 [5]: the length of each of these borders; 1 is the side of a square as large as the image.

    Args:
        number: of regions that SLIC starts with; what comes out is about that, never more than there are pixels.
        colours: 1 for grey images, 3 for colour images (then grey ones get three equal colours).
        compactness: how much a region prefers to be round over being of one colour; None is 10 for colour images and
            0.1 for grey ones, whose colours span 0..1 instead of the Lab space.
        bins: directions of gradients.
        corners: of an outline.

    Raises:
        ValueError: on a number, bins or a compactness that is not positive, fewer than 3 corners, other colours; when
            called, on an image as `Patches` does.
        ImportError: without scikit-image.

    Example:
        >>> image = np.zeros((8, 8), dtype=np.float32)
        >>> image[:, 4:] = 1
        >>> regions = Superpixels(4, colours=1)([image])  # two on the dark half, two on the light one
        >>> regions.attribute("box")[0].tolist(), regions.x[:, 0].tolist()
        ([0.0, 0.0, 0.5, 0.625], [0.0, 1.0, 0.0, 1.0])
        >>> regions.attribute("neighbours").tolist()
        [[1, 2, -1, -1, -1], [3, -1, -1, -1, -1], [3, -1, -1, -1, -1], [-1, -1, -1, -1, -1]]
    """

    number: int = 64
    _: KW_ONLY
    colours: Literal[1, 3] = 3
    compactness: float | None = None
    bins: int = 8
    corners: int = 32

    def __post_init__(self) -> None:
        check_colours(self.colours)
        for name, least in (("number", 1), ("bins", 1), ("corners", 3)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)}: give at least {least}")
        if self.compactness is not None and not 0 < self.compactness < math.inf:
            raise ValueError(f"compactness={self.compactness}: give a positive number, or None")

    @property
    def channels(self) -> int:
        """Mean and deviation of colours, directions, magnitude, area."""
        return 2 * self.colours + self.bins + 2

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`box`, `outline`, `neighbours`, `borders`."""
        return {
            "box": STANDARD_ATTRIBUTES["box"],
            "outline": Field("float32", (self.corners, 2)),
            "neighbours": Field("int32", (MAX_NEIGHBOURS,)),
            "borders": Field("float32", (MAX_NEIGHBOURS,)),
        }

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: there is nothing to learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The regions of each image, none where it is None."""
        images = check_each(raws, self._image)
        parts = [(index, self._regions(image)) for index, image in images]
        return join(parts, len(raws), self.channels, self.attributes)

    def labels(self, raw: object) -> Int[np.ndarray, "height width"]:
        """The region of each pixel of an image, as its nodes are numbered.

        Example:
            >>> Superpixels(1, colours=1).labels(np.zeros((2, 3))).tolist()
            [[0, 0, 0], [0, 0, 0]]
        """
        return self._labels(self._image(raw))

    def _image(self, raw: object) -> NDArray[np.float32]:
        return picture(raw, self.colours, "Superpixels")

    def _labels(self, image: NDArray[np.float32]) -> NDArray[np.int64]:
        try:
            from skimage.measure import label
            from skimage.segmentation import slic
        except ImportError as error:
            raise ImportError(extra("scikit-image", "image")) from error
        grey = self.colours == 1
        found = slic(
            np.ascontiguousarray(image[:, :, 0] if grey else image),
            n_segments=min(self.number, image.shape[0] * image.shape[1]),
            compactness=(0.1 if grey else 10.0) if self.compactness is None else self.compactness,
            channel_axis=None if grey else -1,
            start_label=0,
        )
        # Numbers in the order of first pixels, and one number for each connected piece.
        return label(found, connectivity=1, background=-1).astype(np.int64) - 1

    def _regions(self, image: NDArray[np.float32]) -> Part:
        from scipy.ndimage import find_objects

        labels = self._labels(image)
        number, size = int(labels.max()) + 1, np.array(labels.shape[::-1])
        slices = find_objects(labels + 1)
        box = np.array([[x.start, y.start, x.stop, y.stop] for y, x in slices]) / np.tile(size, 2)
        touching, length = neighbours(labels, number)
        attributes = {
            "box": torch.from_numpy(box).float(),
            "outline": torch.from_numpy(outlines(labels, number, self.corners) / size).float(),
            "neighbours": torch.from_numpy(touching),
            "borders": torch.from_numpy(length / math.sqrt(labels.size)).float(),
        }
        return torch.from_numpy(region_statistics(image, labels, number, self.bins)).float(), attributes
