"""`TransformerConv`: dot-product attention over typed edges, with its own weights for every relation."""

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
)
from mmgraph.nn.conv.weights import draw_


class TransformerConv(nn.Module):
    r"""Dot-product attention (Shi et al. 2021, arXiv 2009.03509) over typed edges, one set of weights per relation.

    .. math:: x'_i = b + W x_i + \sum_{r} \sum_{j \to_r i} \alpha_{ij} (v_j + W''_r e_{ij}), \quad
        \alpha_{ij} = softmax(q_i \cdot (k_j + W''_r e_{ij}) / \sqrt{channels})

    with :math:`v_j, k_j, q_i` linear in x, per relation. With scope "relation" it equals PyG's
    `HeteroConv({r: TransformerConv((in, in), out, heads, edge_dim)}, "sum")`; PyG's root matrices and biases of the
    relations into a modality are one here: their sum. With `beta` it equals PyG's where one relation enters each
    modality: the gate is opened once, for the sum over relations. With scope "node" one softmax spans all edges into a
    node, so weights compare across relations. Biases of keys are there with scope "node" only: within one relation they
    raise all logits of a softmax alike. A node that no edge enters gets `b + W x`, or 0 without `root_weight`.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels per head.
        heads: attention heads.
        scope: what one softmax spans.
        concat: heads side by side; False averages them.
        beta: whether a learned gate mixes the node itself with what its neighbours bring, instead of adding them.
        root_weight: whether the node itself takes part.
        dropout: probability that an (edge, head) falls out in training, after the softmax.
        bias: whether values, keys, queries and, with `root_weight`, results have biases.

    Raises:
        ValueError: on sizes below 1, an unknown scope, a dropout outside 0..1, a modality without channels, `beta`
            without `root_weight`; in `forward` and `attention` if features, edge weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = TransformerConv(graph.schema, 3, 4, heads=2)
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
        beta: bool = False,
        root_weight: bool = True,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels, heads, dropout, scope)
        if beta and not root_weight:
            raise ValueError("beta mixes the node with its neighbours: it needs root_weight=True")
        self.schema, self.scope, self.concat, self.dropout = schema, scope, concat, dropout
        self.in_channels, self.out_channels, self.heads = channels_of(schema, in_channels), out_channels, heads
        width, size = heads * out_channels, heads * out_channels if concat else out_channels
        self.blocks = blocks_of(schema, [Block("source", width), Block("source", width), Block("target", width)])
        sizes = list(zip(schema.modalities, self.in_channels, strict=True))
        out_of, into = ([len(side(m)) for m in schema.modalities] for side in (schema.out_of, schema.into))

        def matrices(counts: list[int]) -> nn.ParameterList:
            return nn.ParameterList(torch.empty(n, width, c) for n, c in zip(counts, self.in_channels, strict=True))

        def biases(counts: list[int], wanted: bool) -> nn.ParameterList:
            return nn.ParameterList(torch.empty(n if wanted else 0, width) for n in counts)

        self.value_weight, self.value_bias = matrices(out_of), biases(out_of, bias)
        self.key_weight, self.key_bias = matrices(out_of), biases(out_of, bias and scope == "node")
        self.query_weight, self.query_bias = matrices(into), biases(into, bias)
        self.edge_weight = nn.ParameterList(torch.empty(width, schema.edge_channels(r)) for r in schema.edge_types)
        self.root_weight = nn.ParameterList(torch.empty(size if root_weight else 0, c) for _, c in sizes)
        self.gate = nn.ParameterList(torch.empty(1 if beta and n else 0, 3 * size) for n in into)
        self.bias = nn.Parameter(torch.empty(len(sizes) if bias and root_weight else 0, size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot)."""
        draw_([*self.value_weight, *self.key_weight, *self.query_weight, *self.edge_weight])
        draw_([*self.root_weight, *self.gate], [*self.value_bias, *self.key_bias, *self.query_bias, self.bias])

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
        inputs, dropout = self._inputs(x, graph), dropout_now(self.training, self.dropout)
        out = ops.dot_attention(**inputs, channels=self.out_channels, edge_weight=edge_weight, **dropout)
        parts = split(self.schema, merge_heads(out, self.heads, concat=self.concat), graph)
        for m, (name, part) in enumerate(parts.items()):
            if len(self.root_weight[m]):
                parts[name] = self._join(m, x[name], part)
        return parts

    def attention(self, x: Mapping[str, Float[Tensor, "_ _"]], graph: FlatGraph) -> Float[Tensor, "edges heads"]:
        """The weights alpha of every edge, without dropout; they sum to one over what `scope` says."""
        return ops.dot_alpha(**self._inputs(x, graph))

    def _inputs(self, x: Mapping[str, Tensor], graph: FlatGraph) -> dict[str, Any]:
        """Values and keys of sources, queries of targets, and what edges add to values and keys."""
        check_inputs(self.schema, self.in_channels, x, graph, self.root_weight[0].dtype)
        rows = [x[name] for name in self.schema.modalities]
        weights = [torch.cat(pair) for pair in zip(self.value_weight, self.key_weight, strict=True)]
        sources = map(Columns.of, weights, [self._source_bias(m) for m in range(len(rows))])
        targets = map(Columns.of, self.query_weight, self.query_bias)
        values, row = edge_rows(graph, project_features(graph, list(self.edge_weight)))
        return {
            **make_tables(rows, sources, targets),
            "blocks": self.blocks,
            "graph": graph,
            "heads": self.heads,
            "key_channels": self.out_channels,
            "scale": self.out_channels**-0.5,
            "scope": self.scope,
            "edge_values": values,
            "edge_row": row,
        }

    def _source_bias(self, m: int) -> Tensor:
        values, keys = self.value_bias[m], self.key_bias[m]
        if len(values) and not len(keys):
            keys = torch.zeros_like(values)
        return torch.cat([values, keys])

    def _join(self, m: int, x: Tensor, messages: Tensor) -> Tensor:
        """The nodes' own part and the messages: their sum, or the mean that the gate weighs."""
        weight, bias, gate = self.root_weight[m], self.bias[m] if len(self.bias) else None, self.gate[m]
        if not len(gate):
            return ops.linear_sum([x], [weight], bias, messages)
        own = ops.linear(x, weight, bias)
        share = ops.linear(torch.cat([messages, own, messages - own], 1), gate).sigmoid()
        return share * own + (1 - share) * messages
