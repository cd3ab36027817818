"""A `FlatGraph` with fewer or more edges or fewer nodes, still in its order, and without a sort of what was there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.graph.ragged import to_ptr
from mmgraph.ops.reference import destinations

FeatureRows = tuple[Int[Tensor, "_"], Float[Tensor, "_ _"]]
"""Some edges, and the features of each."""


def graph_of_edges(graph: FlatGraph) -> Int[Tensor, " edges"]:
    """The graph of the batch that each edge is in.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> one = GraphBatch.single({"a": torch.zeros(2, 1)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> graph_of_edges(GraphBatch.concat([one, one]).flat).tolist()
        [0, 1]
    """
    ends = graph.rowptr[graph.segment].diff()  # edges into the nodes of each (modality, graph)
    return torch.repeat_interleave(ends, output_size=graph.src.shape[0]) % max(1, graph.num_graphs)


@dataclass(frozen=True, eq=False)
class WeightedGraph:
    """A graph and the weights of its edges."""

    graph: FlatGraph
    edge_weight: Float[Tensor, "edges 1"]


@dataclass(frozen=True, eq=False)
class Edit:
    """A graph from which edges or nodes are taken, or to which edges are added; each change gives a new `FlatGraph`.

    Attributes:
        graph: the graph as it is.
    """

    graph: FlatGraph

    def keep_edges(self, kept: Bool[Tensor, " old_edges"]) -> FlatGraph:
        """The edges at which `kept` holds, with their features.

        Example:
            >>> from mmgraph.graph import GraphBatch
            >>> graph = GraphBatch.single({"a": torch.zeros(2, 1)}, {("a", "to", "a"): torch.tensor([[0, 1], [0, 1]])})
            >>> Edit(graph.flat).keep_edges(torch.tensor([False, True])).rowptr.tolist()
            [0, 0, 1]
        """
        graph = self.graph
        before = to_ptr(kept.long())
        rows: list[Tensor | None] = []
        features: list[Tensor | None] = []
        for edges, values in zip(graph.feature_edges, graph.features, strict=True):
            mask = None if edges is None else kept[edges]
            rows.append(None if edges is None else before[edges[mask]])
            features.append(None if values is None else values[mask])
        return graph._replace(
            rowptr=before[graph.rowptr],
            src=graph.src[kept],
            relation=graph.relation[kept],
            feature_edges=tuple(rows),
            features=tuple(features),
        )

    def keep_nodes(self, kept: Bool[Tensor, " old_nodes"]) -> tuple[FlatGraph, Bool[Tensor, " old_edges"]]:
        """The nodes at which `kept` holds with the edges between them, and which edges these are.

        Example:
            >>> from mmgraph.graph import GraphBatch
            >>> graph = GraphBatch.single({"a": torch.zeros(3, 1)}, {("a", "to", "a"): torch.tensor([[0, 2], [1, 1]])})
            >>> smaller, edges = Edit(graph.flat).keep_nodes(torch.tensor([False, True, True]))
            >>> smaller.src.tolist(), edges.tolist()
            ([1], [False, True])
        """
        graph = self.graph
        edges = kept[graph.src.long()] & kept[destinations(graph.rowptr)]
        number = to_ptr(kept.long())  # of each node among the kept ones
        smaller = self.keep_edges(edges)
        segment = number[graph.segment]
        return (
            smaller._replace(
                num_nodes=nodes_per_modality(segment, len(graph.num_nodes)),
                segment=segment,
                rowptr=to_ptr(smaller.rowptr.diff()[kept]),
                src=number[smaller.src.long()].to(graph.src.dtype),
            ),
            edges,
        )

    def add_edges(
        self,
        src: Int[Tensor, " added"],
        dst: Int[Tensor, " added"],
        relation: Int[Tensor, " added"],
        num_relations: int,
        features: Sequence[FeatureRows | None] = (),
    ) -> tuple[FlatGraph, Int[Tensor, " places"]]:
        """The graph with more edges, each behind those of its destination and relation that were there.

        Only the new edges are sorted; a binary search places them among the others.

        Args:
            src: flat source node of each new edge.
            dst: flat destination node.
            relation: its relation id; ids that the graph does not know yet are behind those that it knows.
            num_relations: relations of the result, at least as many as before.
            features: per relation some of the new edges (their rows in `src`) and their features; () for none.

        Returns:
            The graph, and where every edge stands in it: first those that were there, then the new ones as given.

        Example:
            >>> from mmgraph.graph import GraphBatch
            >>> graph = GraphBatch.single({"a": torch.zeros(2, 1)}, {("a", "to", "a"): torch.tensor([[1], [1]])})
            >>> both, place = Edit(graph.flat).add_edges(*(torch.tensor([i]) for i in (1, 0, 1)), num_relations=2)
            >>> both.rowptr.tolist(), both.relation.tolist(), place.tolist()
            ([0, 1, 2], [1, 0], [1, 0])
        """
        graph = self.graph
        old_dst = destinations(graph.rowptr)
        old_key, new_key = old_dst * num_relations + graph.relation, dst.long() * num_relations + relation
        new_key, order = new_key.sort(stable=True)
        rank = torch.arange(max(old_key.numel(), new_key.numel()), device=src.device)
        old_place = rank[: old_key.numel()] + torch.searchsorted(new_key, old_key)
        sorted_place = rank[: new_key.numel()] + torch.searchsorted(old_key, new_key, right=True)
        place = torch.cat([old_place, torch.empty_like(order).index_copy_(0, order, sorted_place)])
        num_nodes = graph.rowptr.numel() - 1
        rows, values = _join_features(graph, place, num_relations, features)
        result = graph._replace(
            rowptr=graph.rowptr + to_ptr(torch.bincount(dst.long(), minlength=num_nodes)),
            src=_placed(graph.src, src, place),
            relation=_placed(graph.relation, relation, place),
            feature_edges=rows,
            features=values,
        )
        return result, place


def nodes_per_modality(segment: Int[Tensor, " segments_plus_one"], modalities: int) -> tuple[int, ...]:
    """How many nodes each modality has in a graph with these segments.

    Example:
        >>> nodes_per_modality(torch.tensor([0, 2, 3, 3, 4]), 2)
        (3, 1)
    """
    return tuple(segment.diff().view(modalities, -1).sum(1).tolist())


def without_edges(counts: Int[Tensor, "modalities graphs"], num_relations: int) -> FlatGraph:
    """Nodes only, so many of each modality in each graph.

    Example:
        >>> without_edges(torch.tensor([[2], [1]]), 1).segment.tolist()
        [0, 2, 3]
    """
    segment = to_ptr(counts.reshape(-1))
    num_nodes, num_graphs = tuple(counts.sum(1).tolist()), counts.shape[1]
    none = torch.zeros(0, dtype=torch.int32, device=segment.device)
    rowptr, nothing = segment.new_zeros(sum(num_nodes) + 1), (None,) * num_relations
    return FlatGraph(num_nodes, num_graphs, segment, rowptr, none, none, nothing, nothing)


def _placed(old: Tensor, new: Tensor, place: Tensor) -> Tensor:
    both = torch.cat([old, new.to(old.dtype)])
    return torch.empty_like(both).index_copy_(0, place, both)


def _join_features(
    graph: FlatGraph, place: Tensor, num_relations: int, features: Sequence[FeatureRows | None]
) -> tuple[tuple[Tensor | None, ...], tuple[Tensor | None, ...]]:
    """Rows and features of all relations of the new graph."""
    known, before = len(graph.features), graph.src.numel()
    given = list(features) or [None] * num_relations
    all_rows: list[Tensor | None] = []
    all_values: list[Tensor | None] = []
    for r in range(num_relations):
        rows, values = (graph.feature_edges[r], graph.features[r]) if r < known else (None, None)
        parts = [] if rows is None or values is None else [(place[rows], values)]
        if (more := given[r]) is not None:
            parts.append((place[before + more[0]], more[1]))
        all_rows.append(torch.cat([part for part, _ in parts]) if parts else None)
        all_values.append(torch.cat([part for _, part in parts]) if parts else None)
    return tuple(all_rows), tuple(all_values)
