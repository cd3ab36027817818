"""`AttentionPool`: one vector per modality and graph, or per graph, a weighted mean of its nodes."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.linear import Linear
from mmgraph.nn.pool.runs import Span, all_rows, check_readout, results_of, runs


class AttentionPool(nn.Module):
    r"""Weighted mean of the nodes of each modality, or of each graph.

    Gated attention (Ilse et al. 2018, arXiv 1802.04712):

    .. math:: p_{g,m} = \sum_{i \in (g, m)} \alpha_i \, x_i, \quad
        \alpha = softmax_i(w_m \cdot (\tanh(V_m x_i) \odot \sigma(U_m x_i)))

    A modality that a graph lacks is pooled to zeros there; nothing else changes. With span "graph" one softmax spans
    all nodes of a graph, so that their weights compare across modalities; V, U and w remain those of the modality.

    Args:
        schema: names the modalities.
        channels: channels of the nodes.
        heads: attention weights per node; head h weighs the h-th part of the channels.
        span: "modality" gives a row for each modality of a graph, "graph" one for all nodes of a graph.

    Raises:
        ValueError: if heads does not divide channels, or one of them is below 1, or on an unknown span.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 4), "b": torch.ones(1, 4)}, {})
        >>> pool = AttentionPool(graph.schema, 4)
        >>> pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat).shape
        torch.Size([1, 2, 4])
    """

    def __init__(self, schema: GraphSchema, channels: int, *, heads: int = 1, span: Span = "modality") -> None:
        super().__init__()
        if heads < 1 or channels < 1 or channels % heads:
            raise ValueError(f"channels and heads are at least 1 and heads divides channels, got {channels=}, {heads=}")
        check_readout(channels, span)
        self.modalities, self.heads, self.out_channels, self.span = tuple(schema.modalities), heads, channels, span
        self.results = results_of(schema, span)
        self.gates = nn.ModuleList(Linear(channels, 2 * channels) for _ in self.modalities)
        self.logits = nn.ModuleList(
            Linear(channels, heads, bias=False) for _ in self.modalities
        )  # softmax undoes a bias

    def forward(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "graphs results channels"]:
        """The pooled rows of every graph."""
        heads = all_rows(self.modalities, x).unflatten(1, (self.heads, -1)) * self.node_attention(x, graph).unsqueeze(2)
        parts = runs(heads.flatten(1), graph, self.span)
        return parts.results(ops.segment_sum(parts.rows, parts.ptr))

    def node_attention(
        self, x: Mapping[str, Float[Tensor, "_ channels"]], graph: FlatGraph
    ) -> Float[Tensor, "nodes heads"]:
        """The weights alpha of all nodes; they sum to one over the nodes that `span` says."""
        logits = []
        for name, gate, head in zip(self.modalities, self.gates, self.logits, strict=True):
            value, openness = gate(x[name]).chunk(2, 1)
            logits.append(head(value.tanh() * openness.sigmoid()))
        parts = runs(torch.cat(logits), graph, self.span)
        return parts.flat(ops.segment_softmax(parts.rows, parts.ptr))
