"""`Grid`: regions of an image that touch."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import edges_from_rows, meeting_rows, needed


@dataclass(frozen=True)
class Grid:
    """Connects regions whose boxes touch: along a side (4 neighbours), or along a side or at a corner (8).

    What is connected with `x`::

        neighbours=4    . o .        neighbours=8    o o o
                        o x o                        o x o
                        . o .                        o o o

    Read off the attribute `box` and not off a number of rows and columns, so grids of any size, ragged ones and regions
    of different sizes work; a large region has as many neighbours as touch it. Boxes that overlap count as touching.

    Args:
        neighbours: 4 or 8.
        loops: within one modality, connect a region with itself too.
        tolerance: boxes that are this far apart still touch, in widths or heights of the image.

    Raises:
        ValueError: on another number of neighbours or a negative tolerance; when called, if nodes have no `box`.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.5, 0.0, 1.0, 0.5], [0.5, 0.5, 1.0, 1.0]])
        >>> regions = NodeSet.of([torch.zeros(3, 1)], box=[box])
        >>> Grid(4)(regions, regions).src.tolist(), Grid(8)(regions, regions).src.tolist()
        ([1, 0, 2, 1], [1, 2, 0, 2, 0, 1])
    """

    neighbours: Literal[4, 8] = 8
    _: KW_ONLY
    loops: bool = False
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        if self.neighbours not in (4, 8):
            raise ValueError(f"neighbours={self.neighbours}: a grid has 4 neighbours (sides) or 8 (sides and corners)")
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance={self.tolerance} is a part of the image, 0 <= tolerance < 1")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        theirs, own = needed(self, src, "box").double(), needed(self, dst, "box").double()

        def touch(src_row: Tensor, dst_row: Tensor) -> Tensor:
            a, b = theirs[src_row], own[dst_row]
            gap = torch.maximum(a[:, :2], b[:, :2]) - torch.minimum(a[:, 2:], b[:, 2:])  # [pairs, 2]; below 0: overlap
            near = (gap <= self.tolerance).all(1)
            if self.neighbours == 4:
                near &= (gap < -self.tolerance).any(1)  # more than a corner in common
            if src is dst:
                near = near | (src_row == dst_row) if self.loops else near & (src_row != dst_row)
            return near

        # Candidates overlap in height; twice the tolerance, so that `touch` alone decides.
        margin = torch.tensor([-2.0, 2.0], dtype=torch.float64) * self.tolerance
        src_row, dst_row = meeting_rows(src, dst, theirs[:, [1, 3]], own[:, [1, 3]] + margin, touch)
        return edges_from_rows(src, dst, src_row, dst_row)
