"""`GATConv`: graph attention with its own weights for every relation."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.edge_features import edge_logits, project_features
from mmgraph.nn.conv.layout import (
    Block,
    Columns,
    blocks_of,
    channels_of,
    check_arguments,
    check_inputs,
    dropout_now,
    make_tables,
    merge_heads,
    split,
    with_bias,
)
from mmgraph.nn.conv.weights import draw_


class GATConv(nn.Module):
    r"""Graph attention (Velickovic et al. 2018, arXiv 1710.10903) over typed edges, one set of weights per relation.

    .. math:: x'_i = b + \sum_{r} \sum_{j \to_r i} \alpha_{ij} W_r x_j, \quad
        \alpha_{ij} = softmax(LeakyReLU(a_r \cdot W_r x_j + a'_r \cdot W'_r x_i + a''_r \cdot W''_r e_{ij}))

    With scope "relation" it equals PyG's `HeteroConv({r: GATConv((in, in), out, heads, add_self_loops=False)}, "sum")`;
    PyG's biases of the relations into a modality are one here: their sum. With scope "node" one softmax spans all edges
    into a node, so weights compare across relations. A node that no edge enters gets the bias; with PyG a modality
    without relations is dropped instead.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels per head.
        heads: attention heads.
        scope: what one softmax spans.
        concat: heads side by side; False averages them.
        negative_slope: slope of LeakyReLU below 0.
        dropout: probability that an (edge, head) falls out in training, after the softmax.
        bias: whether to add a bias per modality.

    Raises:
        ValueError: on sizes below 1, an unknown scope, a dropout outside 0..1, a modality without channels; in
            `forward` and `attention` if features, edge weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = GATConv(graph.schema, 3, 4, heads=2)
        >>> conv({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        schema: GraphSchema,
        in_channels: int | Mapping[str, int],
        out_channels: int,
        heads: int = 1,
        *,
        scope: ops.Scope = "relation",
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels, heads, dropout, scope)
        self.schema, self.scope, self.concat = schema, scope, concat
        self.in_channels, self.out_channels, self.heads = channels_of(schema, in_channels), out_channels, heads
        self.negative_slope, self.dropout = negative_slope, dropout
        width, relations = heads * out_channels, len(schema.edge_types)
        self.blocks = blocks_of(schema, [Block("source", width), Block("source", heads), Block("target", heads)])
        sizes = list(zip(schema.modalities, self.in_channels, strict=True))
        self.source_weight = nn.ParameterList(torch.empty(len(schema.out_of(m)), width, size) for m, size in sizes)
        self.target_weight = nn.ParameterList(torch.empty(len(schema.into(m)), width, size) for m, size in sizes)
        self.edge_weight = nn.ParameterList(torch.empty(width, schema.edge_channels(r)) for r in schema.edge_types)
        self.att_source = nn.Parameter(torch.empty(relations, heads, out_channels))
        self.att_target = nn.Parameter(torch.empty(relations, heads, out_channels))
        with_features = [int(schema.edge_channels(r) > 0) for r in schema.edge_types]
        self.att_edge = nn.ParameterList(torch.empty(count, heads, out_channels) for count in with_features)
        rows = len(schema.modalities) if bias else 0
        self.bias = nn.Parameter(torch.empty(rows, width if concat else out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        draw_([*self.source_weight, *self.target_weight, *self.edge_weight])
        draw_([self.att_source, self.att_target, *self.att_edge], [self.bias])

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ _"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges weight_heads"] | None = None,
    ) -> dict[str, Float[Tensor, "_ _"]]:
        """New features of every node.

        Args:
            x: node features of every modality, [nodes, channels].
            graph: the edges.
            edge_weight: multiplies alpha, [edges, 1] or [edges, heads].

        Returns:
            Per modality [nodes, heads x channels], or [nodes, channels] without `concat`.
        """
        inputs = self._inputs(x, graph)
        dropout = dropout_now(self.training, self.dropout)
        out = ops.gat_attention(**inputs, channels=self.out_channels, edge_weight=edge_weight, **dropout)
        return with_bias(split(self.schema, merge_heads(out, self.heads, concat=self.concat), graph), self.bias)

    def attention(self, x: Mapping[str, Float[Tensor, "_ _"]], graph: FlatGraph) -> Float[Tensor, "edges heads"]:
        """The weights alpha of every edge, without dropout; they sum to one over what `scope` says."""
        return ops.gat_alpha(**self._inputs(x, graph))

    def _inputs(self, x: Mapping[str, Tensor], graph: FlatGraph) -> dict[str, Any]:
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        return {
            **self._tables(x),
            "blocks": self.blocks,
            "graph": graph,
            "heads": self.heads,
            "scope": self.scope,
            "negative_slope": self.negative_slope,
            "edge_logits": self._edge_logits(graph),
        }

    def _tables(self, x: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
        """Values and logits of sources, logits of targets; the attention vectors are folded into the weights."""
        sources, targets = [], []
        for m, name in enumerate(self.schema.modalities):
            source, target = self.source_weight[m], self.target_weight[m]
            to_source = self._fold(source, self.att_source[list(self.schema.out_of(name))])
            sources.append(Columns(torch.cat([source.flatten(0, 1), to_source])))
            targets.append(Columns(self._fold(target, self.att_target[list(self.schema.into(name))])))
        return make_tables([x[name] for name in self.schema.modalities], sources, targets)

    def _fold(self, weight: Tensor, att: Tensor) -> Tensor:
        heads = weight.view(-1, self.out_channels, weight.shape[2])  # one for each head of each relation
        return torch.bmm(att.flatten(0, 1).unsqueeze(1), heads).squeeze(1)  # [relations x heads, in_channels]

    def _edge_logits(self, graph: FlatGraph) -> Tensor | None:
        weights = [
            self._fold(weight.unsqueeze(0), att) if len(att) else weight
            for att, weight in zip(self.att_edge, self.edge_weight, strict=True)
        ]
        return edge_logits(graph, project_features(graph, weights))
