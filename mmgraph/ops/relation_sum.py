"""Sums and largest values over the edges of each relation into each node: what convs without attention need."""

from collections.abc import Collection, Sequence
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
        return _side_by_side([dst for _, dst in self.pairs], [channels[src] for src, _ in self.pairs], len(channels))


class Layout(NamedTuple):
    """What a sum reads and fills.

    Attributes:
        blocks: per relation, table and first column of what it reads (0) and of what it gives, [relations, 2, 2].
        channels: columns of every relation; 0 for one that is left out.
        widths: columns of the results.
        total: whether the relations of a node are added up, or stand side by side.
    """

    blocks: Tensor
    channels: list[int]
    widths: list[int]
    total: bool


def _side_by_side(tables: Sequence[int], channels: Sequence[int], count: int) -> tuple[list[int], list[int]]:
    """First columns of blocks in their tables, and the widths of all tables."""
    widths, first = [0] * count, []
    for table, width in zip(tables, channels, strict=True):
        first.append(widths[table])
        widths[table] += width
    return first, widths


def relation_sum(
    x: Sequence[Float[Tensor, "_ _"]],
    graph: FlatGraph,
    ends: Ends,
    *,
    edge_weight: Float[Tensor, "edges 1"] | None = None,
    relations: Collection[int] | None = None,
) -> list[Float[Tensor, "_ _"]]:
    """Per node, the weighted sums of its neighbours' features, one per relation, side by side.

    Args:
        x: features of every modality, [nodes, channels].
        graph: the edges.
        ends: where relations begin and end.
        edge_weight: multiplies what an edge brings.
        relations: ids of those that count; all, if not given.

    Returns:
        Per modality a table [nodes, channels of the relations into it], relations in their order; zeros where no edge
        of the relation enters. Half precision is summed in float32. Differentiable in features and weights.

    Raises:
        ValueError: if sizes or dtypes do not fit together.
    """
    return _run(x, graph, ends, _beside(x, ends, relations), edge_weight)


def relation_total(
    tables: Sequence[Float[Tensor, "_ _"]],
    graph: FlatGraph,
    ends: Ends,
    channels: int,
    *,
    edge_weight: Float[Tensor, "edges 1"] | None = None,
    relations: Collection[int] | None = None,
) -> list[Float[Tensor, "_ channels"]]:
    """Per node, one weighted sum over all its neighbours, each of which has a row of its own for every relation.

    Args:
        tables: per modality [nodes, relations out of it x channels], relations in their order.
        graph: the edges.
        ends: where relations begin and end.
        channels: columns per relation.
        edge_weight: multiplies what an edge brings.
        relations: ids of those that count, and have columns; all, if not given.

    Returns:
        Per modality [nodes, channels]; zeros where no edge enters. As `relation_sum` otherwise.

    Raises:
        ValueError: if sizes or dtypes do not fit together.
    """
    widths = [channels if relations is None or r in relations else 0 for r in range(len(ends.pairs))]
    first, wanted = _side_by_side([src for src, _ in ends.pairs], widths, len(tables))
    found = [table.shape[1] for table in tables]
    if found != wanted:
        raise ValueError(
            f"tables have {found} columns; with {channels} for each relation out of them they take {wanted}"
        )
    blocks = _blocks(ends, first, [0] * len(first))
    return _run(tables, graph, ends, Layout(blocks, widths, [channels] * len(tables), True), edge_weight)


def _beside(x: Sequence[Tensor], ends: Ends, relations: Collection[int] | None = None) -> Layout:
    """The sums of relations side by side; those that are not among `relations` are left out."""
    counted = range(len(ends.pairs)) if relations is None else relations
    channels = [x[src].shape[1] if r in counted else 0 for r, (src, _) in enumerate(ends.pairs)]
    first, widths = _side_by_side([dst for _, dst in ends.pairs], channels, len(x))
    return Layout(_blocks(ends, [0] * len(first), first), channels, widths, False)


def _blocks(ends: Ends, read: Sequence[int], filled: Sequence[int]) -> Tensor:
    """Tables and first columns of what every relation reads and fills, see `Layout`."""
    places = [[[src, a], [dst, b]] for (src, dst), a, b in zip(ends.pairs, read, filled, strict=True)]
    return torch.tensor(places, dtype=torch.int64).view(-1, 2, 2)


def _run(x: Sequence[Tensor], graph: FlatGraph, ends: Ends, layout: Layout, edge_weight: Tensor | None) -> list[Tensor]:
    x, edge_weight, dtype = _checked(x, graph, ends, edge_weight)
    backend = current_backend(graph.src.device)
    weight = graph.src.new_ones(graph.src.numel(), 1, dtype=x[0].dtype) if edge_weight is None else edge_weight
    if backend in FUSED:
        out = _sum(list(x), *layout, graph.rowptr, graph.src, graph.relation, weight)
    else:
        out = _plain(x, graph, ends, layout, weight, fast=backend == "torch")
    return [table.to(dtype) for table in out]


def relation_max(x: Sequence[Float[Tensor, "_ _"]], graph: FlatGraph, ends: Ends) -> list[Float[Tensor, "_ _"]]:
    """Per node, the largest value among its neighbours in every channel, one block per relation, side by side.

    The gradient goes to the first edge that has the largest value. As `relation_sum` otherwise; zeros where no edge of
    the relation enters.
    """
    x, _, dtype = _checked(x, graph, ends, None)
    if current_backend(graph.src.device) in FUSED:
        layout = _beside(x, ends)
        out = _max(list(x), layout.blocks, layout.widths, graph.rowptr, graph.src, graph.relation)[: len(x)]
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


def _plain(
    x: Sequence[Tensor], graph: FlatGraph, ends: Ends, layout: Layout, weight: Tensor, *, fast: bool
) -> list[Tensor]:
    """By index_add, which defines the meaning, or by embedding_bag, which makes no row per edge."""
    sums: list[list[Tensor]] = [[table.new_zeros(table.shape[0], 0)] for table in x]
    for (a, b), (edges, src, dst), block, channels in zip(
        ends.pairs, _relation_edges(x, graph, ends), layout.blocks.tolist(), layout.channels, strict=True
    ):
        rows = x[a][:, block[0][1] : block[0][1] + channels]
        if fast and len(edges) and channels:
            bags = to_ptr(torch.bincount(dst, minlength=graph.num_nodes[b]))[:-1]
            weights = weight[edges, 0]
            bag = torch.nn.functional.embedding_bag(src, rows, bags, mode="sum", per_sample_weights=weights)
            sums[b].append(bag)
        else:
            empty = rows.new_zeros(graph.num_nodes[b], channels)
            sums[b].append(empty.index_add(0, dst, rows[src] * weight[edges]))
    if not layout.total:
        return [torch.cat(parts, 1) for parts in sums]
    zeros = [table.new_zeros(table.shape[0], width) for table, width in zip(x, layout.widths, strict=True)]
    return [sum((part for part in parts if part.shape[1]), zero) for parts, zero in zip(sums, zeros, strict=True)]


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


@torch.library.custom_op("mmgraph::relation_sum", mutates_args=())
def _sum(
    x: Sequence[Tensor],
    blocks: Tensor,
    channels: Sequence[int],
    widths: Sequence[int],
    total: bool,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_weight: Tensor,
) -> list[Tensor]:
    layout = Layout(blocks, list(channels), list(widths), total)
    return kernels(src.device).sum_forward(x, layout, rowptr, src, relation, edge_weight)


@_sum.register_fake
def _(x, blocks, channels, widths, total, rowptr, src, relation, edge_weight):  # type: ignore[no-untyped-def]
    return [table.new_empty(table.shape[0], width) for table, width in zip(x, widths, strict=True)]


@torch.library.custom_op("mmgraph::relation_sum_backward", mutates_args=())
def _sum_backward(
    grads: Sequence[Tensor],
    x: Sequence[Tensor],
    blocks: Tensor,
    channels: Sequence[int],
    widths: Sequence[int],
    total: bool,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_weight: Tensor,
    with_weight: bool,
) -> list[Tensor]:
    """Gradients of the features, then of the edge weights (no row unless asked for)."""
    run, layout = kernels(src.device).sum_backward, Layout(blocks, list(channels), list(widths), total)
    to_x, to_weight = run(grads, x, layout, rowptr, src, relation, edge_weight, with_weight)
    return [*to_x, to_weight]


@_sum_backward.register_fake
def _(grads, x, blocks, channels, widths, total, rowptr, src, relation, edge_weight, with_weight):  # type: ignore[no-untyped-def]
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
    x, blocks, channels, widths, total, *edges = inputs
    ctx.modalities, ctx.sizes = len(x), (channels, widths, total)
    ctx.save_for_backward(*x, blocks, *edges)


def _sum_gradients(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    m, saved = ctx.modalities, ctx.saved_tensors  # asked for once: checkpoints give them once
    x, blocks, edges = saved[:m], saved[m], saved[m + 1 :]
    with_weight = ctx.needs_input_grad[-1]
    upstream = [grad.contiguous() for grad in grads]
    *to_x, to_weight = _sum_backward(upstream, list(x), blocks, *ctx.sizes, *edges, with_weight)
    return to_x, *[None] * 7, to_weight if with_weight else None


def _save_max(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, blocks, _, *edges = inputs
    ctx.modalities = len(x)
    winners = output[len(x) :]
    ctx.save_for_backward(*x, blocks, *edges, *winners)
    ctx.mark_non_differentiable(*winners)


def _max_gradients(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    m, saved = ctx.modalities, ctx.saved_tensors
    x, rest, winners = saved[:m], saved[m:-m], saved[-m:]
    to_x = _max_backward([grad.contiguous() for grad in grads[:m]], list(winners), list(x), *rest)
    return to_x, None, None, None, None, None


_sum.register_autograd(_sum_gradients, setup_context=_save)
_max.register_autograd(_max_gradients, setup_context=_save_max)
