"""`Nearest`: sources with the most similar features."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.graph.ragged import gather_rows, to_ptr
from mmgraph.relations.feature_distance import (
    MetricVectors,
    blocks,
    cosine_of,
    metric_distances,
    require_metric,
    require_same_channels,
)
from mmgraph.relations.pairs import edges_from_rows, pair_keys


@dataclass(frozen=True)
class Nearest:
    """Connects each destination with the `k` sources of its graph whose features `x` are nearest.

    Two nearest of `x`, among nodes drawn where their features are::

        a        b --> x <-- c            d

    A graph with fewer sources gives all of them. Of sources at the same distance those with the lower index are taken,
    so the edges do not depend on chance or on the other graphs of a batch. Distances are looked at in blocks: memory
    does not grow with the square of the nodes, of the batch or of one graph.

    Args:
        k: sources per destination, 1 or more.
        metric: "euclidean", or "cosine" (a vector of zeros has similarity 0 with everything).
        mutual: keep an edge only where each end is among the `k` nearest of the other.
        loops: within one modality, a node may be its own neighbour.
        features: edge features to give: `("distance",)` for "euclidean", `("similarity",)` for "cosine".

    Raises:
        ValueError: on k < 1, an unknown metric, a feature that the metric does not give; when called, if the two ends
            have no features or different numbers of them.

    Example:
        >>> regions = NodeSet.of([torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[5.0]])])
        >>> edges = Nearest(1, features=("distance",))(regions, regions)
        >>> edges.src.tolist(), edges.dst.tolist(), edges.features.squeeze(1).tolist()
        ([1, 0, 1], [0, 1, 2], [1.0, 1.0, 2.0])
    """

    k: int
    metric: Literal["euclidean", "cosine"] = "euclidean"
    _: KW_ONLY
    mutual: bool = False
    loops: bool = False
    features: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        if self.k < 1:
            raise ValueError(f"k={self.k}: give at least 1 neighbour")
        require_metric(self.metric, tuple(self.features))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return tuple(self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        require_same_channels(self, src, dst)
        theirs, own = (MetricVectors.of(nodes, self.metric) for nodes in (src, dst))
        src_row, dst_row = self._chosen(src, dst, theirs, own)
        if self.mutual:
            back_row, from_row = (src_row, dst_row) if src is dst else self._chosen(dst, src, own, theirs)
            # Those chose the sources, so they stand at the other end of the edge.
            kept = torch.isin(pair_keys(src, src_row, dst_row), pair_keys(src, from_row, back_row))
            src_row, dst_row = src_row[kept], dst_row[kept]
        if not self.features:
            return edges_from_rows(src, dst, src_row, dst_row)
        distance = metric_distances(theirs, own, src_row, dst_row)
        feature = distance if self.metric == "euclidean" else cosine_of(distance)
        return edges_from_rows(src, dst, src_row, dst_row, feature.unsqueeze(1))

    def _chosen(self, src: NodeSet, dst: NodeSet, theirs: MetricVectors, own: MetricVectors) -> tuple[Tensor, Tensor]:
        """Source rows and destination rows of the k nearest of each destination, sorted by destination, then source."""
        none = torch.zeros(0, dtype=torch.int64)
        found = [(none, none)]
        # Where the features' own precision leaves many candidates, as far from the origin, twice the precision.
        dtypes = tuple(dict.fromkeys((own.x.dtype, torch.float64)))
        if any(bool((vectors.square > 1e36).any()) for vectors in (theirs, own)):  # too large for float32
            dtypes = (torch.float64,)
        for block in blocks(src, dst, theirs, own, loops=self.loops):
            for dtype in dtypes:
                src_row, dst_row = block.rows(_candidates(*block.square(dtype), self.k, own.x))
                if src_row.numel() <= 2 * self.k * block.destinations.row.numel():
                    break
            found.append(self._nearest_of(src_row, dst_row, theirs, own))
        src_row, dst_row = (torch.cat(parts) for parts in zip(*found, strict=True))
        order = _by_destination(dst_row, dst.num_nodes)
        return src_row[order], dst_row[order]

    def _nearest_of(
        self, src_row: Tensor, dst_row: Tensor, theirs: MetricVectors, own: MetricVectors
    ) -> tuple[Tensor, Tensor]:
        """The k nearest of the candidates of each destination: those of a destination follow each other."""
        _, counts = torch.unique_consecutive(dst_row, return_counts=True)
        many = (counts > self.k).repeat_interleave(counts)
        if not bool(many.any()):
            return src_row, dst_row
        unclear, counts = torch.nonzero(many).squeeze(1), counts[counts > self.k]
        distance = metric_distances(theirs, own, src_row[unclear], dst_row[unclear])
        order = distance.argsort(stable=True)  # of equal ones the first comes first
        order = order[dst_row[unclear][order].argsort(stable=True)]
        rank = torch.empty_like(order)
        rank[order] = torch.arange(order.numel()) - (counts.cumsum(0) - counts).repeat_interleave(counts)
        kept = ~many
        kept[unclear[rank < self.k]] = True
        return src_row[kept], dst_row[kept]


def _candidates(square: Tensor, slack: Tensor, k: int, x: Tensor) -> Tensor:
    """True for every source that can be among the k nearest of its destination when all is rounded."""
    if k >= square.shape[2]:
        return square < torch.inf
    values = square.numpy()
    limit = torch.from_numpy(np.partition(values, k - 1, axis=2)[:, :, k - 1 : k])  # ten times as fast as torch's topk
    # What the exact distance loses by rounding is a part of itself.
    limit = limit.clamp(min=0) * (1 + 4 * x.shape[1] * torch.finfo(x.dtype).eps) + 2 * slack
    return square <= limit.clamp_(max=torch.finfo(square.dtype).max)


def _by_destination(dst_row: Tensor, num_nodes: int) -> Tensor:
    """Order that sorts by destination, by counting: the edges of a destination stand together already."""
    rows, counts = torch.unique_consecutive(dst_row, return_counts=True)
    ptr = to_ptr(torch.bincount(dst_row, minlength=num_nodes))
    order = torch.empty_like(dst_row)
    order[gather_rows(ptr[rows], counts)[0]] = torch.arange(dst_row.numel())
    return order
