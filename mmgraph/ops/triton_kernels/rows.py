"""Kernels over rows of heads x channels: a dot product per edge, and weighted sums of rows per run of edges.

Nearly all traffic is here. The row that an edge has of its own (`own`, numbered by `own_row`, -1 for none) is added on
the fly.
"""

from typing import no_type_check

import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels import common
from mmgraph.ops.triton_kernels.common import Order, Rows, Tile, alignment, lanes_of, piece_of, row_of, run_end


def dot_products(
    order: Order,
    tile: Tile,
    a: Rows,
    b: Rows,
    out: Tensor,
    *,
    own: tuple[Tensor | None, Tensor | None] = (None, None),
    scale: float = 1.0,
    widths: Tensor | None = None,
) -> None:
    """Fills `out` [edges, heads] with scale x owner's row in `a` x (other's row in `b` + the edge's own row)."""
    grid = (triton.cdiv(len(order.owner), tile.edges), tile.blocks)
    dot_rows[grid](
        *(order.owner, order.other, order.relation, len(order.owner)),
        *(a.base, a.at, b.base, b.at, *own, widths, out),
        **{**tile.options, "scale": scale, "ALIGN": alignment(a, b)},
    )


def sums(
    order: Order,
    tile: Tile,
    rows: Rows | None,
    weights: Tensor | None,
    out: Rows,
    *,
    per_relation: bool,
    own: tuple[Tensor | None, Tensor | None] = (None, None),
    winners: Rows | None = None,
    widths: Tensor | None = None,
    filled: Tensor | None = None,
) -> None:
    """Fills `out` per run with the sum of weight x (row of the other end + the edge's own row).

    Args:
        order: the edges.
        tile: sizes of rows.
        rows: what is summed; ones where it is None.
        weights: [edges, heads], by edge number; ones where it is None.
        out: where sums go; zeros where no edge is.
        per_relation: whether a run has one relation, or is all of an owner.
        own: rows that edges have of their own, and which edge has which.
        winners: per channel of the other end, the number of the edge that counts, int32; all count where it is None.
        widths: columns of every relation, where they differ.
        filled: columns of the row of a run in which the relation comes first; `widths`, if not given.
    """
    filled = widths if filled is None else filled
    begin = order.begin(per_relation)
    slots = order.slots(tile, out.base)
    sizes = {**tile.options, "ALIGN": alignment(out, *(part for part in (rows, winners) if part is not None))}
    ends = (order.ptr, order.owner, order.other, order.relation, order.edge, begin, len(order.ptr) - 1)
    sum_rows[(order.pieces, tile.blocks)](
        *ends,
        *(None, None) if rows is None else rows[:2],
        *(None, None) if winners is None else winners[:2],
        *(weights, *own, widths, filled, out.base, out.at, slots),
        PER_RELATION=per_relation,
        PIECE=common.PIECE,
        **sizes,
    )
    add_slots(order, tile, begin, slots, out, filled)


def add_slots(order: Order, tile: Tile, begin: Tensor, slots: Tensor, out: Rows, filled: Tensor | None = None) -> None:
    """Adds to `out` what programs that began inside a run left in `slots`."""
    if order.extra:
        add_slot_rows[(order.extra, tile.blocks)](
            *(order.owner, order.relation, begin, order.extra, filled, slots, out.base, out.at),
            PIECE=common.PIECE,
            **{**tile.options, "ALIGN": alignment(out)},
        )


@triton.jit(do_not_specialize=["edges"])
@no_type_check
def dot_rows(
    owner,
    other,
    relation,
    edges,
    a,
    a_at,
    b,
    b_at,
    own,
    own_row,
    widths,
    out,
    scale: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: `ROWS` edges, a block of heads; degrees do not matter."""
    e = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    there = e < edges
    r = tl.load(relation + e, mask=there, other=0)
    i = tl.load(owner + e, mask=there, other=0)
    j = tl.load(other + e, mask=there, other=0)
    live = there[:, None, None] & real[None, :, :]
    if widths is not None:
        live = live & (lane[None, :, :] < tl.load(widths + r)[:, None, None])
    x = tl.load(a + row_of(a_at, r, i, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
    y = tl.load(b + row_of(b_at, r, j, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
    if own is not None:
        y += own_rows(own, own_row, e, there, lane, live, HEADS * CHANNELS)
    h = tl.program_id(1) * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)
    place = e[:, None] * HEADS + h[None, :]
    tl.store(out + place, tl.sum(x * y, 2) * scale, mask=there[:, None] & (h < HEADS)[None, :])


@triton.jit(do_not_specialize=["nodes"])
@no_type_check
def sum_rows(
    ptr,
    owner,
    other,
    relation,
    edge,
    begin,
    nodes,
    rows,
    rows_at,
    winners,
    winners_at,
    weights,
    own,
    own_row,
    widths,
    filled,
    out,
    out_at,
    slots,
    PER_RELATION: tl.constexpr,
    PIECE: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a piece of an owner's edges, a block of heads."""
    node, start, stop, slot = piece_of(tl.program_id(0), ptr, owner, nodes, PIECE)
    lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    h = tl.program_id(1) * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)
    first = start
    while first < stop:
        end = run_end(relation, first, stop, PER_RELATION)
        r = tl.load(relation + first)
        columns = real
        if filled is not None:
            columns = real & (lane < tl.load(filled + r))
        total = tl.zeros((HEADS_AT_ONCE, WIDTH), out.dtype.element_ty)
        for at in range(first, end, ROWS):
            k = at + tl.arange(0, ROWS)
            there = k < end
            live = there[:, None, None] & columns[None, :, :]
            number = k
            if edge is not None:
                number = tl.load(edge + k, mask=there, other=0).to(tl.int64)
            j = tl.load(other + k, mask=there, other=0)
            s = tl.load(relation + k, mask=there, other=0)
            if widths is not None:
                width = tl.load(widths + s)
                live = live & (lane[None, :, :] < width[:, None, None])
                there = there & (width > 0)  # not even the weight of an edge that is left out is read
            if rows is None:
                x = tl.where(live, 1.0, 0.0).to(out.dtype.element_ty)
            else:
                x = tl.load(rows + row_of(rows_at, s, j, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
            if own is not None:
                x += own_rows(own, own_row, number, there, lane, live, HEADS * CHANNELS)
            if winners is not None:
                won = winners + row_of(winners_at, s, j, ALIGN)[:, None, None] + lane[None, :, :]
                x = tl.where(tl.load(won, mask=live, other=-1) == number[:, None, None], x, 0.0)
            if weights is not None:
                place = number[:, None] * HEADS + h[None, :]
                x *= tl.load(weights + place, mask=there[:, None] & (h < HEADS)[None, :], other=0.0)[:, :, None]
            total += tl.sum(x, 0)
        before = began_before(first, start, slot, begin, PIECE)
        to = out + row_of(out_at, r, node, ALIGN)
        store_run(total, before, to, slots + slot * (HEADS * CHANNELS), lane, columns)
        first = end


@triton.jit(do_not_specialize=["extra"])
@no_type_check
def add_slot_rows(
    owner,
    relation,
    begin,
    extra,
    filled,
    slots,
    out,
    out_at,
    PIECE: tl.constexpr,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a multiple of `PIECE`. If a run crosses it as its first, it adds all slots of the run to `out`."""
    slot = (tl.program_id(0) + 1).to(tl.int64)
    run = tl.load(begin + slot)
    if (run < slot * PIECE) & (run >= (slot - 1) * PIECE):
        lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
        r = tl.load(relation + slot * PIECE)
        if filled is not None:
            real = real & (lane < tl.load(filled + r))
        to = out + row_of(out_at, r, tl.load(owner + slot * PIECE), ALIGN) + lane
        total = tl.load(to, mask=real, other=0.0)
        adding = True
        while adding:
            k = slot + tl.arange(0, ROWS)
            mine = tl.load(begin + k, mask=k <= extra, other=-1) == run
            live = mine[:, None, None] & real[None, :, :]
            part = slots + k[:, None, None] * (HEADS * CHANNELS) + lane[None, :, :]
            total += tl.sum(tl.load(part, mask=live, other=0.0), 0)
            slot += ROWS
            adding = tl.sum(mine.to(tl.int32), 0) == ROWS
        tl.store(to, total, mask=real)


@triton.jit
@no_type_check
def store_run(total, before, to, slot, lane, live):
    """Writes what a run adds up to: to its row, or to the program's slot if the run began before the program."""
    if before:
        tl.store(slot + lane, total, mask=live)
    else:
        tl.store(to + lane, total, mask=live)


@triton.jit
@no_type_check
def began_before(first, start, slot, begin, PIECE: tl.constexpr):
    """Whether the run of edge `first` began before its program, which begins at edge `start`."""
    return (slot > 0) & (first == start) & (tl.load(begin + slot) < start)


@triton.jit
@no_type_check
def own_rows(own, own_row, number, there, lane, live, STRIDE: tl.constexpr):
    """Rows that edges have of their own, zeros for an edge without."""
    row = tl.load(own_row + number, mask=there, other=-1).to(tl.int64)
    place = row[:, None, None] * STRIDE + lane[None, :, :]
    return tl.load(own + place, mask=live & (row >= 0)[:, None, None], other=0.0)
