"""`GraphFusion`: encoders, typed graph attention across modalities, attention pooling, a head."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn import AttentionPool, GATv2Conv, GraphBlock, NodeEncoder
from mmgraph.nn.by_name import ByName
from mmgraph.nn.relations import Rewired
from mmgraph.ops import Scope


class GraphFusion(nn.Module):
    """Fuses the modalities of each graph by message passing along its relations.

    Node encoders per modality, `num_layers` blocks of typed attention with a residual path, attention pooling per
    modality, and a head over the pooled modalities side by side. A graph that lacks a modality gets a learned vector in
    its place. By default one softmax spans all edges into a node, so that attention compares across modalities.

    Args:
        schema: of the graphs that the model will read.
        out_channels: outputs per graph: classes, or regression targets.
        hidden_channels: channels of all nodes between encoder and pool.
        num_layers: blocks.
        heads: attention heads; they divide hidden_channels.
        conv: a class of `mmgraph.nn.conv`. One without attention has no heads and no softmax.
        conv_options: further keyword arguments of the conv.
        scope: what one softmax spans, see the conv.
        pool: `AttentionPool`, or what else gives a pool when it is called with a schema and channels.
        learned: gives a learned relation (`mmgraph.nn.relations`) when it is called with a schema and channels; each
            block has one, which sees the nodes that enter the block, and the edges of the one before. None for the
            edges of the data alone.
        dropout: dropout in encoders, blocks and head.

    Raises:
        ValueError: if heads does not divide hidden_channels, or sizes are below 1; in `forward` if the batch has
            another schema.

    Example:
        >>> graph = GraphBatch.single(
        ...     {"image": torch.rand(2, 4), "text": torch.rand(3, 5)},
        ...     {("text", "with", "image"): torch.tensor([[0, 1, 2], [0, 0, 1]])},
        ... )
        >>> GraphFusion(graph.schema, 10, hidden_channels=16)(graph).shape
        torch.Size([1, 10])
    """

    def __init__(
        self,
        schema: GraphSchema,
        out_channels: int,
        *,
        hidden_channels: int = 64,
        num_layers: int = 2,
        heads: int = 4,
        conv: Callable[..., nn.Module] = GATv2Conv,
        conv_options: Mapping[str, Any] | None = None,
        scope: Scope = "node",
        pool: Callable[[GraphSchema, int], Any] = AttentionPool,
        learned: Callable[[GraphSchema, int], Any] | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if min(out_channels, hidden_channels, num_layers, heads) < 1 or hidden_channels % heads:
            raise ValueError(
                f"sizes are at least 1 and heads divides hidden_channels, got {out_channels=}, {hidden_channels=}, "
                f"{num_layers=}, {heads=}"
            )
        self.schema = schema
        self.encoders = ByName(
            {name: NodeEncoder(schema, name, hidden_channels, dropout=dropout) for name in schema.modalities}
        )
        learn = [learned(schema, hidden_channels) for _ in range(num_layers)] if learned else []
        self.learned = nn.ModuleList(learn)
        edges = learn[0].schema if learn else schema
        attends = hasattr(conv, "attention")
        size = (hidden_channels // heads, heads) if attends else (hidden_channels,)
        softmax = {"scope": scope} if attends else {}
        self.blocks = nn.ModuleList(
            GraphBlock(
                edges,
                conv(edges, hidden_channels, *size, **softmax, **(conv_options or {})),
                hidden_channels,
                dropout=dropout,
            )
            for _ in range(num_layers)
        )
        self.pool = pool(schema, hidden_channels)
        rows, width = int(self.pool.results), int(self.pool.out_channels)
        self.absent = nn.Parameter(torch.zeros(rows if rows == len(schema.modalities) else 0, width))
        self.head = nn.Sequential(
            nn.LayerNorm(rows * width),
            nn.Linear(rows * width, 2 * hidden_channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * hidden_channels, out_channels),
        )

    def forward(self, batch: GraphBatch) -> Float[Tensor, "graphs out_channels"]:
        """One row of outputs per graph."""
        self.schema.require(batch.schema)
        x = {name: encoder(batch.nodes[name]) for name, encoder in self.encoders.items()}
        x = self._pass_messages(x, batch.flat)
        pooled = self.pool(x, batch.flat)
        if len(self.absent):
            pooled = torch.where(batch.present.unsqueeze(2), pooled, self.absent)
        return self.head(pooled.flatten(1))

    def _pass_messages(self, x: dict[str, Tensor], graph: FlatGraph) -> dict[str, Tensor]:
        if not self.learned:
            for block in self.blocks:
                x = block(x, graph)
            return x
        rewired = Rewired.of(graph, torch.promote_types(next(iter(x.values())).dtype, torch.float32))
        for block, learn in zip(self.blocks, self.learned, strict=True):
            rewired = learn(x, rewired)
            x = block(x, rewired.graph, rewired.edge_weight)
        return x
