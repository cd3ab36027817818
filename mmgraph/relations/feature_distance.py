"""Distances between the features of nodes: roughly for all pairs of a graph, exactly for single ones."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import NodeSet
from mmgraph.relations import pairs

FEATURE_OF = {"euclidean": "distance", "cosine": "similarity"}
"""What an edge feature of each metric is called."""


def require_same_channels(rule: object, src: NodeSet, dst: NodeSet) -> None:
    """Raises ValueError, naming `rule`, unless both ends have features, and as many."""
    channels, theirs = dst.x.shape[1], src.x.shape[1]
    if channels != theirs or channels == 0:
        raise ValueError(f"{rule} compares features of both ends, got {theirs} channels in src, {channels} in dst")


def require_metric(metric: str, features: tuple[str, ...]) -> None:
    """Raises ValueError on an unknown metric, or an edge feature that it does not give."""
    if metric not in FEATURE_OF:
        raise ValueError(f"metric={metric!r} is not one of {', '.join(FEATURE_OF)}")
    if features not in ((), (FEATURE_OF[metric],)):
        raise ValueError(f"features={features}: metric {metric!r} gives {FEATURE_OF[metric]!r}")


def unit_vectors(x: Float[Tensor, "nodes channels"]) -> tuple[Float[Tensor, "nodes channels"], Bool[Tensor, " nodes"]]:
    """Vectors of length 1, and which of them have no direction: these stay 0."""
    exact = x.double()  # in float32 the squares of large features are infinite, those of tiny ones 0
    norm = exact.norm(dim=1, keepdim=True)
    return (exact / norm.clamp(min=torch.finfo(exact.dtype).tiny)).to(x.dtype), norm.squeeze(1) == 0


@dataclass(frozen=True)
class MetricVectors:
    """Vectors whose Euclidean distance counts for a metric.

    Attributes:
        x: the features, for "cosine" at length 1.
        square: squared length of each; 1 where there is no direction, which puts it at cosine 0 from everything.
        nowhere: for "cosine", which have no direction.
    """

    x: Float[Tensor, "nodes channels"]
    square: Float[Tensor, " nodes"]
    nowhere: Bool[Tensor, " nodes"] | None

    @classmethod
    def of(cls, nodes: NodeSet, metric: str) -> "MetricVectors":
        """The vectors of nodes."""
        if metric == "euclidean":
            return cls(nodes.x, nodes.x.double().square().sum(1), None)
        x, nowhere = unit_vectors(nodes.x)
        return cls(x, x.double().square().sum(1).masked_fill_(nowhere, 1.0), nowhere)


def cosine_of(distance: Float[Tensor, " pairs"]) -> Float[Tensor, " pairs"]:
    """Cosine of two unit vectors at a distance: |a - b|^2 = 2 - 2 cos(a, b)."""
    return 1 - distance.square() / 2


def distances(
    a: Float[Tensor, "sources channels"],
    b: Float[Tensor, "destinations channels"],
    a_row: Int[Tensor, " pairs"],
    b_row: Int[Tensor, " pairs"],
) -> Float[Tensor, " pairs"]:
    """Euclidean distance of each pair, computed by itself: equal for equal vectors, wherever they stand."""
    portion = max(pairs.MAX_PAIRS // a.shape[1], 1)
    parts = [a.new_zeros(0)]
    for one, other in zip(a_row.split(portion), b_row.split(portion), strict=True):
        ends = (a.index_select(0, one).unsqueeze(1), b.index_select(0, other).unsqueeze(1))
        parts.append(torch.cdist(*ends, compute_mode="donot_use_mm_for_euclid_dist").view(-1))
    return torch.cat(parts)


def metric_distances(
    theirs: MetricVectors, own: MetricVectors, src_row: Int[Tensor, " pairs"], dst_row: Int[Tensor, " pairs"]
) -> Float[Tensor, " pairs"]:
    """Exact distances for a metric; sqrt(2), which is cosine 0, where an end has no direction."""
    found = distances(theirs.x, own.x, src_row, dst_row)
    if theirs.nowhere is not None and own.nowhere is not None:
        found.masked_fill_(theirs.nowhere[src_row] | own.nowhere[dst_row], 2**0.5)
    return found


class Padded:
    """Nodes of some graphs at the same places, padded with the first node of each graph.

    Attributes:
        row: their rows, int64 [graphs, places].
        there: which of them are there.
    """

    def __init__(self, nodes: NodeSet, given: MetricVectors, graphs: Tensor, first: int, stop: int) -> None:
        place = torch.arange(first, stop)
        self.there = place < nodes.counts[graphs].unsqueeze(1)
        self.row = nodes.ptr[graphs].unsqueeze(1) + torch.where(self.there, place, 0)
        self._given = given
        self._vectors: dict[torch.dtype, tuple[Tensor, Tensor]] = {}

    def vectors(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Vectors [graphs, places, channels] and their squared lengths, infinite where there is no node."""
        if dtype not in self._vectors:
            square = torch.where(self.there, self._given.square[self.row].to(dtype), torch.inf)
            self._vectors[dtype] = self._given.x[self.row].to(dtype), square
        return self._vectors[dtype]


@dataclass(frozen=True)
class Block:
    """All sources and some destinations of some graphs, padded to the same number.

    Attributes:
        sources: the sources.
        destinations: the destinations.
        loops_at: place of the first destination where a node must not meet itself, None where it may.
        room: memory for `square`, which all blocks share: only the last one asked for is valid.
    """

    sources: Padded
    destinations: Padded
    loops_at: int | None
    room: Tensor

    def square(
        self, dtype: torch.dtype
    ) -> tuple[Float[Tensor, "graphs destinations sources"], Float[Tensor, "graphs destinations 1"]]:
        """Squared distances, infinite where there is no pair, and by how much rounding can have moved them.

        They come from a matrix product, which is fast, but rounds by shape and place: good for finding candidates.
        """
        (a, size_a), (b, size_b) = self.sources.vectors(dtype), self.destinations.vectors(dtype)
        shape = (a.shape[0], b.shape[1], a.shape[1])
        square = self.room[: math.prod(shape) * dtype.itemsize].view(dtype).view(shape)
        torch.bmm(-2 * b, a.transpose(1, 2), out=square)
        square.add_(size_a.unsqueeze(1)).add_(size_b.unsqueeze(2))
        if self.loops_at is not None:
            square.diagonal(self.loops_at, dim1=1, dim2=2).fill_(torch.inf)
        finite = (torch.where(size < torch.inf, size, 0) for size in (size_a, size_b))
        largest, own = next(finite).amax(1)[:, None, None], next(finite).unsqueeze(2)
        return square, 4 * a.shape[2] * torch.finfo(dtype).eps * (own + largest)

    def rows(self, near: Bool[Tensor, "graphs destinations sources"]) -> tuple[Tensor, Tensor]:
        """Rows of the sources and destinations of the pairs at which `near` holds, in order of the destinations."""
        num_dst, num_src = near.shape[1:]
        place = torch.from_numpy(np.flatnonzero(near.numpy()))  # several times as fast as torch's
        row = place // num_src
        graph = row // num_dst
        return self.sources.row.view(-1)[place + (graph - row) * num_src], self.destinations.row.view(-1)[row]


def blocks(src: NodeSet, dst: NodeSet, theirs: MetricVectors, own: MetricVectors, *, loops: bool) -> Iterator[Block]:
    """All pairs of every graph, in blocks of about `MAX_PAIRS`: memory does not grow with the square of the nodes.

    Args:
        src: source nodes.
        dst: destination nodes; `src is dst` within a modality.
        theirs: vectors of the sources.
        own: vectors of the destinations.
        loops: False leaves out the pair of a node with itself.
    """
    room = torch.empty(0, dtype=torch.uint8)
    for graphs, num_src, num_dst in _buckets(src.counts, dst.counts):
        sources = Padded(src, theirs, graphs, 0, num_src)
        step = max(pairs.MAX_PAIRS // num_src, 1)
        size = torch.float64.itemsize * graphs.numel() * min(step, num_dst) * num_src
        # One piece of memory for all: a large one for each, between small results, would leave holes.
        room = room if room.numel() >= size else torch.empty(size, dtype=torch.uint8)
        for first in range(0, num_dst, step):
            destinations = Padded(dst, own, graphs, first, min(first + step, num_dst))
            yield Block(sources, destinations, first if src is dst and not loops else None, room)


def _buckets(src: Tensor, dst: Tensor) -> Iterator[tuple[Tensor, int, int]]:
    """Graphs of about the same size, in portions of bounded memory, with the sizes that they are padded to."""
    there = torch.nonzero((src > 0) & (dst > 0)).squeeze(1)
    sizes = torch.stack([_round_up(src[there]), _round_up(dst[there])], 1)
    found, bucket = torch.unique(sizes, dim=0, return_inverse=True)
    for number, (num_src, num_dst) in enumerate(found.tolist()):
        graphs = there[bucket == number]
        for begin, end in pairs.portions(torch.full_like(graphs, num_src * num_dst), pairs.MAX_PAIRS):
            yield graphs[begin:end], num_src, num_dst


def _round_up(size: Tensor) -> Tensor:
    """Up to multiples of 4, above 32 to multiples that grow with the size: a quarter more at most, and few values."""
    step = (2 ** (size.double().log2().floor().long() - 2)).clamp(min=4)
    return (size + step - 1) // step * step
