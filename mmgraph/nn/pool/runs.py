"""What a readout spans: the nodes of one modality in a graph, or all nodes of a graph, as contiguous runs of rows."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.graph.ragged import gather_rows

Span = Literal["modality", "graph"]
"""What one row of a readout is made of: the nodes of one modality in a graph, or all nodes of a graph."""


class Runs(NamedTuple):
    """Nodes, ordered so that those of one result stand together.

    Attributes:
        rows: values of all nodes.
        ptr: the nodes of result i are rows `ptr[i]` to `ptr[i + 1]`.
        order: the flat node of each row, or None where rows are in the order of `FlatGraph`.
        shape: graphs in the batch, and runs of each graph.
    """

    rows: Float[Tensor, "nodes channels"]
    ptr: Int[Tensor, " runs_plus_one"]
    order: Int[Tensor, " nodes"] | None
    shape: tuple[int, int]

    def results(self, pooled: Float[Tensor, "runs channels"]) -> Float[Tensor, "graphs results channels"]:
        """One row per run as [graphs, modalities or 1, channels]."""
        graphs, per_graph = self.shape
        return pooled.view(per_graph, graphs, pooled.shape[1]).transpose(0, 1)

    def flat(self, values: Float[Tensor, "nodes columns"]) -> Float[Tensor, "nodes columns"]:
        """Values of the rows in the order of `FlatGraph`."""
        return values if self.order is None else torch.empty_like(values).index_copy(0, self.order, values)


def runs(rows: Float[Tensor, "nodes channels"], graph: FlatGraph, span: Span) -> Runs:
    """The rows of all nodes, in the order of `FlatGraph`, as the runs that `span` says.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> one = GraphBatch.single({"a": torch.zeros(2, 1), "b": torch.zeros(1, 1)}, {})
        >>> runs(torch.zeros(6, 1), GraphBatch.concat([one, one]).flat, "graph").order.tolist()
        [0, 1, 4, 2, 3, 5]
    """
    if span == "modality":
        return Runs(rows, graph.segment, None, (graph.num_graphs, len(graph.num_nodes)))
    modalities = len(graph.num_nodes)
    starts = graph.segment[:-1].view(modalities, graph.num_graphs).T.reshape(-1)
    counts = graph.segment.diff().view(modalities, graph.num_graphs).T.reshape(-1)
    order, ptr = gather_rows(starts, counts)
    return Runs(rows[order], ptr[::modalities], order, (graph.num_graphs, 1))


def all_rows(names: Sequence[str], x: Mapping[str, Float[Tensor, "_ channels"]]) -> Float[Tensor, "nodes channels"]:
    """The nodes of all modalities below each other."""
    return torch.cat([x[name] for name in names])


def present(graph: FlatGraph) -> Bool[Tensor, "graphs modalities"]:
    """Which modalities each graph has.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> present(GraphBatch.single({"a": torch.zeros(2, 1), "b": torch.zeros(0, 1)}, {}).flat).tolist()
        [[True, False]]
    """
    return (graph.segment.diff() > 0).view(len(graph.num_nodes), graph.num_graphs).T


def results_of(schema: GraphSchema, span: Span) -> int:
    """Rows that a readout gives per graph."""
    return len(schema.modalities) if span == "modality" else 1


def check_readout(channels: int, span: Span) -> None:
    """Raises ValueError for no channels or an unknown span."""
    if channels < 1:
        raise ValueError(f"channels is at least 1, got {channels}")
    if span not in get_args(Span):
        raise ValueError(f"span is 'modality' or 'graph', got {span!r}")
