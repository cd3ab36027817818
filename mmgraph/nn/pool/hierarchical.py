"""`HierarchicalPool`: pools nodes within modalities, then across."""

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.pool.attention import AttentionPool
from mmgraph.nn.pool.modalities import AttendModalities
from mmgraph.nn.pool.runs import present


class HierarchicalPool(nn.Module):
    """One row per graph: attention over the nodes of each modality, then over the modalities that the graph has.

    The two levels of attention of HAN (Wang et al. 2019, arXiv 1903.07293). A modality weighs what it says, not how
    many nodes it has; one that a graph lacks has no weight there.

    Args:
        schema: names the modalities.
        channels: channels of the nodes.
        heads: attention weights per node; head h weighs the h-th part of the channels.

    Raises:
        ValueError: if heads does not divide channels, or one of them is below 1.

    Example:
        >>> import torch
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 4), "b": torch.ones(1, 4)}, {})
        >>> pool = HierarchicalPool(graph.schema, 4)
        >>> pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat).shape
        torch.Size([1, 1, 4])
    """

    def __init__(self, schema: GraphSchema, channels: int, *, heads: int = 1) -> None:
        super().__init__()
        self.out_channels, self.results = channels, 1
        self.within = AttentionPool(schema, channels, heads=heads)
        self.across = AttendModalities(schema, channels)

    def forward(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs 1 channels"]:
        """The pooled row of every graph."""
        return self.across(self.within(x, graph), present(graph)).unsqueeze(1)

    def modality_attention(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs modalities"]:
        """The weights of the modalities of every graph; they sum to one, 0 for one that a graph lacks."""
        return self.across.weights(self.within(x, graph), present(graph))
