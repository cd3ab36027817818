"""GATv2 on the GPU: logits per edge, and what leads back through them, by destination and by source."""

from typing import Any, no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels import common
from mmgraph.ops.triton_kernels.common import (
    Backward,
    Order,
    Rows,
    Tile,
    alignment,
    lanes_of,
    piece_of,
    row_of,
    run_end,
)
from mmgraph.ops.triton_kernels.rows import add_slots, began_before, own_rows, store_run

Own = tuple[Tensor | None, Tensor | None]
"""Rows that edges have of their own, and the row of each edge, -1 for none."""


def logits(
    order: Order, tile: Tile, values: Rows, queries: Rows, att: Tensor, own: Own, slope: float, out: Tensor
) -> None:
    """Fills `out` [edges, heads]."""
    grid = (triton.cdiv(len(order.owner), tile.edges), tile.blocks)
    sizes = {**tile.options, "ALIGN": alignment(values, queries), "slope": slope}
    ends = (order.owner, order.other, order.relation, len(order.owner))
    gatv2_logits[grid](*ends, values.base, values.at, queries.base, queries.at, att, *own, out, **sizes)


def backward(
    back: Backward, tile: Tile, att: Tensor, own: Own, slope: float, grads: Tensor, to_att: Rows, to_own: Tensor
) -> None:
    """Fills, from gradients of logits, those of queries, values and edges' own rows; per run, those of `att`."""
    (values, queries), (to_values, to_queries) = back.rows, back.to_rows
    read = (values.base, values.at, queries.base, queries.at, att, *own)
    order = back.by_destination
    begin, slots = order.begin(True), order.slots(tile, grads)
    att_slots = torch.empty_like(slots)
    gatv2_by_destination[(order.pieces, tile.blocks)](
        *(order.ptr, order.owner, order.other, order.relation, begin, len(order.ptr) - 1),
        *(*read, None if own[0] is None else to_own, grads),
        *(to_queries.base, to_queries.at, slots, to_att.base, to_att.at, att_slots),
        **_sizes(tile, slope, values, queries, to_queries, to_att),
    )
    add_slots(order, tile, begin, slots, to_queries)
    add_slots(order, tile, begin, att_slots, to_att)
    order = back.by_source
    begin, slots = order.begin(True), order.slots(tile, grads)
    gatv2_by_source[(order.pieces, tile.blocks)](
        *(order.ptr, order.owner, order.other, order.relation, order.edge, begin, len(order.ptr) - 1),
        *(*read, grads, back.weights),
        *(back.upstream.base, back.upstream.at, to_values.base, to_values.at, slots),
        **_sizes(tile, slope, values, queries, back.upstream, to_values),
    )
    add_slots(order, tile, begin, slots, to_values)


def _sizes(tile: Tile, slope: float, *rows: Rows) -> dict[str, Any]:
    return {**tile.options, "ALIGN": alignment(*rows), "slope": slope, "PIECE": common.PIECE}


@triton.jit(do_not_specialize=["edges"])
@no_type_check
def gatv2_logits(
    owner,
    other,
    relation,
    edges,
    values,
    values_at,
    queries,
    queries_at,
    att,
    own,
    own_row,
    out,
    slope: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: `ROWS` edges, a block of heads."""
    e = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    there = e < edges
    live = there[:, None, None] & real[None, :, :]
    r = tl.load(relation + e, mask=there, other=0)
    i = tl.load(owner + e, mask=there, other=0)
    j = tl.load(other + e, mask=there, other=0)
    z = tl.load(values + row_of(values_at, r, j, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
    z += tl.load(queries + row_of(queries_at, r, i, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
    if own is not None:
        z += own_rows(own, own_row, e, there, lane, live, HEADS * CHANNELS)
    a = tl.load(att + r[:, None, None] * (HEADS * CHANNELS) + lane[None, :, :], mask=live, other=0.0)
    h = tl.program_id(1) * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)
    place = e[:, None] * HEADS + h[None, :]
    tl.store(out + place, tl.sum(tl.where(z > 0, z, z * slope) * a, 2), mask=there[:, None] & (h < HEADS)[None, :])


@triton.jit(do_not_specialize=["nodes"])
@no_type_check
def gatv2_by_destination(
    ptr,
    owner,
    other,
    relation,
    begin,
    nodes,
    values,
    values_at,
    queries,
    queries_at,
    att,
    own,
    own_row,
    to_own,
    grads,
    to_queries,
    to_queries_at,
    query_slots,
    to_att,
    to_att_at,
    att_slots,
    slope: tl.constexpr,
    PIECE: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a piece of a destination's edges, a block of heads."""
    node, start, stop, slot = piece_of(tl.program_id(0), ptr, owner, nodes, PIECE)
    lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    h = tl.program_id(1) * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)
    first = start
    while first < stop:
        end = run_end(relation, first, stop, True)
        r = tl.load(relation + first)
        query = tl.load(queries + row_of(queries_at, r, node, ALIGN) + lane, mask=real, other=0.0)
        vector = tl.load(att + r * (HEADS * CHANNELS) + lane, mask=real, other=0.0)
        gains = tl.zeros((HEADS_AT_ONCE, WIDTH), query.dtype)
        total = tl.zeros((HEADS_AT_ONCE, WIDTH), query.dtype)
        for at in range(first, end, ROWS):
            e = at + tl.arange(0, ROWS)
            there = e < end
            live = there[:, None, None] & real[None, :, :]
            j = tl.load(other + e, mask=there, other=0)
            z = tl.load(values + row_of(values_at, r, j, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
            z += query[None, :, :]
            if own is not None:
                z += own_rows(own, own_row, e, there, lane, live, HEADS * CHANNELS)
            place = e[:, None] * HEADS + h[None, :]
            g = tl.load(grads + place, mask=there[:, None] & (h < HEADS)[None, :], other=0.0)[:, :, None]
            gain = tl.where(live, tl.where(z > 0, g, g * slope), 0.0)
            gains += tl.sum(gain, 0)
            total += tl.sum(tl.where(live, gain * z, 0.0), 0)
            if own is not None:
                row = tl.load(own_row + e, mask=there, other=-1).to(tl.int64)[:, None, None]
                mine = to_own + row * (HEADS * CHANNELS) + lane[None, :, :]
                tl.store(mine, gain * vector[None, :, :], mask=live & (row >= 0))
        before = began_before(first, start, slot, begin, PIECE)
        to = to_queries + row_of(to_queries_at, r, node, ALIGN)
        store_run(gains * vector, before, to, query_slots + slot * (HEADS * CHANNELS), lane, real)
        to = to_att + row_of(to_att_at, r, node, ALIGN)
        store_run(total, before, to, att_slots + slot * (HEADS * CHANNELS), lane, real)
        first = end


@triton.jit(do_not_specialize=["nodes"])
@no_type_check
def gatv2_by_source(
    ptr,
    owner,
    other,
    relation,
    edge,
    begin,
    nodes,
    values,
    values_at,
    queries,
    queries_at,
    att,
    own,
    own_row,
    grads,
    weights,
    grad_out,
    grad_out_at,
    to_values,
    to_values_at,
    slots,
    slope: tl.constexpr,
    PIECE: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a piece of a source's edges, a block of heads."""
    node, start, stop, slot = piece_of(tl.program_id(0), ptr, owner, nodes, PIECE)
    lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    h = tl.program_id(1) * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)
    first = start
    while first < stop:
        end = run_end(relation, first, stop, True)
        r = tl.load(relation + first)
        value = tl.load(values + row_of(values_at, r, node, ALIGN) + lane, mask=real, other=0.0)
        vector = tl.load(att + r * (HEADS * CHANNELS) + lane, mask=real, other=0.0)
        gains = tl.zeros((HEADS_AT_ONCE, WIDTH), value.dtype)
        total = tl.zeros((HEADS_AT_ONCE, WIDTH), value.dtype)
        for at in range(first, end, ROWS):
            k = at + tl.arange(0, ROWS)
            there = k < end
            live = there[:, None, None] & real[None, :, :]
            number = tl.load(edge + k, mask=there, other=0).to(tl.int64)
            i = tl.load(other + k, mask=there, other=0)
            z = tl.load(
                queries + row_of(queries_at, r, i, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0
            )
            z += value[None, :, :]
            if own is not None:
                z += own_rows(own, own_row, number, there, lane, live, HEADS * CHANNELS)
            place, heads = number[:, None] * HEADS + h[None, :], there[:, None] & (h < HEADS)[None, :]
            g = tl.load(grads + place, mask=heads, other=0.0)[:, :, None]
            gains += tl.sum(tl.where(live, tl.where(z > 0, g, g * slope), 0.0), 0)
            row = grad_out + row_of(grad_out_at, r, i, ALIGN)[:, None, None] + lane[None, :, :]
            w = tl.load(weights + place, mask=heads, other=0.0)[:, :, None]
            total += tl.sum(tl.load(row, mask=live, other=0.0) * w, 0)
        before = began_before(first, start, slot, begin, PIECE)
        to = to_values + row_of(to_values_at, r, node, ALIGN)
        store_run(total + gains * vector, before, to, slots + slot * (HEADS * CHANNELS), lane, real)
        first = end
