"""`GraphFusion`: encoders, typed graph attention across modalities, attention pooling, a head."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import AttentionPool, GATConv, GATv2Conv, GraphBlock, NodeEncoder
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
        conv: `GATv2Conv`, `GATConv`, or a class with the same constructor.
        scope: what one softmax spans, see the conv.
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
        conv: type[GATv2Conv] | type[GATConv] = GATv2Conv,
        scope: Scope = "node",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if min(out_channels, hidden_channels, num_layers, heads) < 1 or hidden_channels % heads:
            raise ValueError(
                f"sizes are at least 1 and heads divides hidden_channels, got {out_channels=}, {hidden_channels=}, "
                f"{num_layers=}, {heads=}"
            )
        self.schema = schema
        self.encoders = nn.ModuleDict(
            {name: NodeEncoder(schema, name, hidden_channels, dropout=dropout) for name in schema.modalities}
        )
        self.blocks = nn.ModuleList(
            GraphBlock(
                schema,
                conv(schema, hidden_channels, hidden_channels // heads, heads, scope=scope),
                hidden_channels,
                dropout=dropout,
            )
            for _ in range(num_layers)
        )
        self.pool = AttentionPool(schema, hidden_channels)
        self.absent = nn.Parameter(torch.zeros(len(schema.modalities), hidden_channels))
        self.head = nn.Sequential(
            nn.LayerNorm(len(schema.modalities) * hidden_channels),
            nn.Linear(len(schema.modalities) * hidden_channels, 2 * hidden_channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * hidden_channels, out_channels),
        )

    def forward(self, batch: GraphBatch) -> Float[Tensor, "graphs out_channels"]:
        """One row of outputs per graph."""
        self.schema.require(batch.schema)
        graph = batch.flat
        x = {name: encoder(batch.nodes[name]) for name, encoder in self.encoders.items()}
        for block in self.blocks:
            x = block(x, graph)
        pooled = torch.where(batch.present.unsqueeze(2), self.pool(x, graph), self.absent)
        return self.head(pooled.flatten(1))
