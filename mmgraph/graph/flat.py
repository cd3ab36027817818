"""`FlatGraph`: what layers read of a `GraphBatch`, with nodes and edges numbered through the whole batch."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.ragged import index_dtype, to_ptr
from mmgraph.graph.store import EdgeStore


class FlatGraph(NamedTuple):
    """All graphs of a batch as one graph; nodes ordered by (modality, graph), edges by (destination, relation).

    To change it, make another (`_replace`, `map`): layers keep what they worked out of its edges as long as these live,
    and do not see changes in place through numpy or `.data`.

    Attributes:
        num_nodes: nodes of each modality; nodes of the first modality come first.
        num_graphs: graphs in the batch.
        segment: nodes of modality m in graph g are rows `segment[m * num_graphs + g]` to the next entry,
            int64 [modalities * graphs + 1].
        rowptr: edges into node i are `rowptr[i]` to `rowptr[i + 1]`, int64 [nodes + 1].
        src: source node of each edge, int32 [edges].
        relation: relation id of each edge, int32 [edges].
        feature_edges: per relation the edges that its features belong to, int64, None where it has no features.
        features: per relation its edge features [relation edges, channels], None where it has none.
    """

    num_nodes: tuple[int, ...]
    num_graphs: int
    segment: Int[Tensor, " segments_plus_one"]
    rowptr: Int[Tensor, " nodes_plus_one"]
    src: Int[Tensor, " edges"]
    relation: Int[Tensor, " edges"]
    feature_edges: tuple[Int[Tensor, "_"] | None, ...]
    features: tuple[Float[Tensor, "_ _"] | None, ...]

    def map(self, change: Callable[[Tensor], Tensor]) -> "FlatGraph":
        """The same graph with `change` applied to every tensor."""
        return self._replace(
            segment=change(self.segment),
            rowptr=change(self.rowptr),
            src=change(self.src),
            relation=change(self.relation),
            feature_edges=tuple(None if rows is None else change(rows) for rows in self.feature_edges),
            features=tuple(None if value is None else change(value) for value in self.features),
        )


def flatten(
    edges: EdgeStore, node_ptr: Int[Tensor, "modalities graphs_plus_one"], num_nodes: tuple[int, ...]
) -> FlatGraph:
    """The flat view of the edges of graphs whose nodes `node_ptr` counts.

    Raises:
        ValueError: if there are more nodes than int32 can number.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"text": torch.zeros(2, 1)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> flatten(graph.edges, graph.node_ptr, (2,)).src.tolist()
        [0]
    """
    if sum(num_nodes) > 2**31:
        raise ValueError(
            f"{sum(num_nodes)} nodes in one batch are more than int32 can number; take fewer graphs at once"
        )
    schema = edges.schema
    modalities, graphs = len(schema.modalities), node_ptr.shape[1] - 1
    segment = to_ptr(node_ptr.diff(dim=1).reshape(-1))
    with_features = [relation in edges.features for relation in schema.edge_types]
    rows = edges.by_relation if any(with_features) else [None] * len(with_features)
    return FlatGraph(
        num_nodes,
        graphs,
        segment,
        to_ptr(edges.degree),
        _global_src(edges, segment[:-1].view(modalities, graphs)),
        edges.relation,
        tuple(part if given else None for part, given in zip(rows, with_features, strict=True)),
        tuple(edges.features.get(relation) for relation in schema.edge_types),
    )


def _global_src(edges: EdgeStore, first: Int[Tensor, "modalities graphs"]) -> Int[Tensor, " edges"]:
    """Local sources plus the `first` node of their modality and graph, looked up by (graph, relation)."""
    relations = len(edges.schema.edge_types)
    if not relations:
        return edges.src
    source = torch.tensor([edges.schema.modality_id(src) for src, _, _ in edges.schema.edge_types], device=first.device)
    offsets = first[source].T.to(torch.int32)  # [graphs, relations]
    offsets = offsets.repeat(first.shape[0], 1).reshape(-1)  # the same for every destination modality
    counts = edges.ptr.diff(dim=1).reshape(-1).to(index_dtype(offsets.numel()))
    at = torch.repeat_interleave(counts, output_size=edges.num_edges)  # (destination modality, graph) of each edge
    at *= relations
    at += edges.relation
    return offsets.index_select(0, at).add_(edges.src)
