"""`RegionAdjacency`: regions of any form that share a border."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import torch

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.pairs import edges_from_rows, needed, pair_keys, rows_of_keys
from mmgraph.relations.pointers import named_rows
from mmgraph.relations.rule import refuse_across


@dataclass(frozen=True)
class RegionAdjacency:
    """Connects regions that touch, such as superpixels, in both directions.

    ::

        0 0 0 1 1
        0 0 2 2 1       0 <-> 1, 0 <-> 2, 1 <-> 2, 0 <-> 3, 2 <-> 3
        3 2 2 2 2
        3 3 3 2 2

    Boxes of such regions overlap without touching, so the front end says who touches whom, as `Superpixels` does: the
    attribute `neighbours` of a region names others by place, filled up with -1. A pair that is listed at one of its
    ends gives both edges; listed at both it gives no more.

    Args:
        features: edge features to give: `border`, the length of the common border.
        neighbours: attribute with the places of neighbours, several per region.
        borders: attribute with the length of each border, in the same order.

    Raises:
        ValueError: on an unknown feature; when called, as `Pointers` does, or across modalities.

    Example:
        >>> regions = NodeSet.of([torch.zeros(4, 1)], neighbours=[torch.tensor([[1, 2], [2, -1], [3, -1], [0, -1]])])
        >>> edges = RegionAdjacency()(regions, regions)
        >>> list(zip(edges.src.tolist(), edges.dst.tolist()))
        [(1, 0), (2, 0), (3, 0), (0, 1), (2, 1), (0, 2), (1, 2), (3, 2), (0, 3), (2, 3)]
    """

    _: KW_ONLY
    features: Sequence[str] = ()
    neighbours: str = "neighbours"
    borders: str = "borders"

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        if self.features not in ((), ("border",)):
            raise ValueError(f"features={self.features}: RegionAdjacency gives 'border'")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return tuple(self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst`."""
        refuse_across(self, src, dst, "take Grid or SpatialClass where boxes say who is beside whom")
        holder, named, column = named_rows(self, dst, dst, self.neighbours)
        keys = torch.cat([pair_keys(dst, holder, named), pair_keys(dst, named, holder)])
        if not self.features:
            return edges_from_rows(src, dst, *rows_of_keys(dst, torch.unique(keys)))
        border = needed(self, dst, self.borders).unsqueeze(1).flatten(1)[holder, column]
        keys, order = keys.sort(stable=True)
        once = torch.ones_like(keys, dtype=torch.bool)
        once[1:] = keys[1:] != keys[:-1]
        features = torch.cat([border, border])[order[once]].unsqueeze(1).to(dst.x.dtype)
        return edges_from_rows(src, dst, *rows_of_keys(dst, keys[once]), features)
