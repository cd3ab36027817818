"""`Similar`: all sources whose features are similar enough."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.relations.feature_distance import (
    MetricVectors,
    blocks,
    cosine_of,
    metric_distances,
    require_metric,
    require_same_channels,
)
from mmgraph.relations.pairs import edges_from_rows, pair_keys, rows_of_keys


@dataclass(frozen=True)
class Similar:
    """Connects nodes whose features `x` have at least some cosine similarity, or at most some Euclidean distance.

    All within the threshold, so some nodes have many neighbours and some none; `Nearest` gives each equally many::

        a <-> b <-> c                 d           Similar(1.0, "euclidean"), b as far from a as from c
        |-1.0-|

    Args:
        threshold: least similarity (-1 to 1) for "cosine", largest distance for "euclidean"; both included.
        metric: "cosine" (a vector of zeros has similarity 0 with everything), or "euclidean".
        loops: within one modality, connect a node with itself too.
        features: edge features to give: `("similarity",)` for "cosine", `("distance",)` for "euclidean".

    Raises:
        ValueError: on an unknown metric, a threshold that it cannot reach or a feature that it does not give; when
            called, if the two ends have no features or different numbers of them.

    Example:
        >>> words = NodeSet.of([torch.tensor([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0]])])
        >>> edges = Similar(0.9, features=("similarity",))(words, words)
        >>> edges.src.tolist(), edges.dst.tolist()
        ([1, 0], [0, 1])
    """

    threshold: float
    metric: Literal["cosine", "euclidean"] = "cosine"
    _: KW_ONLY
    loops: bool = False
    features: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        require_metric(self.metric, tuple(self.features))
        if self.metric == "cosine" and not -1 <= self.threshold <= 1:
            raise ValueError(f"threshold={self.threshold} is a cosine, in -1..1")
        if self.metric == "euclidean" and not 0 <= self.threshold < math.inf:
            raise ValueError(f"threshold={self.threshold} is a distance, 0 or more and finite")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return tuple(self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        require_same_channels(self, src, dst)
        theirs, own = (MetricVectors.of(nodes, self.metric) for nodes in (src, dst))
        found = [(torch.zeros(0, dtype=torch.int64), src.x[:0, 0])]
        for block in blocks(src, dst, theirs, own, loops=self.loops):
            src_row, dst_row = block.rows(self._near(*block.square(torch.float64), own.x))
            value = metric_distances(theirs, own, src_row, dst_row)
            if theirs.nowhere is not None and own.nowhere is not None:
                value = cosine_of(value).masked_fill_(theirs.nowhere[src_row] | own.nowhere[dst_row], 0.0)
            kept = value >= self.threshold if self.metric == "cosine" else value <= self.threshold
            found.append((pair_keys(src, src_row[kept], dst_row[kept]), value[kept]))
        keys, order = torch.cat([keys for keys, _ in found]).sort()
        features = torch.cat([value for _, value in found])[order].unsqueeze(1) if self.features else None
        return edges_from_rows(src, dst, *rows_of_keys(src, keys), features)

    def _near(self, square: Tensor, slack: Tensor, x: Tensor) -> Tensor:
        """Which pairs may be similar enough when all is rounded."""
        rounding = 8 * x.shape[1] * torch.finfo(x.dtype).eps
        if self.metric == "euclidean":  # a distance is rounded as a part of itself
            limit = self.threshold**2 * (1 + rounding)
        else:  # a cosine as a number about 1
            limit = 2 - 2 * self.threshold + rounding
        return square <= (limit + slack).clamp_(max=torch.finfo(square.dtype).max)
