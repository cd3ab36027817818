"""`NodeTransformer`: the baseline with every edge. Dense self-attention over all nodes of a sample."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import NodeEncoder, pad
from mmgraph.nn.by_name import ByName


class NodeTransformer(nn.Module):
    """A transformer encoder (Vaswani et al. 2017, arXiv 1706.03762) over all nodes of all modalities, pre-norm.

    The same node encoders as `GraphFusion` plus a learned vector per modality; padding is masked, so a sample's
    outputs do not depend on its batch. A summary token, first in every sequence, is read out.

    Args:
        schema: of the graphs that the model will read; relations are ignored.
        out_channels: outputs per graph.
        hidden_channels: channels of all tokens.
        num_layers: transformer layers.
        heads: attention heads; they divide hidden_channels.
        dropout: dropout in encoders and layers.

    Raises:
        ValueError: if heads does not divide hidden_channels, or sizes are below 1; in `forward` if the batch has
            another schema.

    Example:
        >>> graph = GraphBatch.single({"image": torch.rand(2, 4), "text": torch.rand(3, 5)}, {})
        >>> NodeTransformer(graph.schema, 10, hidden_channels=16)(graph).shape
        torch.Size([1, 10])
    """

    def __init__(
        self,
        schema: GraphSchema,
        out_channels: int,
        *,
        hidden_channels: int = 64,
        num_layers: int = 3,
        heads: int = 4,
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
        self.modality = nn.Parameter(torch.randn(len(schema.modalities), hidden_channels) * 0.02)
        self.summary = nn.Parameter(torch.randn(hidden_channels) * 0.02)
        layer = nn.TransformerEncoderLayer(
            hidden_channels, heads, 2 * hidden_channels, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, num_layers, nn.LayerNorm(hidden_channels), enable_nested_tensor=False
        )
        self.head = nn.Linear(hidden_channels, out_channels)

    def forward(self, batch: GraphBatch) -> Float[Tensor, "graphs out_channels"]:
        """One row of outputs per graph."""
        self.schema.require(batch.schema)
        graphs = batch.num_graphs
        tokens = [self.summary.expand(graphs, 1, -1)]
        masks = [torch.ones(graphs, 1, dtype=torch.bool, device=batch.device)]
        for (name, encoder), vector in zip(self.encoders.items(), self.modality, strict=True):
            nodes = batch.nodes[name]
            dense, mask = pad(encoder(nodes) + vector, nodes.ptr, int(nodes.counts.max()))
            tokens.append(dense)
            masks.append(mask)
        out = self.layers(torch.cat(tokens, 1), src_key_padding_mask=~torch.cat(masks, 1))
        return self.head(out[:, 0])
