"""The edge operator of GAT: additive logits, a softmax over the edges into a node, a weighted sum of values."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops.arguments import check_arguments, one_precision
from mmgraph.ops.attention import Inputs, Numbers, alpha_of, attend, inputs_of
from mmgraph.ops.reference import Scope


def gat_attention(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 3 2"],
    graph: FlatGraph,
    *,
    heads: int,
    channels: int,
    scope: Scope = "relation",
    negative_slope: float = 0.2,
    edge_logits: Float[Tensor, "edges heads"] | None = None,
    edge_weight: Float[Tensor, "edges weight_heads"] | None = None,
    dropout: float = 0.0,
    seed: int = 0,
) -> Float[Tensor, "nodes heads_times_channels"]:
    r"""Attention over the edges that enter each node, differentiable in tables, edge logits and edge weights.

    .. math:: out_i = \sum_e \alpha_e w_e v_{src(e)}, \quad
        \alpha = softmax(LeakyReLU(s_{src(e)} + t_i + l_e))

    Args:
        source: one table per modality: the values and logits that its nodes offer as sources, side by side.
        target: one table per modality: the logits that its nodes offer as destinations.
        blocks: per relation, modality id and first column of its values in the source's table (heads x channels
            columns), of its logits in the source's table and of its logits in the destination's (heads columns each).
        graph: the edges.
        heads: attention heads.
        channels: values per head.
        scope: what a softmax spans: the edges of one "relation" into a node, or all edges into a "node".
        negative_slope: slope of LeakyReLU below 0.
        edge_logits: added to the logits before LeakyReLU.
        edge_weight: multiplies alpha after the softmax; one column or one per head.
        dropout: probability that an (edge, head) falls out; the others are scaled up.
        seed: which ones fall out.

    Returns:
        One row per node, numbered through all modalities; zeros for a node that no edge enters. Half precision is
        computed in float32 and given back in the dtype of the tables.

    Raises:
        ValueError: if sizes or dtypes do not fit together, or scope or dropout is none.
    """
    per_edge = {"edge_logits": (edge_logits, (heads,)), "edge_weight": (edge_weight, (1, heads))}
    check_arguments(source, target, graph, per_edge, scope, dropout)
    inputs = _inputs(source, target, blocks, graph, edge_logits, edge_weight)
    numbers = Numbers("gat", heads, channels, 0, negative_slope, 1.0, scope == "relation", dropout, seed)
    return attend(inputs, numbers).to(source[0].dtype)


def gat_alpha(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 3 2"],
    graph: FlatGraph,
    *,
    heads: int,
    scope: Scope = "relation",
    negative_slope: float = 0.2,
    edge_logits: Float[Tensor, "edges heads"] | None = None,
) -> Float[Tensor, "edges heads"]:
    """The weights alpha that `gat_attention` uses, without dropout and edge weights."""
    inputs = _inputs(source, target, blocks, graph, edge_logits, None)
    return alpha_of(inputs, Numbers("gat", heads, 0, 0, negative_slope, 1.0, scope == "relation", 0.0, 0))


def _inputs(
    source: Sequence[Tensor],
    target: Sequence[Tensor],
    blocks: Tensor,
    graph: FlatGraph,
    edge_logits: Tensor | None,
    edge_weight: Tensor | None,
) -> Inputs:
    tables, (edge_logits, edge_weight) = one_precision((*source, *target), (edge_logits, edge_weight))
    inputs = inputs_of(tables[: len(source)], tables[len(source) :], blocks, graph)
    return inputs._replace(edge_logits=edge_logits, edge_weight=edge_weight)
