"""From tensors to kernels: allocates results and says in which order kernels run; the same doors as the CPU's."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmgraph.ops.attention import Inputs, Kind, Numbers
from mmgraph.ops.dropout import keep_weights
from mmgraph.ops.relation_sum import Layout
from mmgraph.ops.triton_kernels import dot, gat, gatv2
from mmgraph.ops.triton_kernels.common import (
    Backward,
    Tile,
    by_destination,
    by_source,
    on_device_of,
    rows_of,
    tile,
    whole,
)
from mmgraph.ops.triton_kernels.gradients import Gradients, gradients_of
from mmgraph.ops.triton_kernels.maxima import maxima
from mmgraph.ops.triton_kernels.rows import dot_products, sums
from mmgraph.ops.triton_kernels.softmax import softmax_, softmax_backward_

NO_ROWS = (None, None)


def attention_forward(inputs: Inputs, numbers: Numbers) -> tuple[Tensor, Tensor]:
    """Output [nodes, heads x channels] and alpha [edges, heads]."""
    inputs = _contiguous(inputs)
    like, relations = inputs.source[0], len(inputs.blocks)
    out = like.new_zeros(inputs.rowptr.numel() - 1, numbers.heads * numbers.channels)
    alpha = like.new_empty(inputs.src.numel(), numbers.heads)
    if alpha.numel() == 0:
        return out, alpha
    with on_device_of(like):
        order = by_destination(inputs.rowptr, inputs.src, inputs.relation, relations)
        sides = _sides(inputs.source, inputs.target, inputs.blocks)
        *places, to_out = rows_of([*sides, whole(out, relations)])
        sizes, own = tile(numbers.heads, numbers.channels), (inputs.edge_values, inputs.edge_row)
        if numbers.kind == "gat":
            gat.logits(order, places[1], places[2], inputs.edge_logits, numbers.negative_slope, alpha)
        elif inputs.att is not None:
            gatv2.logits(order, sizes, places[0], places[1], inputs.att, own, numbers.negative_slope, alpha)
        else:
            keys = tile(numbers.heads, numbers.key_channels)
            dot_products(order, keys, places[2], places[1], alpha, own=own, scale=numbers.scale)
        softmax_(alpha, order, numbers.per_relation)
        factor = _factor(inputs.edge_weight, numbers, alpha)
        weights = alpha if factor is None else alpha * factor
        own = own if numbers.kind == "dot" else NO_ROWS
        sums(order, sizes, places[0], weights, to_out, per_relation=False, own=own)
    return out, alpha


def attention_backward(
    grad_out: Tensor, alpha: Tensor, inputs: Inputs, numbers: Numbers
) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor, Tensor, Tensor]:
    """Gradients of sources, targets, att, edge logits, edge values, edge weights ([edges, heads]); 0 rows for none."""
    inputs = _contiguous(inputs)
    columns = _columns_of(numbers)
    to_source = gradients_of(inputs.source, inputs.blocks[:, :-1], columns[:-1])
    to_target = gradients_of(inputs.target, inputs.blocks[:, -1:], columns[-1:])
    to_att = alpha.new_zeros(0, 0, 0) if inputs.att is None else torch.zeros_like(inputs.att)
    to_values = alpha.new_zeros(0, 0) if inputs.edge_values is None else torch.zeros_like(inputs.edge_values)
    grads, weighted = torch.empty_like(alpha), inputs.edge_weight is not None
    to_weight = torch.empty_like(alpha) if weighted else alpha.new_empty(0, numbers.heads)
    if alpha.numel():
        with on_device_of(alpha):
            factor = _factor(inputs.edge_weight, numbers, alpha)
            back = _backward_of(grad_out, alpha if factor is None else alpha * factor, inputs, to_source, to_target)
            sizes, own = tile(numbers.heads, numbers.channels), (inputs.edge_values, inputs.edge_row)
            in_values = own if numbers.kind == "dot" else NO_ROWS
            dot_products(back.by_destination, sizes, back.upstream, back.rows[0], grads, own=in_values)
            if weighted:
                kept = _factor(None, numbers, alpha)
                torch.mul(grads, alpha if kept is None else alpha * kept, out=to_weight)
            if factor is not None:
                grads *= factor
            softmax_backward_(grads, alpha, back.by_destination, numbers.per_relation)
            if numbers.kind == "gat":
                gat.backward(back, sizes, inputs.edge_logits, numbers.negative_slope, grads)
            elif inputs.att is not None:
                per_node = [torch.zeros_like(part) for part in to_target.parts]
                (rows,) = rows_of([(per_node, to_target.blocks[:, 0])])
                gatv2.backward(back, sizes, inputs.att, own, numbers.negative_slope, grads, rows, to_values)
                _sum_over_nodes(per_node, to_target.blocks[:, 0], to_att)
            else:
                keys = tile(numbers.heads, numbers.key_channels)
                dot.backward(back, sizes, keys, own, numbers.scale, grads, to_values)
    return to_source.total(), to_target.total(), to_att, grads, to_values, to_weight


def sum_forward(
    x: Sequence[Tensor], layout: Layout, rowptr: Tensor, src: Tensor, relation: Tensor, edge_weight: Tensor
) -> list[Tensor]:
    """Results of all modalities."""
    x, blocks = [table.contiguous() for table in x], layout.blocks
    out = [table.new_zeros(len(table), width) for table, width in zip(x, layout.widths, strict=True)]
    columns = _columns(layout.channels, src)
    if columns is not None:
        with on_device_of(src):
            rows, to_out = rows_of([(x, blocks[:, 0]), (out, blocks[:, 1])])
            order = by_destination(rowptr, src, relation, len(blocks))
            filled = _filled(columns, out, blocks[:, 1]) if layout.total else columns.widths
            sums(
                order, columns.tile, rows, edge_weight.contiguous(), to_out, per_relation=not layout.total,
                widths=columns.widths, filled=filled,
            )  # fmt: skip
    return out


def sum_backward(
    grads: Sequence[Tensor],
    x: Sequence[Tensor],
    layout: Layout,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
    edge_weight: Tensor,
    with_weight: bool,
) -> tuple[list[Tensor], Tensor]:
    """Gradients of the features, and of edge weights where asked for."""
    x, blocks = [table.contiguous() for table in x], layout.blocks
    to_x = [torch.zeros_like(table) for table in x]
    to_weight = torch.zeros_like(edge_weight[: None if with_weight else 0])
    columns = _columns(layout.channels, src)
    if columns is not None:
        with on_device_of(src):
            rows, upstream, to_rows = rows_of([(x, blocks[:, 0]), (grads, blocks[:, 1]), (to_x, blocks[:, 0])])
            order, weights = by_source(rowptr, src, relation, len(blocks)), edge_weight.contiguous()
            filled = columns.widths if layout.total else _filled(columns, to_x, blocks[:, 0])
            sums(
                order, columns.tile, upstream, weights, to_rows, per_relation=layout.total,
                widths=columns.widths, filled=filled,
            )  # fmt: skip
            if with_weight:
                order = by_destination(rowptr, src, relation, len(blocks))
                dot_products(order, columns.tile, upstream, rows, to_weight, widths=columns.widths)
    return to_x, to_weight


def max_forward(
    x: Sequence[Tensor], blocks: Tensor, widths: Sequence[int], rowptr: Tensor, src: Tensor, relation: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Largest values of all modalities, and the edges that bring them (-1 where none enters)."""
    x = [table.contiguous() for table in x]
    out = [table.new_zeros(len(table), width) for table, width in zip(x, widths, strict=True)]
    winners = [torch.full(table.shape, -1, dtype=torch.int32, device=table.device) for table in out]
    columns = _columns([x[m].shape[1] for m in blocks[:, 0, 0].tolist()], src)
    if columns is not None:
        with on_device_of(src):
            rows, to_out, to_winners = rows_of([(x, blocks[:, 0]), (out, blocks[:, 1]), (winners, blocks[:, 1])])
            order = by_destination(rowptr, src, relation, len(blocks))
            maxima(order, columns.tile, rows, columns.widths, to_out, to_winners)
    return out, winners


def max_backward(
    grads: Sequence[Tensor],
    winners: Sequence[Tensor],
    x: Sequence[Tensor],
    blocks: Tensor,
    rowptr: Tensor,
    src: Tensor,
    relation: Tensor,
) -> list[Tensor]:
    """Gradients of the features."""
    to_x = [table.new_zeros(table.shape) for table in x]
    columns = _columns([x[m].shape[1] for m in blocks[:, 0, 0].tolist()], src)
    if columns is not None:
        with on_device_of(src):
            sides = [(grads, blocks[:, 1]), (winners, blocks[:, 1]), (to_x, blocks[:, 0])]
            upstream, won, to_rows = rows_of(sides)
            order = by_source(rowptr, src, relation, len(blocks))
            sums(order, columns.tile, upstream, None, to_rows, per_relation=False, winners=won, widths=columns.widths)
    return to_x


class Columns(NamedTuple):
    """Widths of rows that differ by relation: the channels of its source; and a tile that holds each."""

    widths: Tensor
    tile: Tile


def _columns(channels: Sequence[int], src: Tensor) -> Columns | None:
    """None where there is nothing to do: no edge, or no channel."""
    if src.numel() == 0 or max(channels) == 0:
        return None
    return Columns(_on(src.device, channels), tile(1, max(channels)))


def _filled(columns: Columns, tables: Sequence[Tensor], block: Tensor) -> Tensor:
    """Per relation the columns of the row that the sum over all relations fills, whether the relation counts or not."""
    return _on(columns.widths.device, [tables[m].shape[1] for m in block[:, 0].tolist()])


def _on(device: torch.device, numbers: Sequence[int]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.int32).to(device, non_blocking=True)


def _sides(source: Sequence[Tensor], target: Sequence[Tensor], blocks: Tensor) -> list[tuple[Sequence[Tensor], Tensor]]:
    """Tables and columns of every kind of block; the last kind lies in the tables of destinations."""
    *kinds, last = blocks.unbind(1)
    return [*((source, kind) for kind in kinds), (target, last)]


def _columns_of(numbers: Numbers) -> tuple[int, ...]:
    """Columns of every kind of block."""
    values, keys = numbers.heads * numbers.channels, numbers.heads * numbers.key_channels
    kinds: dict[Kind, tuple[int, ...]] = {
        "gat": (values, numbers.heads, numbers.heads),
        "gatv2": (values, values),
        "dot": (values, keys, keys),
    }
    return kinds[numbers.kind]


def _backward_of(
    grad_out: Tensor, weights: Tensor, inputs: Inputs, to_source: Gradients, to_target: Gradients
) -> Backward:
    blocks, relations = inputs.blocks, len(inputs.blocks)
    sides = _sides(inputs.source, inputs.target, blocks)
    to_sides = _sides(to_source.parts, to_target.parts, torch.cat([to_source.blocks, to_target.blocks], 1))
    upstream, *rows = rows_of([whole(grad_out, relations), *sides, *to_sides])
    edges = (inputs.rowptr, inputs.src, inputs.relation, relations)
    orders = (by_destination(*edges), by_source(*edges))
    return Backward(*orders, upstream, weights, rows[: len(sides)], rows[len(sides) :])


def _sum_over_nodes(tables: Sequence[Tensor], block: Tensor, out: Tensor) -> None:
    """Fills `out` [relations, heads, channels] with the sums of the columns of every relation."""
    totals, width = [table.sum(0) for table in tables], out[0].numel()
    columns = [totals[m][at : at + width] for m, at in block.tolist()]
    torch.stack(columns, out=out.view(-1, width))


def _contiguous(inputs: Inputs) -> Inputs:
    source, target = ([table.contiguous() for table in side] for side in inputs[:2])
    rest = (None if tensor is None else tensor.contiguous() for tensor in inputs[2:])
    return Inputs(source, target, *rest)._replace(blocks=inputs.blocks.cpu())  # type: ignore[arg-type]


def _factor(edge_weight: Tensor | None, numbers: Numbers, alpha: Tensor) -> Tensor | None:
    """What multiplies alpha, [edges, heads] or [edges, 1], None where that is 1."""
    if numbers.dropout == 0:
        return edge_weight
    edges, heads = alpha.shape
    kept = keep_weights(edges, heads, numbers.dropout, numbers.seed, alpha)
    return kept if edge_weight is None else edge_weight * kept
