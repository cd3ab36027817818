"""Softmax over runs of edges in place, and its gradient; a second kernel finishes runs that lie in several pieces.

A piece of such a run leaves the largest logit and the sum (or, for the gradient, a sum) in `parts`: in [slot, 0] if the
run began before the piece, else in [next slot, 1]. The second kernel puts parts together; each of its programs finishes
the edges around one multiple of `PIECE`, so that a node with millions of edges is spread over many programs too.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels import common
from mmgraph.ops.triton_kernels.common import Order, piece_of, run_end
from mmgraph.ops.triton_kernels.rows import began_before

TILE = 256
"""Numbers, edges x heads, that a program holds."""


def softmax_(logits: Tensor, order: Order, per_relation: bool) -> None:
    """Turns logits [edges, heads] into weights."""
    _launch((logits, logits, logits), order, per_relation, backward=False)


def softmax_backward_(grads: Tensor, alpha: Tensor, order: Order, per_relation: bool) -> None:
    """Turns gradients of weights [edges, heads] into gradients of logits."""
    _launch((alpha, grads, grads), order, per_relation, backward=True)


def _launch(arrays: tuple[Tensor, Tensor, Tensor], order: Order, per_relation: bool, backward: bool) -> None:
    heads = arrays[0].shape[1]
    width = triton.next_power_of_2(heads)
    rows = max(16, TILE // width)
    begin = order.begin(per_relation)
    parts = torch.empty(order.extra + 1, 2, 2, heads, dtype=arrays[0].dtype, device=arrays[0].device)
    sizes = {"PER_RELATION": per_relation, "PIECE": common.PIECE, "BACKWARD": backward, "HEADS": heads, "WIDTH": width}
    sizes |= {"ROWS": rows, "num_warps": max(1, min(8, rows * width // 256))}
    edges = (order.ptr, order.owner, order.relation, begin)
    softmax_pieces[(order.pieces,)](*edges, len(order.ptr) - 1, order.extra, *arrays, parts, **sizes)
    if order.extra:
        softmax_rest[(order.extra,)](*edges, order.extra, *arrays, parts, **sizes)


@triton.jit(do_not_specialize=["nodes", "extra"])
@no_type_check
def softmax_pieces(
    ptr,
    owner,
    relation,
    begin,
    nodes,
    extra,
    x,
    y,
    out,
    parts,
    PER_RELATION: tl.constexpr,
    PIECE: tl.constexpr,
    BACKWARD: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a piece of an owner's edges, all heads. Finishes runs that lie within it."""
    _, start, stop, slot = piece_of(tl.program_id(0), ptr, owner, nodes, PIECE)
    h = tl.arange(0, WIDTH)
    first = start
    while first < stop:
        end = run_end(relation, first, stop, PER_RELATION)
        top, total = reduce_run(x, y, first, end, h, BACKWARD, HEADS, WIDTH, ROWS)
        before = began_before(first, start, slot, begin, PIECE)
        behind = end // PIECE
        goes_on = False
        if (end == behind * PIECE) & (behind <= extra):
            goes_on = tl.load(begin + behind) < end
        if before | goes_on:
            place = parts + tl.where(before, slot * 4, behind * 4 + 2) * HEADS + h
            tl.store(place, top, mask=h < HEADS)
            tl.store(place + HEADS, total, mask=h < HEADS)
        else:
            finish_run(x, y, out, top, total, first, end, h, BACKWARD, HEADS, ROWS)
        first = end


@triton.jit(do_not_specialize=["extra"])
@no_type_check
def softmax_rest(
    ptr,
    owner,
    relation,
    begin,
    extra,
    x,
    y,
    out,
    parts,
    PER_RELATION: tl.constexpr,
    PIECE: tl.constexpr,
    BACKWARD: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: a multiple of `PIECE`. If a run crosses it, it finishes the run's edges from there to the next."""
    slot = (tl.program_id(0) + 1).to(tl.int64)
    start = slot * PIECE
    run = tl.load(begin + slot)
    if run < start:
        h = tl.arange(0, WIDTH)
        opening = run // PIECE + 1
        place = parts + (opening * 4 + 2) * HEADS + h
        top = tl.load(place, mask=h < HEADS, other=0.0)
        total = tl.load(place + HEADS, mask=h < HEADS, other=0.0)
        k = opening
        adding = True
        while adding:
            at = k + tl.arange(0, ROWS)
            mine = tl.load(begin + at, mask=at <= extra, other=-1) == run
            live = mine[:, None] & (h < HEADS)[None, :]
            middle = parts + at[:, None] * (4 * HEADS) + h[None, :]
            more = tl.load(middle + HEADS, mask=live, other=0.0)
            if BACKWARD:
                total += tl.sum(more, 0)
            else:
                tops = tl.load(middle, mask=live, other=-float("inf"))
                both = tl.maximum(top, tl.max(tops, 0))
                shift = finite(both)
                total = total * tl.exp(top - shift) + tl.sum(
                    tl.where(live, more * tl.exp(tops - shift[None, :]), 0.0), 0
                )
                top = both
            k += ROWS
            adding = tl.sum(mine.to(tl.int32), 0) == ROWS
        stop = tl.minimum(tl.load(ptr + tl.load(owner + start) + 1), start + PIECE)
        end = run_end(relation, start, stop, PER_RELATION)
        if opening == slot:
            start = run
        finish_run(x, y, out, top, total, start, end, h, BACKWARD, HEADS, ROWS)


@triton.jit
@no_type_check
def reduce_run(
    x, y, start, end, h, BACKWARD: tl.constexpr, HEADS: tl.constexpr, WIDTH: tl.constexpr, ROWS: tl.constexpr
):
    """Largest of `x` and sum of exp(x - largest) of the edges `start` to `end`; backward the sum of x * y."""
    top = tl.full((WIDTH,), -float("inf"), x.dtype.element_ty)
    total = tl.zeros((WIDTH,), x.dtype.element_ty)
    for at in range(start, end, ROWS):
        e = at + tl.arange(0, ROWS)
        live = (e < end)[:, None] & (h < HEADS)[None, :]
        place = e[:, None] * HEADS + h[None, :]
        value = tl.load(x + place, mask=live, other=0.0)
        if BACKWARD:
            total += tl.sum(value * tl.load(y + place, mask=live, other=0.0), 0)
        else:
            both = tl.maximum(top, tl.max(tl.where(live, value, -float("inf")), 0))
            shift = finite(both)
            total = total * tl.exp(top - shift) + tl.sum(tl.where(live, tl.exp(value - shift[None, :]), 0.0), 0)
            top = both
    return top, total


@triton.jit
@no_type_check
def finish_run(x, y, out, top, total, start, end, h, BACKWARD: tl.constexpr, HEADS: tl.constexpr, ROWS: tl.constexpr):
    """Writes exp(x - largest) / sum of the edges `start` to `end`; backward x * (y - sum)."""
    for at in range(start, end, ROWS):
        e = at + tl.arange(0, ROWS)
        live = (e < end)[:, None] & (h < HEADS)[None, :]
        place = e[:, None] * HEADS + h[None, :]
        value = tl.load(x + place, mask=live, other=0.0)
        if BACKWARD:
            value *= tl.load(y + place, mask=live, other=0.0) - total[None, :]
        else:
            value = tl.exp(value - finite(top)[None, :]) / total[None, :]
        tl.store(out + place, value, mask=live)


@triton.jit
@no_type_check
def finite(top):
    """What to subtract: the largest logit, but 0 where all are -inf, so that an empty part adds 0 and not NaN."""
    return tl.where(top == -float("inf"), 0.0, top)
