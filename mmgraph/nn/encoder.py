"""`NodeEncoder`: from the raw features and attributes of one modality to the channels that convs work on."""

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import GraphSchema, NodeSet
from mmgraph.nn.by_name import ByName
from mmgraph.nn.linear import Linear
from mmgraph.nn.positions import PositionalEncoding


class NodeEncoder(nn.Module):
    """A small network over `x`, an embedding per categorical attribute, and a positional encoding, added up.

    What a modality has follows from the schema: channels of `x`, attributes with `num_classes`, and `box`, `span` or
    `position`.

    Args:
        schema: the graphs' schema.
        modality: the modality to encode.
        out_channels: channels of the result.
        dropout: dropout on the result.

    Raises:
        ValueError: if the schema gives the modality neither channels nor categories nor a place.

    Example:
        >>> import torch
        >>> encoder = NodeEncoder(GraphSchema({"audio": 40}), "audio", 64)
        >>> encoder(NodeSet.of([torch.zeros(5, 40)])).shape
        torch.Size([5, 64])
    """

    def __init__(self, schema: GraphSchema, modality: str, out_channels: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        attributes = schema.attributes[modality]
        channels = schema.modalities[modality]
        classes = {name: field.num_classes for name, field in attributes.items() if field.num_classes}
        self.features = (
            nn.Sequential(Linear(channels, out_channels), nn.GELU(), Linear(out_channels, out_channels))
            if channels
            else None
        )
        self.embeddings = ByName({name: nn.Embedding(count, out_channels) for name, count in classes.items()})
        self.positions = PositionalEncoding(attributes, out_channels)
        if not (channels or classes or self.positions.names):
            raise ValueError(f"modality {modality!r} has nothing to encode: no channels, no categories, no place")
        self.norm = nn.LayerNorm(out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: NodeSet) -> Float[Tensor, "nodes out_channels"]:
        """Encoded nodes."""
        x = self.positions(nodes)
        if self.features is not None:
            x = x + self.features(nodes.x)
        for name, embedding in self.embeddings.items():
            classes = nodes.attribute(name).unsqueeze(1).flatten(1)  # [nodes, classes of a node]
            x = x + embedding(classes).sum(1)
        return self.dropout(self.norm(x))
