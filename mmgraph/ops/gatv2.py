"""The edge operator of GATv2: logits from a nonlinearity of source plus destination, then as in GAT."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops.arguments import check_arguments, check_edge_rows, one_precision
from mmgraph.ops.attention import Inputs, Numbers, alpha_of, attend, inputs_of
from mmgraph.ops.reference import Scope


def gatv2_attention(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 2 2"],
    graph: FlatGraph,
    att: Float[Tensor, "relations heads channels"],
    *,
    scope: Scope = "relation",
    negative_slope: float = 0.2,
    edge_values: Float[Tensor, "rows heads_times_channels"] | None = None,
    edge_row: Int[Tensor, " edges"] | None = None,
    edge_weight: Float[Tensor, "edges weight_heads"] | None = None,
    dropout: float = 0.0,
    seed: int = 0,
) -> Float[Tensor, "nodes heads_times_channels"]:
    r"""Attention over the edges that enter each node, differentiable in tables, att, edge values and edge weights.

    .. math:: out_i = \sum_e \alpha_e w_e v_{src(e)}, \quad
        \alpha = softmax(a_{r(e)} \cdot LeakyReLU(v_{src(e)} + q_i + x_e))

    Args:
        source: one table per modality: the values that its nodes offer as sources.
        target: one table per modality: the queries that its nodes have as destinations.
        blocks: per relation, modality id and first column of its values in the source's table and of its queries in the
            destination's table (heads x channels columns each).
        graph: the edges.
        att: attention vector of every relation and head.
        scope: what a softmax spans: the edges of one "relation" into a node, or all edges into a "node".
        negative_slope: slope of LeakyReLU below 0.
        edge_values: added inside LeakyReLU for edges that have a row.
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
    _, heads, channels = att.shape
    check_arguments(source, target, graph, {"edge_weight": (edge_weight, (1, heads))}, scope, dropout)
    check_edge_rows(edge_values, edge_row, graph, heads * channels)
    inputs = _inputs(source, target, blocks, graph, att, edge_values, edge_row, edge_weight)
    numbers = Numbers("gatv2", heads, channels, channels, negative_slope, 1.0, scope == "relation", dropout, seed)
    return attend(inputs, numbers).to(source[0].dtype)


def gatv2_alpha(
    source: Sequence[Float[Tensor, "_ _"]],
    target: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 2 2"],
    graph: FlatGraph,
    att: Float[Tensor, "relations heads channels"],
    *,
    scope: Scope = "relation",
    negative_slope: float = 0.2,
    edge_values: Float[Tensor, "rows heads_times_channels"] | None = None,
    edge_row: Int[Tensor, " edges"] | None = None,
) -> Float[Tensor, "edges heads"]:
    """The weights alpha that `gatv2_attention` uses, without dropout and edge weights."""
    _, heads, channels = att.shape
    inputs = _inputs(source, target, blocks, graph, att, edge_values, edge_row, None)
    numbers = Numbers("gatv2", heads, channels, channels, negative_slope, 1.0, scope == "relation", 0.0, 0)
    return alpha_of(inputs, numbers)


def _inputs(
    source: Sequence[Tensor],
    target: Sequence[Tensor],
    blocks: Tensor,
    graph: FlatGraph,
    att: Tensor,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
) -> Inputs:
    (att, *tables), (edge_values, edge_weight) = one_precision((att, *source, *target), (edge_values, edge_weight))
    inputs = inputs_of(tables[: len(source)], tables[len(source) :], blocks, graph)
    return inputs._replace(att=att, edge_values=edge_values, edge_row=edge_row, edge_weight=edge_weight)
