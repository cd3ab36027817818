"""`EdgeList`: the edges of one relation, in many graphs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.ragged import compact, segment_of_row, to_ptr

LARGEST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class EdgeList:
    """Edges of one relation in many graphs, sorted by (graph, destination). Parallel edges are kept.

    Attributes:
        ptr: edges of graph g are rows `ptr[g]` to `ptr[g + 1]`, int64 [graphs + 1].
        src: source node, counted within its graph and modality, int32 [edges].
        dst: destination node, counted likewise, int32 [edges], not decreasing within a graph.
        features: edge features, [edges, channels], or None where the relation has none.

    Example:
        >>> edges = EdgeList.sort(torch.tensor([0, 0]), torch.tensor([1, 0]), torch.tensor([2, 1]), num_graphs=2)
        >>> edges.ptr.tolist(), edges.src.tolist(), edges.dst.tolist()
        ([0, 2, 2], [0, 1], [1, 2])
    """

    ptr: Int[Tensor, " graphs_plus_one"]
    src: Int[Tensor, " edges"]
    dst: Int[Tensor, " edges"]
    features: Float[Tensor, "edges channels"] | None = None

    @classmethod
    def sort(
        cls,
        graph: Int[Tensor, " edges"],
        src: Int[Tensor, " edges"],
        dst: Int[Tensor, " edges"],
        features: Float[Tensor, "edges channels"] | None = None,
        *,
        num_graphs: int,
    ) -> "EdgeList":
        """Edges in any order, brought into (graph, destination) order; equal ones keep the order they came in.

        Args:
            graph: the graph that each edge is in.
            src: source node, counted within its graph and modality.
            dst: destination node, counted likewise.
            features: a row per edge.
            num_graphs: how many graphs there are, with or without edges.

        Raises:
            ValueError: if lengths differ, a graph is not in 0..num_graphs - 1, or a node is negative or beyond int32.
        """
        _check_index("graph", graph, num_graphs - 1, graph.shape)
        _check_index("src", src, LARGEST, graph.shape)
        _check_index("dst", dst, LARGEST, graph.shape)
        if features is not None and features.shape[0] != graph.numel():
            raise ValueError(f"{features.shape[0]} rows of edge features for {graph.numel()} edges")
        order = torch.argsort(graph.long() * (LARGEST + 1) + dst, stable=True)
        return cls(
            to_ptr(torch.bincount(graph, minlength=num_graphs)),
            src[order].to(torch.int32),
            dst[order].to(torch.int32),
            None if features is None else features[order],
        )

    @classmethod
    def empty(cls, num_graphs: int, channels: int = 0, dtype: torch.dtype = torch.float32) -> "EdgeList":
        """No edge in any of `num_graphs` graphs."""
        none = torch.zeros(0, dtype=torch.int32)
        features = torch.zeros(0, channels, dtype=dtype) if channels else None
        return cls(torch.zeros(num_graphs + 1, dtype=torch.int64), none, none.clone(), features)

    @property
    def num_edges(self) -> int:
        """Edges of all graphs together."""
        return self.src.numel()

    @cached_property
    def graph(self) -> Int[Tensor, " edges"]:
        """The graph that each edge belongs to."""
        return segment_of_row(self.ptr, self.num_edges)

    def __reduce__(self) -> tuple[Any, ...]:
        features = None if self.features is None else compact(self.features)
        return EdgeList, (compact(self.ptr), compact(self.src), compact(self.dst), features)


def _check_index(name: str, index: Tensor, largest: int, shape: torch.Size) -> None:
    if index.dim() != 1 or index.shape != shape:
        raise ValueError(
            f"graph, src and dst name one node per edge, got graph {list(shape)} and {name} {list(index.shape)}"
        )
    if index.is_floating_point() or index.dtype == torch.bool:
        raise ValueError(f"{name} holds whole numbers, got {index.dtype}")
    wrong = (index < 0) | (index > largest)
    if bool(wrong.any()):
        row = int(torch.nonzero(wrong)[0])
        raise ValueError(f"edge {row} has {name} {int(index[row])}, which is not in 0..{largest}")
