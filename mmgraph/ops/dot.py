"""The edge operator of transformers: logits are scaled dot products of queries and keys, then as in GAT."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops.arguments import check_arguments, check_edge_rows, one_precision
from mmgraph.ops.attention import Inputs, Numbers, alpha_of, attend, inputs_of
from mmgraph.ops.reference import Scope


def dot_attention(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 3 2"],
    graph: FlatGraph,
    *,
    heads: int,
    channels: int,
    key_channels: int,
    scale: float,
    scope: Scope = "relation",
    edge_values: Float[Tensor, "rows heads_times_channels"] | None = None,
    edge_row: Int[Tensor, " edges"] | None = None,
    edge_weight: Float[Tensor, "edges weight_heads"] | None = None,
    dropout: float = 0.0,
    seed: int = 0,
) -> Float[Tensor, "nodes heads_times_channels"]:
    r"""Attention over the edges that enter each node, differentiable in tables, edge values and edge weights.

    .. math:: out_i = \sum_e \alpha_e w_e (v_{src(e)} + x_e), \quad
        \alpha = softmax(scale \cdot q_i \cdot (k_{src(e)} + x_e))

    Args:
        source: one table per modality: the values and keys that its nodes offer as sources, side by side.
        target: one table per modality: the queries that its nodes have as destinations.
        blocks: per relation, modality id and first column of its values in the source's table (heads x channels
            columns), of its keys there and of its queries in the destination's table (heads x key channels each).
        graph: the edges.
        heads: attention heads.
        channels: values per head.
        key_channels: keys and queries per head.
        scale: multiplies the dot products.
        scope: what a softmax spans: the edges of one "relation" into a node, or all edges into a "node".
        edge_values: added to keys and values of edges that have a row; then `key_channels` equals `channels`.
        edge_row: row in `edge_values` of each edge, -1 for an edge without, int32; no row is named twice.
        edge_weight: multiplies alpha after the softmax; one column or one per head.
        dropout: probability that an (edge, head) falls out; the others are scaled up.
        seed: which ones fall out.

    Returns:
        One row per node, numbered through all modalities; zeros for a node that no edge enters. Half precision is
        computed in float32 and given back in the dtype of the tables.

    Raises:
        ValueError: if sizes or dtypes do not fit together, or scope or dropout is none.
    """
    check_arguments(source, target, graph, {"edge_weight": (edge_weight, (1, heads))}, scope, dropout)
    check_edge_rows(edge_values, edge_row, graph, heads * channels)
    if edge_values is not None and key_channels != channels:
        raise ValueError(f"edge_values are added to keys and values, but {key_channels=} and {channels=} differ")
    inputs = _inputs(source, target, blocks, graph, edge_values, edge_row, edge_weight)
    numbers = Numbers("dot", heads, channels, key_channels, 0.0, scale, scope == "relation", dropout, seed)
    return attend(inputs, numbers).to(source[0].dtype)


def dot_alpha(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 3 2"],
    graph: FlatGraph,
    *,
    heads: int,
    key_channels: int,
    scale: float,
    scope: Scope = "relation",
    edge_values: Float[Tensor, "rows heads_times_channels"] | None = None,
    edge_row: Int[Tensor, " edges"] | None = None,
) -> Float[Tensor, "edges heads"]:
    """The weights alpha that `dot_attention` uses, without dropout and edge weights."""
    inputs = _inputs(source, target, blocks, graph, edge_values, edge_row, None)
    return alpha_of(inputs, Numbers("dot", heads, key_channels, key_channels, 0.0, scale, scope == "relation", 0.0, 0))


def _inputs(
    source: Sequence[Tensor],
    target: Sequence[Tensor],
    blocks: Tensor,
    graph: FlatGraph,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
) -> Inputs:
    tables, (edge_values, edge_weight) = one_precision((*source, *target), (edge_values, edge_weight))
    inputs = inputs_of(tables[: len(source)], tables[len(source) :], blocks, graph)
    return inputs._replace(edge_values=edge_values, edge_row=edge_row, edge_weight=edge_weight)
