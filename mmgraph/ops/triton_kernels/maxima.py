"""Largest values over runs of edges, and the edges that bring them. Of equal ones the first counts; NaN is largest."""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels import common
from mmgraph.ops.triton_kernels.common import Order, Rows, Tile, alignment, lanes_of, piece_of, row_of, run_end
from mmgraph.ops.triton_kernels.rows import began_before, store_run


def maxima(order: Order, tile: Tile, rows: Rows, widths: Tensor, out: Rows, winners: Rows) -> None:
    """Fills `out` and `winners` where an edge enters."""
    begin, slots = order.begin(True), order.slots(tile, out.base)
    slot_winners = torch.empty_like(slots, dtype=torch.int32)
    sizes = {**tile.options, "PIECE": common.PIECE}
    max_rows[(order.pieces, 1)](
        *(order.ptr, order.owner, order.other, order.relation, begin, len(order.ptr) - 1),
        *(rows.base, rows.at, widths, out.base, out.at, slots, winners.base, winners.at, slot_winners),
        **{**sizes, "ALIGN": alignment(rows, out)},
    )
    if order.extra:
        max_slots[(order.extra, 1)](
            *(order.owner, order.relation, begin, order.extra, widths),
            *(slots, out.base, out.at, slot_winners, winners.base, winners.at),
            **{**sizes, "ALIGN": alignment(out)},
        )


@triton.jit(do_not_specialize=["nodes"])
@no_type_check
def max_rows(
    ptr,
    owner,
    other,
    relation,
    begin,
    nodes,
    rows,
    rows_at,
    widths,
    out,
    out_at,
    slots,
    winners,
    winners_at,
    slot_winners,
    PIECE: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a piece of a destination's edges."""
    node, start, stop, slot = piece_of(tl.program_id(0), ptr, owner, nodes, PIECE)
    lane, real = lanes_of(0, HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    first = start
    while first < stop:
        end = run_end(relation, first, stop, True)
        r = tl.load(relation + first)
        columns = real & (lane < tl.load(widths + r))
        top = tl.full((HEADS_AT_ONCE, WIDTH), -float("inf"), out.dtype.element_ty)
        winner = tl.full((HEADS_AT_ONCE, WIDTH), -1, tl.int32)
        for at in range(first, end, ROWS):
            e = at + tl.arange(0, ROWS)
            there = e < end
            live = there[:, None, None] & columns[None, :, :]
            j = tl.load(other + e, mask=there, other=0)
            x = tl.load(rows + row_of(rows_at, r, j, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
            top, winner = larger(top, winner, x, e.to(tl.int32)[:, None, None] + lane[None, :, :] * 0, live)
        before = began_before(first, start, slot, begin, PIECE)
        to, to_winners = out + row_of(out_at, r, node, ALIGN), winners + row_of(winners_at, r, node, 1)
        store_run(top, before, to, slots + slot * CHANNELS, lane, columns)
        store_run(winner, before, to_winners, slot_winners + slot * CHANNELS, lane, columns)
        first = end


@triton.jit(do_not_specialize=["extra"])
@no_type_check
def max_slots(
    owner,
    relation,
    begin,
    extra,
    widths,
    slots,
    out,
    out_at,
    slot_winners,
    winners,
    winners_at,
    PIECE: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a multiple of `PIECE`. If a run crosses it as its first, it compares all slots of the run."""
    slot = (tl.program_id(0) + 1).to(tl.int64)
    run = tl.load(begin + slot)
    if (run < slot * PIECE) & (run >= (slot - 1) * PIECE):
        lane, real = lanes_of(0, HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
        r, node = tl.load(relation + slot * PIECE), tl.load(owner + slot * PIECE)
        real = real & (lane < tl.load(widths + r))
        to = out + row_of(out_at, r, node, ALIGN) + lane
        to_winners = winners + row_of(winners_at, r, node, 1) + lane
        top = tl.load(to, mask=real, other=0.0)
        winner = tl.load(to_winners, mask=real, other=-1)
        adding = True
        while adding:
            k = slot + tl.arange(0, ROWS)
            mine = tl.load(begin + k, mask=k <= extra, other=-1) == run
            live = mine[:, None, None] & real[None, :, :]
            place = k[:, None, None] * CHANNELS + lane[None, :, :]
            x = tl.load(slots + place, mask=live, other=0.0)
            top, winner = larger(top, winner, x, tl.load(slot_winners + place, mask=live, other=-1), live)
            slot += ROWS
            adding = tl.sum(mine.to(tl.int32), 0) == ROWS
        tl.store(to, top, mask=real)
        tl.store(to_winners, winner, mask=real)


@triton.jit
@no_type_check
def larger(top, winner, x, edge, live):
    """The largest of `top` and the rows of `x` that are `live`, and its edge; numbers of edges rise along the rows."""
    key = tl.where(x != x, float("inf"), x)
    best = tl.max(tl.where(live, key, -float("inf")), 0)
    is_best = live & (key == best[None, :, :])
    with_nan = tl.max((live & (x != x)).to(tl.int32), 0) > 0
    is_best = tl.where(with_nan[None, :, :], live & (x != x), is_best)
    number = tl.min(tl.where(is_best, edge, 2147483647), 0)
    value = tl.where(with_nan, float("nan"), best)
    found = tl.max(live.to(tl.int32), 0) > 0
    take = found & ((winner < 0) | ((top == top) & ((value > top) | with_nan)))
    return tl.where(take, value, top), tl.where(take, number, winner)
