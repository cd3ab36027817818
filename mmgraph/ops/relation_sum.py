"""Sums and largest values over the edges of each relation into each node: what convs without attention need."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.graph import FlatGraph
from mmgraph.graph.ragged import to_ptr
from mmgraph.ops.arguments import check_rows, one_precision
from mmgraph.ops.attention import kernels
from mmgraph.ops.backend import FUSED, current_backend
from mmgraph.ops.reference import destinations


class Ends(NamedTuple):
    """Where relations begin and end: what `relation_sum` needs of a schema.

    Attributes:
        pairs: per relation, modality ids of source and destination.
    """

    pairs: tuple[tuple[int, int], ...]

    def columns(self, channels: Sequence[int]) -> tuple[list[int], list[int]]:
        """First column of every relation in its destination's result, and the width of every modality's result.

        Args:
            channels: of every modality.

        Example:
            >>> Ends(((0, 1), (1, 1), (1, 0))).columns([8, 2])
            ([0, 8, 0], [2, 10])
        """
        widths, first = [0] * len(channels), []
        for src, dst in self.pairs:
            first.append(widths[dst])
            widths[dst] += channels[src]
        return first, widths

    def blocks(self, channels: Sequence[int]) -> Tensor:
        """Per relation, modality and first column of what it reads (0) and of what it gives, [relations, 2, 2]."""
        first, _ = self.columns(channels)
        rows = [[[src, 0], [dst, at]] for (src, dst), at in zip(self.pairs, first, strict=True)]
        return torch.tensor(rows, dtype=torch.int64).view(-1, 2, 2)


def relation_sum(
    x: Sequence[Float[Tensor, "_ _"]],
    graph: FlatGraph,
    ends: Ends,
    *,
    edge_weight: Float[Tensor, "edges 1"] | None = None,
) -> list[Float[Tensor, "_ _"]]:
    """Per node, the weighted sums of its neighbours' features, one per relation, side by side.

    Args:
        x: features of every modality, [nodes, channels].
        graph: the edges.
        ends: where relations begin and end.
        edge_weight: multiplies what an edge brings.

    Returns:
        Per modality a table [nodes, channels of all relations into it], relations in their order; zeros where no edge
        of the relation enters. Half precision is summed in float32. Differentiable in features and weights.

    Raises:
        ValueError: if sizes or dtypes do not fit together.
    """
    x, edge_weight, dtype = _checked(x, graph, ends, edge_weight)
    backend = current_backend(graph.src.device)
    weight = graph.src.new_ones(graph.src.numel(), 1, dtype=x[0].dtype) if edge_weight is None else edge_weight
    if backend in FUSED:
        out = _sum(list(x), *_layout(x, ends), graph.rowptr, graph.src, graph.relation, weight)
    else:
        out = _plain(x, graph, ends, weight, fast=backend == "torch")
    return [table.to(dtype) for table in out]


def relation_max(x: Sequence[Float[Tensor, "_ _"]], graph: FlatGraph, ends: Ends) -> list[Float[Tensor, "_ _"]]:
    """Per node, the largest value among its neighbours in every channel, one block per relation, side by side.

    The gradient goes to the first edge that has the largest value. As `relation_sum` otherwise; zeros where no edge of
    the relation enters.
    """
    x, _, dtype = _checked(x, graph, ends, None)
    if current_backend(graph.src.device) in FUSED:
        out = _max(list(x), *_layout(x, ends), graph.rowptr, graph.src, graph.relation)[: len(x)]
    else:
        out = _plain_max(x, graph, ends)
    return [table.to(dtype) for table in out]


def _checked(
    x: Sequence[Tensor], graph: FlatGraph, ends: Ends, edge_weight: Tensor | None
) -> tuple[list[Tensor], Tensor | None, torch.dtype]:
    check_rows("x", x, graph)
    if len(ends.pairs) != len(graph.features):
        raise ValueError(f"ends has {len(ends.pairs)} relations, the graph {len(graph.features)}")
    if edge_weight is not None and edge_weight.shape != (graph.src.numel(), 1):
        raise ValueError(f"edge_weight has shape {list(edge_weight.shape)}, it takes [{graph.src.numel()}, 1]")
    raised, (edge_weight,) = one_precision(x, (edge_weight,))
    return raised, edge_weight, x[0].dtype


def _relation_edges(x: Sequence[Tensor], graph: FlatGraph, ends: Ends) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Per relation: its edges, their sources and their destinations, numbered within the modality."""
    first = torch.tensor([0, *graph.num_nodes]).cumsum(0).tolist()
    dst, found = destinations(graph.rowptr), []
    for r, (a, b) in enumerate(ends.pairs):
        edges = (graph.relation == r).nonzero().squeeze(1)
        found.append((edges, graph.src[edges].long() - first[a], dst[edges] - first[b]))
    return found


def _plain(x: Sequence[Tensor], graph: FlatGraph, ends: Ends, weight: Tensor, *, fast: bool) -> list[Tensor]:
    """By index_add, which defines the meaning, or by embedding_bag, which makes no row per edge."""
    blocks: list[list[Tensor]] = [[] for _ in x]
    for (a, b), (edges, src, dst) in zip(ends.pairs, _relation_edges(x, graph, ends), strict=True):
        if fast and len(edges):
            bags = to_ptr(torch.bincount(dst, minlength=graph.num_nodes[b]))[:-1]
            weights = weight[edges, 0]
            sums = torch.nn.functional.embedding_bag(src, x[a], bags, mode="sum", per_sample_weights=weights)
            blocks[b].append(sums)
        else:
            empty = x[a].new_zeros(graph.num_nodes[b], x[a].shape[1])
            blocks[b].append(empty.index_add(0, dst, x[a][src] * weight[edges]))
    return [torch.cat(parts, 1) if parts else x[m].new_zeros(len(x[m]), 0) for m, parts in enumerate(blocks)]


def _plain_max(x: Sequence[Tensor], graph: FlatGraph, ends: Ends) -> list[Tensor]:
    blocks: list[list[Tensor]] = [[] for _ in x]
    for (a, b), (_, src, dst) in zip(ends.pairs, _relation_edges(x, graph, ends), strict=True):
        nodes, channels = graph.num_nodes[b], x[a].shape[1]
        values = x[a][src]
        index = dst.unsqueeze(1).expand_as(values)
        top = values.new_zeros(nodes, channels).scatter_reduce(0, index, values.detach(), "amax", include_self=False)
        is_top = (values == top[dst]) | values.isnan()
        place = torch.arange(len(dst), device=dst.device).unsqueeze(1).where(is_top, len(dst))
        first = place.new_full((nodes, channels), len(dst)).scatter_reduce(0, index, place, "amin")
        blocks[b].append(torch.cat([values, values.new_zeros(1, channels)]).gather(0, first))
    return [torch.cat(parts, 1) if parts else x[m].new_zeros(len(x[m]), 0) for m, parts in enumerate(blocks)]


def _layout(x: Sequence[Tensor], ends: Ends) -> tuple[Tensor, list[int]]:
    """Blocks of all relations, and the width of every modality's result."""
    channels = [table.shape[1] for table in x]
    return ends.blocks(channels), ends.columns(channels)[1]


@torch.library.custom_op("mmgraph::relation_sum", mutates_args=())
def _sum(
    x: Sequence[Tensor],
    blocks: Tensor,
    widths: Sequence[int],
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_weight: Tensor,
) -> list[Tensor]:
    return kernels(src.device).sum_forward(x, blocks, widths, rowptr, src, relation, edge_weight)


@_sum.register_fake
def _(x, blocks, widths, rowptr, src, relation, edge_weight):  # type: ignore[no-untyped-def]
    return [table.new_empty(table.shape[0], width) for table, width in zip(x, widths, strict=True)]


@torch.library.custom_op("mmgraph::relation_sum_backward", mutates_args=())
def _sum_backward(
    grads: Sequence[Tensor],
    x: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_weight: Tensor,
    with_weight: bool,
) -> list[Tensor]:
    """Gradients of the features, then of the edge weights (no row unless asked for)."""
    run = kernels(src.device).sum_backward
    to_x, to_weight = run(grads, x, blocks, rowptr, src, relation, edge_weight, with_weight)
    return [*to_x, to_weight]


@_sum_backward.register_fake
def _(grads, x, blocks, rowptr, src, relation, edge_weight, with_weight):  # type: ignore[no-untyped-def]
    return [*map(torch.empty_like, x), torch.empty_like(edge_weight[: None if with_weight else 0])]


@torch.library.custom_op("mmgraph::relation_max", mutates_args=())
def _max(
    x: Sequence[Tensor], blocks: Tensor, widths: Sequence[int], rowptr: Tensor, src: Tensor, relation: Tensor
) -> list[Tensor]:
    """The largest values, then, shaped alike, the number of the first edge that brings them, or -1, int32."""
    out, edges = kernels(src.device).max_forward(x, blocks, widths, rowptr, src, relation)
    return [*out, *edges]


@_max.register_fake
def _(x, blocks, widths, rowptr, src, relation):  # type: ignore[no-untyped-def]
    out = [table.new_empty(table.shape[0], width) for table, width in zip(x, widths, strict=True)]
    return [*out, *(table.to(torch.int32) for table in out)]


@torch.library.custom_op("mmgraph::relation_max_backward", mutates_args=())
def _max_backward(
    grads: Sequence[Tensor],
    edges: Sequence[Tensor],
    x: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
) -> list[Tensor]:
    return kernels(src.device).max_backward(grads, edges, x, blocks, rowptr, src, relation)


@_max_backward.register_fake
def _(grads, edges, x, blocks, rowptr, src, relation):  # type: ignore[no-untyped-def]
    return [torch.empty_like(table) for table in x]


def _save(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, blocks, _, *edges = inputs
    ctx.modalities = len(x)
    winners = output[len(x) :]
    ctx.save_for_backward(*x, blocks, *edges, *winners)
    ctx.mark_non_differentiable(*winners)


def _sum_gradients(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    x, rest = ctx.saved_tensors[: ctx.modalities], ctx.saved_tensors[ctx.modalities :]
    with_weight = ctx.needs_input_grad[-1]
    *to_x, to_weight = _sum_backward([grad.contiguous() for grad in grads], list(x), *rest, with_weight)
    return to_x, None, None, None, None, None, to_weight if with_weight else None


def _max_gradients(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    m = ctx.modalities
    x, rest, winners = ctx.saved_tensors[:m], ctx.saved_tensors[m:-m], ctx.saved_tensors[-m:]
    to_x = _max_backward([grad.contiguous() for grad in grads[:m]], list(winners), list(x), *rest)
    return to_x, None, None, None, None, None


_sum.register_autograd(_sum_gradients, setup_context=_save)
_max.register_autograd(_max_gradients, setup_context=_save)
