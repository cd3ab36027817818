"""`MTGATConv`: graph attention with a matrix per modality and attention vectors per relation, as in MTAG."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
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


class MTGATConv(nn.Module):
    r"""Typed graph attention of MTAG (Yang et al. 2021, arXiv 2010.11985): relations share values, not attention.

    .. math:: x'_i = b + \sum_{r} \sum_{j \to_r i} \alpha_{ij} h_j, \quad h_j = W_{m(j)} x_j, \quad
        \alpha_{ij} = softmax(LeakyReLU(a_r \cdot h_j + a'_r \cdot h_i))

    One softmax spans all edges into a node, of all relations, so weights compare across relations. All relations out
    of a modality share its matrix: far fewer parameters and products than `GATConv`, and another layer. PyG has no such
    layer. The paper's bias is one for all modalities, here it is one for each. Edge features are not read. A node that
    no edge enters gets the bias.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels per head.
        heads: attention heads.
        scope: what one softmax spans; "node" is MTAG.
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
        >>> conv = MTGATConv(graph.schema, 3, 4, heads=2)
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
        scope: ops.Scope = "node",
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
        self.blocks = blocks_of(
            schema, [Block("source", width, shared=True), Block("source", heads), Block("target", heads)]
        )
        self.weight = nn.ParameterList()
        for name, size in zip(schema.modalities, self.in_channels, strict=True):
            read = schema.out_of(name) or schema.into(name)
            self.weight.append(torch.empty(width if read else 0, size))
        self.att_source = nn.Parameter(torch.empty(relations, heads, out_channels))
        self.att_target = nn.Parameter(torch.empty(relations, heads, out_channels))
        rows = len(schema.modalities) if bias else 0
        self.bias = nn.Parameter(torch.empty(rows, width if concat else out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot)."""
        draw_([*self.weight, self.att_source, self.att_target], [self.bias])

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
        """Values of sources, then the logits of every relation; the attention vectors are folded into the weights."""
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        sources, targets = [], []
        for name, weight in zip(self.schema.modalities, self.weight, strict=True):
            out_of, into = list(self.schema.out_of(name)), list(self.schema.into(name))
            values = weight if out_of else weight[:0]
            sources.append(Columns(torch.cat([values, self._fold(weight, self.att_source[out_of])])))
            targets.append(Columns(self._fold(weight, self.att_target[into])))
        return {
            **make_tables([x[name] for name in self.schema.modalities], sources, targets),
            "blocks": self.blocks,
            "graph": graph,
            "heads": self.heads,
            "scope": self.scope,
            "negative_slope": self.negative_slope,
        }

    def _fold(self, weight: Tensor, att: Tensor) -> Tensor:
        if not len(att):
            return weight[:0]
        heads = weight.view(self.heads, self.out_channels, -1)
        return torch.einsum("rhc,hci->rhi", att, heads).flatten(0, 1)  # [relations x heads, in_channels]
