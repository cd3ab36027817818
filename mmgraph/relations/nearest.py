"""`Nearest`: sources with the most similar features."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.graph.ragged import gather_rows, to_ptr
from mmgraph.relations.pairs import MAX_PAIRS, edges_from_rows, portions

FEATURE_OF = {"euclidean": "distance", "cosine": "similarity"}


@dataclass(frozen=True)
class Nearest:
    """Connects each destination with the `k` sources of its graph whose features `x` are nearest.

    Two nearest of `x`, among nodes drawn where their features are::

        a        b --> x <-- c            d

    A graph with fewer sources gives all of them. Of sources at the same distance those with the lower index are taken,
    so the edges do not depend on chance or on the other graphs of a batch.

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
        if self.metric not in FEATURE_OF:
            raise ValueError(f"metric={self.metric!r} is not one of {', '.join(FEATURE_OF)}")
        if self.features not in ((), (FEATURE_OF[self.metric],)):
            raise ValueError(f"features={self.features}: metric {self.metric!r} gives {FEATURE_OF[self.metric]!r}")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return tuple(self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        channels, theirs = dst.x.shape[1], src.x.shape[1]
        if channels != theirs or channels == 0:
            raise ValueError(f"{self} compares features of both ends, got {theirs} channels in src, {channels} in dst")
        none = torch.zeros(0, dtype=torch.int64)
        found = [(none, none, src.x[:0, 0])]
        for graphs, num_src, num_dst in _buckets(src.counts, dst.counts):
            found.append(self._among(src, dst, graphs, num_src, num_dst))
        src_row, dst_row, distance = (torch.cat(parts) for parts in zip(*found, strict=True))
        order = _by_destination(dst_row, dst.num_nodes)
        src_row, dst_row, distance = src_row[order], dst_row[order], distance[order]
        features = None
        if self.features:
            features = distance if self.metric == "euclidean" else 1 - distance.square() / 2
            features = features.unsqueeze(1)
        return edges_from_rows(src, dst, src_row, dst_row, features)

    def _among(
        self, src: NodeSet, dst: NodeSet, graphs: Tensor, num_src: int, num_dst: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Source rows, destination rows and distances of the edges of some graphs, padded to the same size."""
        src_row, src_there = _padded(src, graphs, num_src)
        dst_row, dst_there = _padded(dst, graphs, num_dst)
        (theirs, nowhere_src), (own, nowhere_dst) = self._vectors(src.x[src_row]), self._vectors(dst.x[dst_row])
        nowhere = nowhere_dst.unsqueeze(2) | nowhere_src.unsqueeze(1)  # [graphs, destinations, sources]
        possible = dst_there.unsqueeze(2) & src_there.unsqueeze(1)
        if src is dst and not self.loops:
            possible.diagonal(dim1=1, dim2=2).fill_(False)
        square = _rough_square(own, theirs).masked_fill_(nowhere, 2.0).masked_fill_(~possible, torch.inf)
        near = _candidates(square, self.k, own, theirs)
        if self.mutual:
            near |= _candidates(square.transpose(1, 2), self.k, theirs, own).transpose(1, 2)
        distance = torch.full_like(near, torch.inf, dtype=own.dtype)
        distance[near] = _exact(own, theirs, near)
        distance.masked_fill_(nowhere & near, 2**0.5)
        keep = _smallest(distance, self.k)
        if self.mutual:
            keep &= _smallest(distance.transpose(1, 2), self.k).transpose(1, 2)
        graph, to, source = torch.nonzero(keep, as_tuple=True)
        return src_row[graph, source], dst_row[graph, to], distance[graph, to, source]

    def _vectors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors whose Euclidean distance counts, and which of them have no direction although one is needed."""
        if self.metric == "euclidean":
            return x, torch.zeros(x.shape[:2], dtype=torch.bool)
        norm = x.norm(dim=2, keepdim=True)
        # For unit vectors |a - b|^2 = 2 - 2 cos(a, b).
        return x / norm.clamp(min=torch.finfo(x.dtype).tiny), norm.squeeze(2) == 0


def _buckets(src: Tensor, dst: Tensor) -> Iterator[tuple[Tensor, int, int]]:
    """Graphs of about the same size, in portions of bounded memory, with the sizes that they are padded to."""
    there = torch.nonzero((src > 0) & (dst > 0)).squeeze(1)
    sizes = torch.stack([_round_up(src[there]), _round_up(dst[there])], 1)
    pairs, bucket = torch.unique(sizes, dim=0, return_inverse=True)
    for number, (num_src, num_dst) in enumerate(pairs.tolist()):
        graphs = there[bucket == number]
        for begin, end in portions(torch.full_like(graphs, num_src * num_dst), MAX_PAIRS):
            yield graphs[begin:end], num_src, num_dst


def _round_up(size: Tensor) -> Tensor:
    """Up to multiples of 4, above 32 to multiples that grow with the size: a quarter more at most, and few values."""
    step = (2 ** (size.double().log2().floor().long() - 2)).clamp(min=4)
    return (size + step - 1) // step * step


def _padded(nodes: NodeSet, graphs: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Rows [graphs, size] of the nodes, and which of them are there; the others repeat the graph's first row."""
    position = torch.arange(size)
    there = position < nodes.counts[graphs].unsqueeze(1)
    return nodes.ptr[graphs].unsqueeze(1) + torch.where(there, position, 0), there


def _rough_square(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances by a matrix product: fast, but rounded by shape and place, so that it finds candidates only."""
    a, b = a.double(), b.double()
    squares = a.square().sum(2).unsqueeze(2) + b.square().sum(2).unsqueeze(1)
    return torch.baddbmm(squares, a, b.transpose(1, 2), alpha=-2).clamp_(min=0)


def _candidates(square: Tensor, k: int, a: Tensor, b: Tensor) -> Tensor:
    """True for every source that can be among the k nearest of its destination when all is rounded."""
    if k >= square.shape[2]:
        return square < torch.inf
    limit = square.topk(k, dim=2, largest=False, sorted=False).values.amax(2, keepdim=True)
    # What the product loses is a part of the norms, what the exact distance loses is a part of itself.
    size = a.double().square().sum(2).unsqueeze(2) + b.double().square().sum(2).amax(1)[:, None, None]
    slack = a.shape[2] * (1e-14 * size + 4 * torch.finfo(a.dtype).eps * limit)
    return (square <= limit + slack) & (square < torch.inf)


def _exact(a: Tensor, b: Tensor, pairs: Tensor) -> Tensor:
    """Distances at `pairs`, each computed by itself: equal for equal vectors, wherever they stand."""
    graph, i, j = torch.nonzero(pairs, as_tuple=True)
    width, portion = a.shape[2], max(MAX_PAIRS // a.shape[2], 1)
    ends = (a.reshape(-1, width), graph * a.shape[1] + i), (b.reshape(-1, width), graph * b.shape[1] + j)
    parts = [a.new_zeros(0)]
    for rows in zip(*(row.split(portion) for _, row in ends), strict=True):
        one, other = (x.index_select(0, row).unsqueeze(1) for (x, _), row in zip(ends, rows, strict=True))
        parts.append(torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist").view(-1))
    return torch.cat(parts)


def _smallest(distance: Tensor, k: int) -> Tensor:
    """True at the k smallest finite entries of each row; among equal ones the first."""
    if k >= distance.shape[2]:
        return distance < torch.inf
    limit = distance.topk(k, dim=2, largest=False, sorted=False).values.amax(2, keepdim=True)
    below = distance < limit
    equal = (distance == limit) & (distance < torch.inf)
    room = k - below.sum(2, keepdim=True)
    return below | (equal & (equal.cumsum(2, dtype=torch.int32) <= room))


def _by_destination(dst_row: Tensor, num_nodes: int) -> Tensor:
    """Order that sorts by destination, by counting: the edges of a destination stand together already."""
    rows, counts = torch.unique_consecutive(dst_row, return_counts=True)
    ptr = to_ptr(torch.bincount(dst_row, minlength=num_nodes))
    order = torch.empty_like(dst_row)
    order[gather_rows(ptr[rows], counts)[0]] = torch.arange(dst_row.numel())
    return order
