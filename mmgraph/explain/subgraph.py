"""`subgraph`: graphs without some of their nodes and edges, over the same schema."""

import torch
from jaxtyping import Bool
from torch import Tensor

from mmgraph.explain.nodes import destinations
from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema, Target
from mmgraph.graph.ragged import row_ptr, to_ptr
from mmgraph.graph.store import EdgeStore


def subgraph(
    batch: GraphBatch, nodes: Bool[Tensor, " nodes"] | None = None, edges: Bool[Tensor, " edges"] | None = None
) -> GraphBatch:
    """The graphs with only the given nodes and edges; an edge goes with either of its ends.

    The schema stays, so the model that read the graphs reads these too: to it a modality without nodes is one that a
    graph lacks. Unlike in a batch that was built, a graph may be left without any node.

    Args:
        batch: the graphs.
        nodes: the nodes to keep, in the order of `FlatGraph`; all if not given.
        edges: the edges to keep, likewise.

    Raises:
        ValueError: if a mask has another length than there are nodes or edges.

    Example:
        >>> graph = GraphBatch.single({"image": torch.rand(2, 3), "text": torch.rand(1, 3)},
        ...                           {("image", "with", "text"): torch.tensor([[0, 1], [0, 0]])})
        >>> subgraph(graph, torch.tensor([False, True, True]))
        GraphBatch(1 graph; nodes: image 1x3, text 1x3; edges: image-with-text 1)
    """
    flat, device = batch.flat, batch.device
    kept_nodes = torch.ones(batch.num_nodes, dtype=torch.bool, device=device) if nodes is None else nodes
    kept_edges = torch.ones(batch.num_edges, dtype=torch.bool, device=device) if edges is None else edges
    for name, mask, count in (("nodes", kept_nodes, batch.num_nodes), ("edges", kept_edges, batch.num_edges)):
        if mask.shape != (count,):
            raise ValueError(f"{name} is a mask over the {count} {name} of the batch, got {list(mask.shape)}")
    src, dst = flat.src.long(), destinations(flat)
    kept_edges = kept_edges & kept_nodes[src] & kept_nodes[dst]
    before = to_ptr(kept_nodes.int())  # kept nodes before each
    ptr = row_ptr(before[flat.segment].diff().view(-1, flat.num_graphs))
    rows = dict(zip(batch.nodes, (part.nonzero().squeeze(1) for part in kept_nodes.split(flat.num_nodes)), strict=True))
    local = before[src] - before[src - batch.edges.src]  # less the kept nodes before the source's segment
    store = _store(batch, flat, kept_nodes, kept_edges, local)
    return GraphBatch(
        batch.schema,
        batch.ids,
        {name: value.take(rows[name], ptr[m]) for m, (name, value) in enumerate(batch.nodes.items())},
        store,
        {name: _target(batch.schema, name, target, rows) for name, target in batch.targets.items()},
    )


def _store(batch: GraphBatch, flat: FlatGraph, kept_nodes: Tensor, kept_edges: Tensor, local: Tensor) -> EdgeStore:
    edges, graphs = batch.edges, flat.num_graphs
    before = to_ptr(kept_edges.int())
    ptr = before[edges.ptr]
    relation = edges.relation[kept_edges]
    graph = torch.arange(graphs, device=batch.device).repeat(len(batch.schema.modalities))
    graph = graph.repeat_interleave(ptr.diff(dim=1).reshape(-1), output_size=relation.numel())
    relations = len(batch.schema.edge_types)
    counts = torch.bincount(relation * graphs + graph, minlength=relations * graphs).view(relations, graphs)
    return EdgeStore(
        batch.schema,
        ptr,
        local[kept_edges].to(torch.int32),
        relation,
        before[flat.rowptr].diff()[kept_nodes].to(torch.int32),
        row_ptr(counts),
        {
            name: value[kept_edges[edges.by_relation[batch.schema.relation_id(name)]]]
            for name, value in edges.features.items()
        },
    )


def _target(schema: GraphSchema, name: str, target: Target, rows: dict[str, Tensor]) -> Target:
    of = schema.targets[name].of
    return target if of is None else target.take(rows[of])
