"""`Patches`: an image as a grid of square or oblong regions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmgraph.features.picture import check_colours, picture
from mmgraph.features.raw import check_each
from mmgraph.graph import STANDARD_ATTRIBUTES, Field, NodeSet
from mmgraph.graph.ragged import gather_rows, to_ptr


@dataclass(frozen=True)
class Patches:
    """One region per `size` pixels of an image, in reading order, with its pixels as features.

    An image of 5x4 pixels under `Patches(2)`; the boxes of regions 4 and 5 are cut at the edge of the image::

        0 0 1 1
        0 0 1 1
        2 2 3 3
        2 2 3 3
        4 4 5 5
        . . . .     the missing row repeats the last one

    Images of one call may differ in size. Nodes carry `box`, as parts of the image.

    Args:
        size: pixels of a region, (height, width) or one number for both.
        colours: 1 for grey images [height, width], 3 for colour images [height, width, 3]. With 3, grey images get
            three equal colours, and an image with a fourth channel, alpha, is laid over white. With 1, a colour image
            is an error, since its colours would be lost.

    An image is uint8 (0..255), or floating point in 0..1. `x` [regions, height * width * colours] is float32 in 0..1.

    Raises:
        ValueError: on a size below 1 or other colours; when called, on an image of another shape or dtype, without
            pixels or with too many, or with values that are not finite or not in 0..1.

    Example:
        >>> regions = Patches((2, 2))([np.arange(16, dtype=np.uint8).reshape(4, 4), None])
        >>> regions.counts.tolist(), (regions.x[1] * 255).tolist(), regions.attribute("box")[1].tolist()
        ([4, 0], [2.0, 3.0, 6.0, 7.0], [0.5, 0.0, 1.0, 0.5])
    """

    size: int | Sequence[int] = (4, 4)
    _: KW_ONLY
    colours: Literal[1, 3] = 1

    def __post_init__(self) -> None:
        size = (self.size, self.size) if isinstance(self.size, int) else tuple(self.size)
        object.__setattr__(self, "size", size)
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"size={size} is (height, width) in pixels, at least 1")
        check_colours(self.colours)

    @property
    def channels(self) -> int:
        """Pixels of a region times colours."""
        height, width = self._size
        return height * width * self.colours

    @property
    def attributes(self) -> Mapping[str, Field]:
        """`box`."""
        return {"box": STANDARD_ATTRIBUTES["box"]}

    @property
    def _size(self) -> tuple[int, int]:
        return self.size  # type: ignore[return-value]  # a pair since __post_init__

    def fit(self, raws: Iterable[Any]) -> Self:
        """Itself: there is nothing to learn."""
        return self

    def __call__(self, raws: Sequence[Any]) -> NodeSet:
        """The regions of each image, none where it is None."""
        images = check_each(raws, lambda raw: picture(raw, self.colours, "Patches"))
        counts = torch.zeros(len(raws), dtype=torch.int64)
        by_shape: dict[tuple[int, ...], list[tuple[int, NDArray[Any]]]] = {}
        for index, image in images:
            by_shape.setdefault(image.shape, []).append((index, image))
        for shape, group in by_shape.items():
            counts[[index for index, _ in group]] = self._rows(shape[0]) * self._columns(shape[1])
        ptr = to_ptr(counts)
        x, box = torch.empty(int(ptr[-1]), self.channels), torch.empty(int(ptr[-1]), 4)
        for shape, group in by_shape.items():
            members = torch.tensor([index for index, _ in group])
            rows, _ = gather_rows(ptr[members], counts[members])
            x[rows] = self._cut(np.stack([image for _, image in group]))
            box[rows] = self._boxes(*shape[:2]).repeat(len(group), 1)
        return NodeSet(x, ptr, {"box": box})

    def _rows(self, height: int) -> int:
        return -(-height // self._size[0])

    def _columns(self, width: int) -> int:
        return -(-width // self._size[1])

    def _cut(self, images: NDArray[np.float32]) -> Tensor:
        """Regions [images * regions, channels] of images [images, height, width, colours]."""
        number, height, width, colours = images.shape
        rows, columns, (tall, wide) = self._rows(height), self._columns(width), self._size
        below, right = rows * tall - height, columns * wide - width
        if below or right:
            images = np.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
        parts = torch.from_numpy(images).view(number, rows, tall, columns, wide, colours)
        return parts.transpose(2, 3).reshape(number * rows * columns, -1)

    def _boxes(self, height: int, width: int) -> Tensor:
        """Boxes [regions, 4] of an image."""
        y = (torch.arange(self._rows(height) + 1) * self._size[0]).clamp(max=height) / height
        x = (torch.arange(self._columns(width) + 1) * self._size[1]).clamp(max=width) / width
        top, left = torch.meshgrid(y[:-1], x[:-1], indexing="ij")
        bottom, right = torch.meshgrid(y[1:], x[1:], indexing="ij")
        return torch.stack([left, top, right, bottom], 2).view(-1, 4)
