"""`RGATConv`: relational graph attention, both ends through the matrix of the relation."""

from collections.abc import Mapping
from typing import Any, Literal

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
    check_arguments,
    check_inputs,
    dropout_now,
    make_tables,
    merge_heads,
    one_size,
    split,
    with_bias,
)
from mmgraph.nn.conv.weights import RelationWeight, draw_


class RGATConv(nn.Module):
    r"""Relational graph attention (Busbridge et al. 2019, arXiv 1904.05811): nodes of all modalities are alike.

    .. math:: x'_i = b + \sum_{r} \sum_{j \to_r i} \alpha_{ij} W_r x_j, \quad
        \alpha_{ij} = softmax(LeakyReLU(q \cdot W_r x_i + k \cdot W_r x_j + e \cdot W'_r e_{ij}))

    q, k and e have a vector per head over the channels of *all* heads. With mode "multiplicative" the logits are
    :math:`(q \cdot W_r x_i)(k \cdot W_r x_j)`. It equals PyG's `RGATConv(in, out, relations, num_bases,
    attention_mechanism, attention_mode, heads, dim=1)` on the nodes of all modalities numbered through, with the
    relation's id as the type of an edge: scope "node" is PyG's "across-relation", "relation" its "within-relation".
    PyG's one matrix of edge features is one per relation here, as in the paper, since relations have other features;
    its `mod` and `num_blocks` are not here. b is one for all modalities. For matrices per end of the relation see
    `GATConv`.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, the same for every modality.
        out_channels: channels per head.
        heads: attention heads.
        scope: what one softmax spans.
        mode: "additive", or "multiplicative", which has no place for edge features.
        num_bases: bases that the matrices of relations share; None gives every relation its own.
        concat: heads side by side; False averages them.
        negative_slope: slope of LeakyReLU below 0.
        dropout: probability that an (edge, head) falls out in training, after the softmax.
        bias: whether to add a bias.

    Raises:
        ValueError: on sizes below 1, modalities with other channels, an unknown scope or mode, a dropout outside 0..1,
            edge features in "multiplicative" mode; in `forward` and `attention` if features, edge weights or graph do
            not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = RGATConv(graph.schema, 3, 4, heads=2, mode="multiplicative")
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
        mode: Literal["additive", "multiplicative"] = "additive",
        num_bases: int | None = None,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_arguments(out_channels, heads, dropout, scope)
        with_features = [r for r in schema.edge_types if schema.edge_channels(r)]
        if mode not in ("additive", "multiplicative"):
            raise ValueError(f"mode is 'additive' or 'multiplicative', got {mode!r}")
        if mode == "multiplicative" and with_features:
            raise ValueError(f"mode='multiplicative' has no place for edge features; these have some: {with_features}")
        size = one_size(schema, in_channels, "RGATConv takes both ends of an edge through one matrix")
        self.schema, self.scope, self.mode, self.concat = schema, scope, mode, concat
        self.in_channels, self.out_channels, self.heads = (size,) * len(schema.modalities), out_channels, heads
        self.negative_slope, self.dropout = negative_slope, dropout
        width, relations = heads * out_channels, len(schema.edge_types)
        rows = width if relations else 0
        self.blocks = blocks_of(schema, [Block("source", width), Block("source", heads), Block("target", heads)])
        self.weight = RelationWeight(relations, size, rows, num_bases)
        self.query, self.key = nn.Parameter(torch.empty(rows, heads)), nn.Parameter(torch.empty(rows, heads))
        self.edge_weight = nn.ParameterList(torch.empty(width, schema.edge_channels(r)) for r in schema.edge_types)
        self.att_edge = nn.Parameter(torch.empty(width if with_features else 0, heads))
        self.bias = nn.Parameter(torch.empty(1 if bias else 0, width if concat else out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        self.weight.reset_parameters()
        draw_([self.query, self.key, *self.edge_weight, self.att_edge], [self.bias])

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
        operator = ops.gat_attention if self.mode == "additive" else ops.dot_attention
        out = operator(**inputs, channels=self.out_channels, edge_weight=edge_weight, **dropout)
        bias = self.bias.expand(len(self.bias) * len(self.in_channels), -1)
        return with_bias(split(self.schema, merge_heads(out, self.heads, concat=self.concat), graph), bias)

    def attention(self, x: Mapping[str, Float[Tensor, "_ _"]], graph: FlatGraph) -> Float[Tensor, "edges heads"]:
        """The weights alpha of every edge, without dropout; they sum to one over what `scope` says."""
        return (ops.gat_alpha if self.mode == "additive" else ops.dot_alpha)(**self._inputs(x, graph))

    def _inputs(self, x: Mapping[str, Tensor], graph: FlatGraph) -> dict[str, Any]:
        check_inputs(self.schema, self.in_channels, x, graph, self.bias.dtype)
        inputs: dict[str, Any] = {**self._tables(x), "blocks": self.blocks, "graph": graph}
        inputs |= {"heads": self.heads, "scope": self.scope}
        if self.mode == "multiplicative":  # a dot product over one channel
            return {**inputs, "key_channels": 1, "scale": 1.0}
        weights = [self.att_edge.T @ weight if weight.shape[1] else weight for weight in self.edge_weight]
        logits = edge_logits(graph, project_features(graph, weights))
        return {**inputs, "negative_slope": self.negative_slope, "edge_logits": logits}

    def _tables(self, x: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
        """Values and keys of sources, queries of targets; q and k are folded into the matrices."""
        values = self.weight()  # [relations, in_channels, heads x channels]
        keys, queries, sources, targets = values @ self.key, values @ self.query, [], []
        for name in self.schema.modalities:
            out_of, into = list(self.schema.out_of(name)), list(self.schema.into(name))
            columns = [part[out_of].transpose(0, 1).flatten(1) for part in (values, keys)]
            sources.append(Columns(torch.cat(columns, 1).T))
            targets.append(Columns(queries[into].transpose(0, 1).flatten(1).T))
        return make_tables([x[name] for name in self.schema.modalities], sources, targets)
