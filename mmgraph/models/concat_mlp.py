"""`ConcatMLP`: the baseline without a graph. All modalities padded, side by side, into one network."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import NodeEncoder, pad
from mmgraph.nn.by_name import ByName


class ConcatMLP(nn.Module):
    """Early fusion by concatenation: every node has its own place in one long input vector.

    The same node encoders as `GraphFusion`, each modality cut or zero-padded to a fixed number of nodes, then a
    multilayer perceptron over everything at once.

    Args:
        schema: of the graphs that the model will read; relations are ignored.
        out_channels: outputs per graph.
        lengths: nodes per modality; more are cut off. Take the longest of the training data.
        node_channels: channels of an encoded node.
        hidden_channels: width of the hidden layers.
        num_layers: hidden layers.
        dropout: dropout behind every hidden layer.

    Raises:
        ValueError: if a modality has no length, or a size is below 1; in `forward` if the batch has another schema.

    Example:
        >>> graph = GraphBatch.single({"image": torch.rand(2, 4), "text": torch.rand(3, 5)}, {})
        >>> ConcatMLP(graph.schema, 10, {"image": 2, "text": 6})(graph).shape
        torch.Size([1, 10])
    """

    def __init__(
        self,
        schema: GraphSchema,
        out_channels: int,
        lengths: Mapping[str, int],
        *,
        node_channels: int = 32,
        hidden_channels: int = 256,
        num_layers: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if set(lengths) != set(schema.modalities) or min(lengths.values()) < 1:
            raise ValueError(
                f"lengths gives at least 1 node for each of {list(schema.modalities)}, got {dict(lengths)}"
            )
        if min(out_channels, node_channels, hidden_channels, num_layers) < 1:
            raise ValueError(
                f"sizes are at least 1, got {out_channels=}, {node_channels=}, {hidden_channels=}, {num_layers=}"
            )
        self.schema, self.lengths = schema, dict(lengths)
        self.encoders = ByName({name: NodeEncoder(schema, name, node_channels) for name in schema.modalities})
        layers: list[nn.Module] = []
        channels = sum(lengths.values()) * node_channels
        for _ in range(num_layers):
            layers += [
                nn.Linear(channels, hidden_channels),
                nn.LayerNorm(hidden_channels),
                nn.GELU(),
                nn.Dropout(dropout),
            ]
            channels = hidden_channels
        self.head = nn.Sequential(*layers, nn.Linear(channels, out_channels))

    def forward(self, batch: GraphBatch) -> Float[Tensor, "graphs out_channels"]:
        """One row of outputs per graph."""
        self.schema.require(batch.schema)
        rows = [
            pad(encoder(batch.nodes[name]), batch.nodes[name].ptr, self.lengths[name])[0].flatten(1)
            for name, encoder in self.encoders.items()
        ]
        return self.head(torch.cat(rows, 1))
