"""`GATv2Conv`: graph attention whose ranking of sources depends on the destination, with weights per relation."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.edge_features import edge_rows, project_features
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


class GATv2Conv(nn.Module):
    r"""GATv2 (Brody et al. 2022, arXiv 2105.14491) over typed edges, one set of weights per relation.

    .. math:: x'_i = b + \sum_{r} \sum_{j \to_r i} \alpha_{ij} v_j, \quad v_j = W_r x_j + b_r, \quad
        \alpha_{ij} = softmax(a_r \cdot LeakyReLU(v_j + W'_r x_i + b'_r + W''_r e_{ij}))

    With scope "relation" it equals PyG's
    `HeteroConv({r: GATv2Conv((in, in), out, heads, add_self_loops=False)}, "sum")`; PyG's biases of the relations into
    a modality are one here: their sum. With scope "node" one softmax spans all edges
    into a node, so weights compare across relations. A node that no edge enters gets the bias.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels per head.
        heads: attention heads.
        scope: what one softmax spans.
        concat: heads side by side; False averages them.
        negative_slope: slope of LeakyReLU below 0.
        dropout: probability that an (edge, head) falls out in training, after the softmax.
        bias: whether sources, destinations and results have biases.

    Raises:
        ValueError: on sizes below 1, an unknown scope, a dropout outside 0..1, a modality without channels; in
            `forward` and `attention` if features, edge weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = GATv2Conv(graph.schema, 3, 4, heads=2, concat=False)
        >>> conv({"a": graph.nodes["a"].x}, graph.flat)["a"].shape
        torch.Size([2, 4])
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
        width, names = heads * out_channels, list(schema.modalities)
        self.blocks = blocks_of(schema, [Block("source", width), Block("target", width)])
        sizes = list(zip(names, self.in_channels, strict=True))
        counts = [(len(schema.out_of(m)), len(schema.into(m))) for m in names]
        self.source_weight = nn.ParameterList(torch.empty(len(schema.out_of(m)), width, size) for m, size in sizes)
        self.target_weight = nn.ParameterList(torch.empty(len(schema.into(m)), width, size) for m, size in sizes)
        self.edge_weight = nn.ParameterList(torch.empty(width, schema.edge_channels(r)) for r in schema.edge_types)
        self.att = nn.Parameter(torch.empty(len(schema.edge_types), heads, out_channels))
        self.source_bias = nn.ParameterList(torch.empty(out if bias else 0, width) for out, _ in counts)
        self.target_bias = nn.ParameterList(torch.empty(into if bias else 0, width) for _, into in counts)
        self.bias = nn.Parameter(torch.empty(len(names) if bias else 0, width if concat else out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        weights = [*self.source_weight, *self.target_weight, *self.edge_weight, self.att]
        draw_(weights, [*self.source_bias, *self.target_bias, self.bias])

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
        out = ops.gatv2_attention(**inputs, edge_weight=edge_weight, **dropout_now(self.training, self.dropout))
        return with_bias(split(self.schema, merge_heads(out, self.heads, concat=self.concat), graph), self.bias)

    def attention(self, x: Mapping[str, Float[Tensor, "_ _"]], graph: FlatGraph) -> Float[Tensor, "edges heads"]:
        """The weights alpha of every edge, without dropout; they sum to one over what `scope` says."""
        return ops.gatv2_alpha(**self._inputs(x, graph))

    def _inputs(self, x: Mapping[str, Tensor], graph: FlatGraph) -> dict[str, Any]:
        """Values for the relations out of each node, queries for the relations into it, values of edges."""
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        rows = [x[name] for name in self.schema.modalities]
        sources = map(Columns.of, self.source_weight, self.source_bias)
        targets = map(Columns.of, self.target_weight, self.target_bias)
        values, row = edge_rows(graph, project_features(graph, list(self.edge_weight)))
        return {
            **make_tables(rows, sources, targets),
            "blocks": self.blocks,
            "graph": graph,
            "att": self.att,
            "scope": self.scope,
            "negative_slope": self.negative_slope,
            "edge_values": values,
            "edge_row": row,
        }
