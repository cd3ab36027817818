"""`Coarsened`: a graph with fewer nodes, and which of the old nodes went into each new one."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.graph.ragged import segment_of_row
from mmgraph.nn.ranking import share_of
from mmgraph.nn.rewire import Edit


@dataclass(frozen=True, eq=False)
class Coarsened:
    """What a coarsening pool gives; any conv reads `conv(c.x, c.graph, c.edge_weight)`.

    Modalities and relations stay what they were. A modality that a graph lacks has no node there before and after.

    Attributes:
        x: features of the new nodes, per modality.
        graph: the new nodes and the edges between them.
        edge_weight: weights of its edges, or None where all are 1.
        member: flat number of an old node, one entry for each new node that it went into.
        cluster: flat number of that new node.
        share: how much of the old node went there.
        losses: what to add to a task's loss, by name; empty where there is nothing to add.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> from mmgraph.nn import TopKPool
        >>> graph = GraphBatch.single({"a": torch.rand(4, 3)}, {("a", "to", "a"): torch.tensor([[0, 1], [2, 3]])})
        >>> smaller = TopKPool(graph.schema, 3, 0.5)({"a": graph.nodes["a"].x}, graph.flat)
        >>> smaller.x["a"].shape, smaller.unpool(smaller.x, graph.flat)["a"].shape
        (torch.Size([2, 3]), torch.Size([4, 3]))
    """

    x: dict[str, Float[Tensor, "_ channels"]]
    graph: FlatGraph
    edge_weight: Float[Tensor, "edges 1"] | None
    member: Int[Tensor, " entries"]
    cluster: Int[Tensor, " entries"]
    share: Float[Tensor, " entries"]
    losses: dict[str, Float[Tensor, ""]]

    def unpool(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> dict[str, Float[Tensor, "_ channels"]]:
        """Features of the new nodes brought back to the nodes of `graph`, the graph before; zeros for nodes left out.

        Args:
            x: features of the new nodes, as some layer behind the pool gives them.
            graph: what the pool was called with.
        """
        rows = torch.cat(list(x.values()))
        brought = rows[self.cluster] * self.share.unsqueeze(1).to(rows.dtype)
        old = rows.new_zeros(sum(graph.num_nodes), rows.shape[1]).index_add(0, self.member, brought)
        return dict(zip(x, old.split(graph.num_nodes), strict=True))


Ratio = float | int
"""Nodes that stay: a float is the share of each (modality, graph), rounded up; an int is a number, at most."""


def room_of(graph: FlatGraph, ratio: Ratio) -> Int[Tensor, " segments"]:
    """How many nodes of each (modality, graph) stay."""
    counts = graph.segment.diff()
    return counts.clamp(max=ratio) if isinstance(ratio, int) else share_of(ratio, counts)


def segment_of_nodes(graph: FlatGraph) -> Int[Tensor, " nodes"]:
    """The (modality, graph) that each node is in."""
    return segment_of_row(graph.segment, sum(graph.num_nodes))


def gated(
    names: tuple[str, ...],
    rows: Float[Tensor, "nodes channels"],
    gate: Float[Tensor, " nodes"],
    kept: Bool[Tensor, " nodes"],
    graph: FlatGraph,
    edge_weight: Float[Tensor, "edges 1"] | None,
) -> Coarsened:
    """The kept nodes, multiplied by their gate, and the edges between them."""
    smaller, edges = Edit(graph).keep_nodes(kept)
    member = kept.nonzero().squeeze(1)
    x = (rows[member] * gate[member].unsqueeze(1)).split(smaller.num_nodes)
    cluster = torch.arange(member.numel(), device=member.device)
    weight = None if edge_weight is None else edge_weight[edges]
    share = torch.ones_like(gate[member])
    return Coarsened(dict(zip(names, x, strict=True)), smaller, weight, member, cluster, share, {})


def check_coarsening(schema: GraphSchema, channels: int, ratio: Ratio) -> None:
    """Raises ValueError for no channels, or a ratio that keeps no node."""
    wrong = ratio < 1 if isinstance(ratio, int) else not 0 < ratio <= 1
    if channels < 1 or wrong:
        raise ValueError(
            "channels is at least 1, ratio a share above 0 and at most 1 (a float) or a number of nodes from 1 (an "
            f"int); got {channels=}, {ratio=}"
        )
