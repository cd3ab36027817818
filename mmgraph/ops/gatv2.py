"""The edge operator of GATv2: logits from a nonlinearity of source plus destination, then as in GAT."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops import reference, scatter
from mmgraph.ops.arguments import check_arguments, check_edge_rows, one_precision
from mmgraph.ops.backend import current_backend
from mmgraph.ops.reference import Scope


def gatv2_attention(
    tables: Sequence[Float[Tensor, "_ _"]],
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
        tables: one per modality: the values and queries that its nodes offer, side by side, all values first.
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
    check_arguments(tables, graph, {"edge_weight": (edge_weight, (1, heads))}, scope, dropout)
    check_edge_rows(edge_values, edge_row, graph, heads * channels)
    dtype = tables[0].dtype
    (att, *tables), (edge_values, edge_weight) = one_precision((att, *tables), (edge_values, edge_weight))
    backend = current_backend(graph.src.device)
    if backend != "numba":
        alpha = gatv2_alpha(
            tables,
            blocks,
            graph,
            att,
            scope=scope,
            negative_slope=negative_slope,
            edge_values=edge_values,
            edge_row=edge_row,
        )
        values = reference.gather(tables, blocks[:, 0], graph.src, graph.relation, heads * channels)
        aggregate = scatter.aggregate if backend == "torch_scatter" else reference.aggregate
        return aggregate(alpha, values, graph.rowptr, edge_weight, dropout, seed).to(dtype)
    numbers = (negative_slope, scope == "relation", dropout, seed)
    edges = (graph.rowptr, graph.src, graph.relation)
    return _forward(list(tables), blocks, *edges, att, edge_values, edge_row, edge_weight, *numbers)[0].to(dtype)


def gatv2_alpha(
    tables: Sequence[Float[Tensor, "_ _"]],
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
    (att, *tables), (edge_values,) = one_precision((att, *tables), (edge_values,))
    if edge_values is not None and edge_row is not None:
        padded = torch.cat([edge_values, edge_values.new_zeros(1, edge_values.shape[1])])
        edge_values = padded[edge_row.long()]  # row -1 is the zero row
    return reference.gatv2_alpha(
        tables,
        blocks,
        graph.rowptr,
        graph.src,
        graph.relation,
        att,
        edge_values,
        negative_slope,
        scope,
        scatter.softmax if current_backend(graph.src.device) == "torch_scatter" else reference.softmax,
    )


@torch.library.custom_op("mmgraph::gatv2", mutates_args=())
def _forward(
    tables: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    att: Tensor,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    from mmgraph.ops.numba_kernels import launch

    optional = (edge_values, edge_row, edge_weight)
    edges = (rowptr, src, relation)
    return launch.gatv2_forward(tables, blocks, edges, att, *optional, slope, per_relation, dropout, seed)


@_forward.register_fake
def _(tables, blocks, rowptr, src, relation, att, *rest):  # type: ignore[no-untyped-def]
    heads, channels = att.shape[1:]
    like = tables[0]
    return like.new_empty(rowptr.shape[0] - 1, heads * channels), like.new_empty(src.shape[0], heads)


@torch.library.custom_op("mmgraph::gatv2_backward", mutates_args=())
def _backward(
    grad_out: Tensor,
    alpha: Tensor,
    tables: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    att: Tensor,
    edge_values: Tensor | None,
    edge_row: Tensor | None,
    edge_weight: Tensor | None,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> list[Tensor]:
    """Gradients of tables, then of att, edge values and edge weights."""
    from mmgraph.ops.numba_kernels import launch

    inputs = (tables, blocks, (rowptr, src, relation), att, edge_values, edge_row, edge_weight)
    grads, *rest = launch.gatv2_backward(grad_out, alpha, *inputs, slope, per_relation, dropout, seed)
    return [*grads, *rest]


@_backward.register_fake
def _(grad_out, alpha, tables, blocks, rowptr, src, relation, att, edge_values, edge_row, edge_weight, *numbers):  # type: ignore[no-untyped-def]
    to_values = alpha.new_empty(0, 0) if edge_values is None else torch.empty_like(edge_values)
    to_weight = torch.empty_like(alpha[: 0 if edge_weight is None else None])
    return [*map(torch.empty_like, tables), torch.empty_like(att), to_values, to_weight]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    tables, *tensors = inputs[:9]
    ctx.save_for_backward(*tables, *tensors, output[1])
    ctx.numbers = inputs[9:]
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)


def _gradients(ctx: Any, grad_out: Tensor | None, _: Tensor | None) -> tuple[Any, ...]:
    *tables, blocks, rowptr, src, relation, att, edge_values, edge_row, edge_weight, alpha = ctx.saved_tensors
    if grad_out is None:
        return [None] * len(tables), *[None] * 12
    inputs = (tables, blocks, rowptr, src, relation, att, edge_values, edge_row, edge_weight)
    *grads, to_att, values, weight = _backward(grad_out.contiguous(), alpha, *inputs, *ctx.numbers)
    to_values = None if edge_values is None else values
    to_weight = None if edge_weight is None else weight.sum_to_size(edge_weight.shape)
    return grads, None, None, None, None, to_att, to_values, None, to_weight, *[None] * 4


_forward.register_autograd(_gradients, setup_context=_save)
