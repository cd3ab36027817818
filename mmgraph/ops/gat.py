"""The edge operator of GAT: additive logits, a softmax over the edges into a node, a weighted sum of values."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.ops import reference, scatter
from mmgraph.ops.arguments import check_arguments, one_precision
from mmgraph.ops.backend import current_backend
from mmgraph.ops.reference import Scope


def gat_attention(
    tables: Sequence[Float[Tensor, "_ _"]],
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
        tables: one per modality: the values and logits that its nodes offer, side by side.
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
    check_arguments(tables, graph, per_edge, scope, dropout)
    dtype = tables[0].dtype
    tables, (edge_logits, edge_weight) = one_precision(tables, (edge_logits, edge_weight))
    backend = current_backend(graph.src.device)
    if backend != "numba":
        alpha = gat_alpha(
            tables, blocks, graph, heads=heads, scope=scope, negative_slope=negative_slope, edge_logits=edge_logits
        )
        values = reference.gather(tables, blocks[:, 0], graph.src, graph.relation, heads * channels)
        aggregate = scatter.aggregate if backend == "torch_scatter" else reference.aggregate
        return aggregate(alpha, values, graph.rowptr, edge_weight, dropout, seed).to(dtype)
    numbers = (heads, channels, negative_slope, scope == "relation", dropout, seed)
    edges = (graph.rowptr, graph.src, graph.relation)
    return _forward(list(tables), blocks, *edges, edge_logits, edge_weight, *numbers)[0].to(dtype)


def gat_alpha(
    tables: Sequence[Float[Tensor, "_ _"]],
    blocks: Int[Tensor, "relations 3 2"],
    graph: FlatGraph,
    *,
    heads: int,
    scope: Scope = "relation",
    negative_slope: float = 0.2,
    edge_logits: Float[Tensor, "edges heads"] | None = None,
) -> Float[Tensor, "edges heads"]:
    """The weights alpha that `gat_attention` uses, without dropout and edge weights."""
    tables, (edge_logits,) = one_precision(tables, (edge_logits,))
    return reference.gat_alpha(
        tables,
        blocks,
        graph.rowptr,
        graph.src,
        graph.relation,
        edge_logits,
        heads,
        negative_slope,
        scope,
        scatter.softmax if current_backend(graph.src.device) == "torch_scatter" else reference.softmax,
    )


@torch.library.custom_op("mmgraph::gat", mutates_args=())
def _forward(
    tables: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_logits: Tensor | None,
    edge_weight: Tensor | None,
    heads: int,
    channels: int,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    from mmgraph.ops.numba_kernels import launch

    edges = (rowptr, src, relation)
    numbers = (heads, channels, slope, per_relation, dropout, seed)
    return launch.gat_forward(tables, blocks, edges, edge_logits, edge_weight, *numbers)


@_forward.register_fake
def _(tables, blocks, rowptr, src, relation, edge_logits, edge_weight, heads, channels, *numbers):  # type: ignore[no-untyped-def]
    like = tables[0]
    return like.new_empty(rowptr.shape[0] - 1, heads * channels), like.new_empty(src.shape[0], heads)


@torch.library.custom_op("mmgraph::gat_backward", mutates_args=())
def _backward(
    grad_out: Tensor,
    alpha: Tensor,
    tables: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_logits: Tensor | None,
    edge_weight: Tensor | None,
    channels: int,
    slope: float,
    per_relation: bool,
    dropout: float,
    seed: int,
) -> list[Tensor]:
    """Gradients of tables, then of edge logits, then of edge weights."""
    from mmgraph.ops.numba_kernels import launch

    edges = (rowptr, src, relation)
    numbers = (channels, slope, per_relation, dropout, seed)
    grads, *rest = launch.gat_backward(grad_out, alpha, tables, blocks, edges, edge_logits, edge_weight, *numbers)
    return [*grads, *rest]


@_backward.register_fake
def _(grad_out, alpha, tables, blocks, rowptr, src, relation, edge_logits, edge_weight, *numbers):  # type: ignore[no-untyped-def]
    to_weight = torch.empty_like(alpha[: 0 if edge_weight is None else None])
    return [*map(torch.empty_like, tables), torch.empty_like(alpha), to_weight]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    tables, *tensors = inputs[:7]
    ctx.save_for_backward(*tables, *tensors, output[1])
    ctx.numbers = inputs[8:]
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)


def _gradients(ctx: Any, grad_out: Tensor | None, _: Tensor | None) -> tuple[Any, ...]:
    *tables, blocks, rowptr, src, relation, edge_logits, edge_weight, alpha = ctx.saved_tensors
    if grad_out is None:
        return [None] * len(tables), *[None] * 12
    inputs = (tables, blocks, rowptr, src, relation, edge_logits, edge_weight)
    *grads, logits, weight = _backward(grad_out.contiguous(), alpha, *inputs, *ctx.numbers)
    to_logits = None if edge_logits is None else logits
    to_weight = None if edge_weight is None else weight.sum_to_size(edge_weight.shape)
    return grads, None, None, None, None, to_logits, to_weight, *[None] * 6


_forward.register_autograd(_gradients, setup_context=_save)
