"""Some of the graphs of a batch: a ragged gather, or views where they follow each other."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.ragged import gather_rows, index_dtype, row_ptr


def select_graphs(batch: GraphBatch, graphs: Int[Tensor, " selected"]) -> GraphBatch:
    """See `GraphBatch.select`."""
    starts = batch.node_ptr[:, graphs]
    counts = batch.node_ptr[:, graphs + 1] - starts
    rows, _ = gather_rows(starts.reshape(-1), counts.reshape(-1), index_dtype(batch.num_nodes))
    rows_of = dict(zip(batch.nodes, rows.split(counts.sum(1).tolist()), strict=True))
    ptr = row_ptr(counts)
    nodes = {m: value.take(rows_of[m], ptr[i]) for i, (m, value) in enumerate(batch.nodes.items())}
    degree = torch.cat([part.index_select(0, rows_of[m]) for m, part in _degrees(batch).items()])
    targets = {}
    for name, target in batch.targets.items():
        of = batch.schema.targets[name].of
        targets[name] = target.take(graphs if of is None else rows_of[of])
    return _made(batch, ptr, batch.ids.select(graphs), nodes, batch.edges.select(graphs, degree), targets)


def narrow_graphs(batch: GraphBatch, start: int, stop: int) -> GraphBatch:
    """The graphs from `start` to before `stop`; nodes and targets are views, edges are copied run by run."""
    ends = batch.node_ptr[:, [start, stop]]
    rows_of = {m: slice(*pair) for m, pair in zip(batch.nodes, ends.tolist(), strict=True)}
    ptr = batch.node_ptr[:, start : stop + 1] - ends[:, :1]
    nodes = {m: value.narrow(rows_of[m], ptr[i]) for i, (m, value) in enumerate(batch.nodes.items())}
    degree = torch.cat([part[rows_of[m]] for m, part in _degrees(batch).items()])
    targets = {}
    for name, target in batch.targets.items():
        of = batch.schema.targets[name].of
        targets[name] = target.narrow(slice(start, stop) if of is None else rows_of[of])
    ids, edges = batch.ids.narrow(start, stop), batch.edges.narrow(start, stop, degree)
    return _made(batch, ptr, ids, nodes, edges, targets)


def _degrees(batch: GraphBatch) -> dict[str, Tensor]:
    sizes = [nodes.num_nodes for nodes in batch.nodes.values()]
    return dict(zip(batch.nodes, batch.edges.degree.split(sizes), strict=True))


def _made(batch: GraphBatch, node_ptr: Tensor, *parts: Any) -> GraphBatch:
    made = GraphBatch(batch.schema, *parts)
    made.__dict__["node_ptr"] = node_ptr  # a cached property that is known already
    return made
