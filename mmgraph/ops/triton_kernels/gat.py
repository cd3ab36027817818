"""GAT on the GPU: logits per edge, and what leads back through them."""

from typing import no_type_check

import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels.common import Backward, Order, Rows, Tile, row_of, tile
from mmgraph.ops.triton_kernels.rows import sums

TILE = 256
"""Numbers, edges x heads, that a program works on."""


def logits(order: Order, sources: Rows, targets: Rows, extra: Tensor | None, slope: float, out: Tensor) -> None:
    """Fills `out` [edges, heads] with LeakyReLU of the sum of both ends' logits and the edge's own."""
    _launch(order, sources, targets, extra, slope, out, backward=False)


def backward(back: Backward, values: Tile, extra: Tensor | None, slope: float, grads: Tensor) -> None:
    """Fills gradients of values and of both ends' logits; turns `grads` of logits into those of edges' own."""
    (_, sources, targets), one = back.rows, tile(grads.shape[1], 1)
    to_values, to_sources, to_targets = back.to_rows
    _launch(back.by_destination, sources, targets, extra, slope, grads, backward=True)
    sums(back.by_destination, one, None, grads, to_targets, per_relation=True)
    sums(back.by_source, one, None, grads, to_sources, per_relation=True)
    sums(back.by_source, values, back.upstream, back.weights, to_values, per_relation=True)


def _launch(
    order: Order, sources: Rows, targets: Rows, extra: Tensor | None, slope: float, out: Tensor, *, backward: bool
) -> None:
    edges, heads = out.shape
    width = triton.next_power_of_2(heads)
    rows = max(1, TILE // width)
    gat_logits[(triton.cdiv(edges, rows),)](
        *(order.owner, order.other, order.relation, edges),
        *(sources.base, sources.at, targets.base, targets.at, extra, out),
        slope=slope,
        BACKWARD=backward,
        HEADS=heads,
        WIDTH=width,
        ROWS=rows,
        num_warps=max(1, min(8, rows * width // 128)),
    )


@triton.jit(do_not_specialize=["edges"])
@no_type_check
def gat_logits(
    owner,
    other,
    relation,
    edges,
    sources,
    sources_at,
    targets,
    targets_at,
    extra,
    out,
    slope: tl.constexpr,
    BACKWARD: tl.constexpr,
    HEADS: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: `ROWS` edges, all heads. Backward, what `out` holds goes back through LeakyReLU."""
    e = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    h = tl.arange(0, WIDTH)[None, :]
    there = e < edges
    live = there[:, None] & (h < HEADS)
    r = tl.load(relation + e, mask=there, other=0)
    i = tl.load(owner + e, mask=there, other=0)
    j = tl.load(other + e, mask=there, other=0)
    inner = tl.load(sources + row_of(sources_at, r, j, 1)[:, None] + h, mask=live, other=0.0)
    inner += tl.load(targets + row_of(targets_at, r, i, 1)[:, None] + h, mask=live, other=0.0)
    place = e[:, None] * HEADS + h
    if extra is not None:
        inner += tl.load(extra + place, mask=live, other=0.0)
    value = inner
    if BACKWARD:
        value = tl.load(out + place, mask=live, other=0.0)
    tl.store(out + place, tl.where(inner > 0, value, value * slope), mask=live)
