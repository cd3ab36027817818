"""`AttentionPool`: one vector per modality and graph, a weighted mean of its nodes."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema


class AttentionPool(nn.Module):
    r"""Weighted mean of the nodes of each modality (gated attention, Ilse et al. 2018, arXiv 1802.04712).

    .. math:: p_{g,m} = \sum_{i \in (g, m)} \alpha_i \, x_i, \quad
        \alpha = softmax_i(w_m \cdot (\tanh(V_m x_i) \odot \sigma(U_m x_i)))

    A modality that a graph lacks is pooled to zeros there; nothing else changes.

    Args:
        schema: names the modalities.
        channels: channels of the nodes.
        heads: attention weights per node; head h weighs the h-th part of the channels.

    Raises:
        ValueError: if heads does not divide channels, or one of them is below 1.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 4), "b": torch.ones(1, 4)}, {})
        >>> pool = AttentionPool(graph.schema, 4)
        >>> pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat).shape
        torch.Size([1, 2, 4])
    """

    def __init__(self, schema: GraphSchema, channels: int, *, heads: int = 1) -> None:
        super().__init__()
        if heads < 1 or channels < 1 or channels % heads:
            raise ValueError(f"channels and heads are at least 1 and heads divides channels, got {channels=}, {heads=}")
        self.modalities, self.heads, self.channels = tuple(schema.modalities), heads, channels
        self.gates = nn.ModuleList(nn.Linear(channels, 2 * channels) for _ in self.modalities)
        self.logits = nn.ModuleList(
            nn.Linear(channels, heads, bias=False) for _ in self.modalities
        )  # softmax undoes a bias

    def forward(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs modalities channels"]:
        """The pooled modalities of every graph."""
        alpha = self.node_attention(x, graph)
        values = torch.cat([x[name] for name in self.modalities]).view(-1, self.heads, self.channels // self.heads)
        pooled = ops.segment_sum(values * alpha.unsqueeze(2), graph.segment)
        return pooled.view(len(self.modalities), graph.num_graphs, self.channels).transpose(0, 1)

    def node_attention(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "nodes heads"]:
        """The weights alpha of all nodes; they sum to one over the nodes of a modality in a graph."""
        logits = []
        for name, gate, head in zip(self.modalities, self.gates, self.logits, strict=True):
            value, openness = gate(x[name]).chunk(2, 1)
            logits.append(head(value.tanh() * openness.sigmoid()))
        return ops.segment_softmax(torch.cat(logits), graph.segment)
