"""`HGTConv`: the heterogeneous graph transformer, with a matrix per modality and one per relation and head."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import gelu, pad

from mmgraph import ops
from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.nn.conv.edge_features import edge_rows
from mmgraph.nn.conv.layout import (
    Block,
    Columns,
    blocks_of,
    channels_of,
    check_arguments,
    check_inputs,
    dropout_now,
    make_tables,
    split,
)
from mmgraph.nn.conv.time_encoding import RelativeTime
from mmgraph.nn.conv.weights import draw_


class HGTConv(nn.Module):
    r"""Heterogeneous graph transformer (Hu et al. 2020, arXiv 2003.01332): one softmax over all edges into a node.

    .. math:: x'_i = g_m (A_m \, gelu(\sum_{j \to i} \alpha_{ij} V_r v_j) + b_m) + (1 - g_m) x_i, \quad
        \alpha_{ij} = softmax(\mu_r \, q_i \cdot K_r k_j / \sqrt{channels})

    with :math:`v_j, k_j, q_i` linear in x, per modality, :math:`V_r, K_r` and :math:`\mu_r` per relation and head, and
    a gate g per modality, which is 1 where input and result have other sizes. It equals PyG's
    `HGTConv(in, heads * out, schema, heads)`; with PyG a modality without relations into it is dropped instead, here it
    gets what the formula says, with a sum of 0. With scope "relation" each relation has a softmax of its own, and keys
    have no bias: within a relation it would raise all logits alike.

    With `time_channels` it has the paper's relative temporal encoding, which PyG left out: the source's features are
    :math:`x_j + T_m \, base(t_i - t_j)` for an edge that knows its times, that is, whose relation has the edge feature
    `time_difference` (t_j - t_i in seconds, of the `span` centres; `relations.Measured` gives it). Edges of other
    relations, say to images, go without. Other edge features are not read.

    Args:
        schema: modalities and relations.
        in_channels: channels of `x`, one number or one per modality.
        out_channels: channels per head.
        heads: attention heads.
        scope: what one softmax spans; "node" is the paper's.
        time_channels: sinusoids of the time difference, an even number; None for no encoding. The paper has as many
            as there are channels.
        time_unit: seconds that count as 1 in `base`, whose periods go from 6.3 to 63,000 of them.
        dropout: probability that an (edge, head) falls out in training, after the softmax.

    Raises:
        ValueError: on sizes below 1, an unknown scope, a dropout outside 0..1, a modality without channels, time
            channels that are odd or that no relation has times for; in `forward` and `attention` if features, edge
            weights or graph do not fit.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.ones(2, 3)}, {("a", "to", "a"): torch.tensor([[0], [1]])})
        >>> conv = HGTConv(graph.schema, 3, 4, heads=2)
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
        time_channels: int | None = None,
        time_unit: float = 0.01,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_arguments(out_channels, heads, dropout, scope)
        self.schema, self.scope, self.dropout = schema, scope, dropout
        self.in_channels, self.out_channels, self.heads = channels_of(schema, in_channels), out_channels, heads
        self.time = None if time_channels is None else RelativeTime(schema, self.in_channels, time_channels, time_unit)
        width, relations = heads * out_channels, len(schema.edge_types)
        self.blocks = self._blocks(width)
        sizes = list(zip(schema.modalities, self.in_channels, strict=True))
        sources = [(width if schema.out_of(m) else 0, size) for m, size in sizes]
        targets = [(width if schema.into(m) else 0, size) for m, size in sizes]
        self.value_weight = nn.ParameterList(torch.empty(*shape) for shape in sources)
        self.value_bias = nn.ParameterList(torch.empty(rows) for rows, _ in sources)
        self.key_weight = nn.ParameterList(torch.empty(*shape) for shape in sources)
        self.key_bias = nn.ParameterList(torch.empty(rows if scope == "node" else 0) for rows, _ in sources)
        self.query_weight = nn.ParameterList(torch.empty(*shape) for shape in targets)
        self.query_bias = nn.ParameterList(torch.empty(rows) for rows, _ in targets)
        self.value_relation = nn.Parameter(torch.empty(relations, heads, out_channels, out_channels))
        self.key_relation = nn.Parameter(torch.empty(relations, heads, out_channels, out_channels))
        self.prior = nn.Parameter(torch.empty(relations, heads))
        self.out_weight = nn.ParameterList(torch.empty(width, rows) for rows, _ in targets)
        self.out_bias = nn.Parameter(torch.empty(len(sizes), width))
        self.skip = nn.ParameterList(torch.empty(1 if size == width else 0) for size in self.in_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew: Glorot, and as in PyG priors and gates of sigmoid(1)."""
        draw_([*self.value_weight, *self.key_weight, *self.query_weight, self.value_relation, self.key_relation])
        draw_(self.out_weight, [*self.value_bias, *self.key_bias, *self.query_bias, self.out_bias])
        for ones in (self.prior, *self.skip):
            nn.init.ones_(ones)
        if self.time is not None:
            self.time.reset_parameters()

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
            Per modality [nodes, heads x channels].
        """
        inputs, dropout = self._inputs(x, graph), dropout_now(self.training, self.dropout)
        out = ops.dot_attention(**inputs, channels=inputs["key_channels"], edge_weight=edge_weight, **dropout)
        if self.time is not None:  # the second half of each head is the mean of keys
            out = out.unflatten(1, (self.heads, 2, self.out_channels))[:, :, 0].flatten(1)
        parts = split(self.schema, gelu(out), graph)
        for m, (name, part) in enumerate(parts.items()):
            weight, bias, kept = self.out_weight[m], self.out_bias[m], None
            if len(self.skip[m]):
                share = self.skip[m].sigmoid()
                weight, bias, kept = share * weight, share * bias, (1 - share) * x[name]
            if not weight.shape[1]:
                parts[name] = bias.expand(part.shape) if kept is None else bias + kept
            else:
                parts[name] = ops.linear_sum([part], [weight], bias, kept)
        return parts

    def attention(self, x: Mapping[str, Float[Tensor, "_ _"]], graph: FlatGraph) -> Float[Tensor, "edges heads"]:
        """The weights alpha of every edge, without dropout; they sum to one over what `scope` says."""
        return ops.dot_alpha(**self._inputs(x, graph))

    def _blocks(self, width: int) -> Tensor:
        """Values and keys of every relation, and queries that all relations into a modality share.

        With times, rows of edges join keys and values, another to each: then keys stand behind the values of the same
        head, both blocks are the two together, and queries are zero where the values are.
        """
        if self.time is None:
            kinds = [Block("source", width), Block("source", width), Block("target", width, shared=True)]
            return blocks_of(self.schema, kinds)
        kinds = [Block("source", 2 * width), Block("target", 2 * width, shared=True)]
        return blocks_of(self.schema, kinds)[:, [0, 0, 1]]

    def _inputs(self, x: Mapping[str, Tensor], graph: FlatGraph) -> dict[str, Any]:
        """Values and keys of sources, queries of targets, and what times add to values and keys."""
        check_inputs(self.schema, self.in_channels, x, graph, self.out_bias.dtype)
        sources, targets = [], []
        weights: dict[int, Tensor] = {}
        for m, name in enumerate(self.schema.modalities):
            out_of = self.schema.out_of(name)
            folded = self._fold_sources(m, list(out_of))
            sources.append(Columns(folded[:, :-1], folded[:, -1]))
            targets.append(Columns(self.query_weight[m], self.query_bias[m]))
            if self.time is not None and out_of:
                weights |= zip(out_of, folded[:, :-1].chunk(len(out_of)), strict=True)
        rows = [x[name] for name in self.schema.modalities]
        inputs: dict[str, Any] = {**make_tables(rows, sources, targets), "blocks": self.blocks, "graph": graph}
        inputs |= {"heads": self.heads, "scope": self.scope, "scale": self.out_channels**-0.5}
        if self.time is None:
            return {**inputs, "key_channels": self.out_channels}
        values, row = edge_rows(graph, self.time(graph, weights))
        behind = [
            query.unflatten(1, (query.shape[1] // self.out_channels, self.out_channels)) for query in inputs["target"]
        ]
        return {
            **inputs,
            "target": [pad(query, (self.out_channels, 0)).flatten(1) for query in behind],
            "key_channels": 2 * self.out_channels,
            "edge_values": values,
            "edge_row": row,
        }

    def _fold_sources(self, m: int, out_of: list[int]) -> Float[Tensor, "columns in_channels_and_bias"]:
        """Modality m's matrices of values and keys times those of its relations; the last column is the bias."""
        if not out_of:
            return self.value_weight[m].new_zeros(0, self.in_channels[m] + 1)
        key_bias = self.key_bias[m] if len(self.key_bias[m]) else torch.zeros_like(self.value_bias[m])
        priors = self.prior[out_of].view(-1, self.heads, 1, 1)
        parts = []
        for weight, bias, relation in (
            (self.value_weight[m], self.value_bias[m], self.value_relation[out_of]),
            (self.key_weight[m], key_bias, self.key_relation[out_of] * priors),
        ):
            heads = torch.cat([weight, bias.unsqueeze(1)], 1).unflatten(0, (self.heads, -1))
            parts.append(torch.einsum("hdi,rhde->rhei", heads, relation))
        return torch.cat(parts, 0 if self.time is None else 2).flatten(0, 2)
