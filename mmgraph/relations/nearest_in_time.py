"""`NearestInTime`: the sources whose time is nearest, between streams of different rates."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import torch
from torch import Tensor

from mmgraph.graph import EdgeList, NodeSet
from mmgraph.graph.ragged import gather_rows, to_ptr
from mmgraph.relations import pairs
from mmgraph.relations.pairs import bisect, edges_from_rows, needed, order_in_graphs


@dataclass(frozen=True)
class NearestInTime:
    """Connects each destination with the `k` sources of its graph whose spans have the nearest centres.

    One nearest face for every word, although the two streams share no clock ticks::

        faces   |  0  |  1  |  2  |  3  |  4  |
        words   |- a -|   |- b -|        | c |
                   0      1, not 2         4

    Unlike `TimeOverlap` it leaves no destination alone, unless `within` says so. Of sources that are equally near those
    with the lower index are taken. A long sequence is no burden: candidates come from a binary search over the centres.

    Args:
        k: sources per destination, 1 or more.
        within: seconds between two centres at most; default: any.
        loops: within one modality, a node may be its own neighbour.
        features: edge features to give: `time_difference` (centre of the source minus centre of the destination,
            seconds).

    Raises:
        ValueError: on k < 1, a negative `within` or an unknown feature; when called, if nodes have no `span`.

    Example:
        >>> words = NodeSet.of([torch.zeros(2, 1)], span=[torch.tensor([[0.0, 0.5], [1.0, 2.0]])])
        >>> faces = NodeSet.of([torch.zeros(3, 1)], span=[torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])])
        >>> edges = NearestInTime(features=("time_difference",))(faces, words)
        >>> edges.src.tolist(), edges.dst.tolist(), edges.features.squeeze(1).tolist()
        ([0, 1], [0, 1], [-0.25, -0.5])
    """

    k: int = 1
    _: KW_ONLY
    within: float = math.inf
    loops: bool = False
    features: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", tuple(self.features))
        if self.k < 1:
            raise ValueError(f"k={self.k}: give at least 1 neighbour")
        if not self.within >= 0:
            raise ValueError(f"within={self.within} is a number of seconds, 0 or more")
        if self.features not in ((), ("time_difference",)):
            raise ValueError(f"features={self.features}: NearestInTime gives 'time_difference'")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features."""
        return tuple(self.features)

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        theirs, own = (needed(self, nodes, "span").double().mean(1) for nodes in (src, dst))
        order = order_in_graphs(src, theirs)
        limit = self._limit(src, dst, theirs[order], own, order)
        slack = 1e-12 * (own.abs() + torch.where(limit < math.inf, limit, 0))  # `limit` itself was rounded
        first = bisect(theirs[order], src, dst, own - limit - slack, right=False)
        counts = bisect(theirs[order], src, dst, own + limit + slack, right=True) - first
        found_src, found_dst = [order[:0]], [order[:0]]
        for begin, end in pairs.portions(counts, pairs.MAX_PAIRS):
            rows, _ = gather_rows(first[begin:end], counts[begin:end])
            dst_row = torch.arange(begin, end).repeat_interleave(counts[begin:end], output_size=rows.numel())
            src_row, dst_row = pairs.rows_of_keys(src, pairs.pair_keys(src, order[rows], dst_row).sort().values)
            distance = (theirs[src_row] - own[dst_row]).abs()
            if src is dst and not self.loops:
                distance.masked_fill_(src_row == dst_row, math.inf)
            kept = _first_k(distance, limit[dst_row], dst_row - begin, self.k)
            found_src.append(src_row[kept])
            found_dst.append(dst_row[kept])
        src_row, dst_row = torch.cat(found_src), torch.cat(found_dst)
        difference = (theirs[src_row] - own[dst_row]).to(dst.x.dtype).unsqueeze(1) if self.features else None
        return edges_from_rows(src, dst, src_row, dst_row, difference)

    def _limit(self, src: NodeSet, dst: NodeSet, centres: Tensor, own: Tensor, order: Tensor) -> Tensor:
        """Distance of the k-th nearest source of each destination, not beyond `within`."""
        alone = src is dst and not self.loops
        # The nearest k stand within so many places before and after, in the order of time; beyond the longest are none.
        reach = min(self.k + alone, int(src.counts.max()) if src.num_nodes else 0)
        if self.k > 2 * reach:
            return torch.full_like(own, self.within)
        place = bisect(centres, src, dst, own, right=False).unsqueeze(1) + torch.arange(-reach, reach)
        there = (place >= src.ptr[dst.graph].unsqueeze(1)) & (place < src.ptr[dst.graph + 1].unsqueeze(1))
        place = place.clamp(0, src.num_nodes - 1)
        distance = (centres[place] - own.unsqueeze(1)).abs().masked_fill_(~there, math.inf)
        if alone:
            distance.masked_fill_(order[place] == torch.arange(dst.num_nodes).unsqueeze(1), math.inf)
        return distance.kthvalue(self.k, dim=1).values.clamp(max=self.within)


def _first_k(distance: Tensor, limit: Tensor, group: Tensor, k: int) -> Tensor:
    """True at the k smallest distances of each group up to its limit; among equal ones the first."""
    kept, size = (distance <= limit) & (distance < math.inf), int(group[-1]) + 1 if group.numel() else 0
    equal = kept & (distance == limit)
    below = torch.bincount(group[kept & ~equal], minlength=size)
    rank = to_ptr(equal.long())[1:]  # how many equal ones there are so far, this one included
    before = to_ptr(torch.bincount(group[equal], minlength=size))[:-1]
    return kept & (~equal | (rank - before[group] + below[group] <= k))
