"""`GraphBlock`: a conv inside a residual path, and a feed-forward network behind it."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.by_name import ByName
from mmgraph.nn.linear import Linear


class GraphBlock(nn.Module):
    """`x + conv(norm(x))`, then `x + feed_forward(norm(x))`, norms and networks per modality.

    The residual path is why a node that no edge enters, and a modality without relations, is defined.

    Args:
        schema: names the modalities.
        conv: message passing from `channels` to `channels`.
        channels: channels of all nodes.
        dropout: dropout on both branches.

    Example:
        >>> import torch
        >>> from mmgraph.graph import GraphBatch
        >>> from mmgraph.nn.conv import GATv2Conv
        >>> graph = GraphBatch.single({"a": torch.ones(2, 8)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> block = GraphBlock(graph.schema, GATv2Conv(graph.schema, 8, 4, heads=2), 8)
        >>> block({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 8])
    """

    def __init__(self, schema: GraphSchema, conv: nn.Module, channels: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv = conv
        # The conv reads a modality only if a relation starts or ends there; a norm of another would never be trained.
        read = {end for relation in schema.edge_types for end in (relation[0], relation[2])}
        self.conv_norm = ByName(
            {name: nn.LayerNorm(channels) if name in read else nn.Identity() for name in schema.modalities}
        )
        self.feed_forward = ByName({name: _feed_forward(channels, dropout) for name in schema.modalities})
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ channels"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
    ) -> dict[str, Float[Tensor, "_ channels"]]:
        """New features of every node; `edge_weight` multiplies what an edge brings."""
        normed = {name: norm(x[name]) for name, norm in self.conv_norm.items()}
        messages = self.conv(normed, graph) if edge_weight is None else self.conv(normed, graph, edge_weight)
        mixed = {name: x[name] + self.dropout(messages[name]) for name in self.conv_norm}
        return {name: mixed[name] + network(mixed[name]) for name, network in self.feed_forward.items()}


def _feed_forward(channels: int, dropout: float) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(channels),
        Linear(channels, 2 * channels),
        nn.GELU(),
        Linear(2 * channels, channels),
        nn.Dropout(dropout),
    )
