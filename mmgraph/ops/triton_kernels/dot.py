"""Dot-product attention on the GPU: what leads back; the way there is made of kernels that it shares with others."""

from typing import no_type_check

import triton
import triton.language as tl
from torch import Tensor

from mmgraph.ops.triton_kernels.common import Backward, Tile, alignment, lanes_of, row_of
from mmgraph.ops.triton_kernels.rows import sums


def backward(
    back: Backward,
    tile: Tile,
    keys: Tile,
    own: tuple[Tensor | None, Tensor | None],
    scale: float,
    grads: Tensor,
    to_own: Tensor,
) -> None:
    """Fills, from gradients of logits, those of values, keys and queries and of the edges' own rows."""
    _, key_rows, queries = back.rows
    to_values, to_keys, to_queries = back.to_rows
    grads *= scale
    sums(back.by_destination, keys, key_rows, grads, to_queries, per_relation=True, own=own)
    sums(back.by_source, keys, queries, grads, to_keys, per_relation=True)
    sums(back.by_source, tile, back.upstream, back.weights, to_values, per_relation=True)
    if own[1] is not None:
        order = back.by_destination
        own_gradient_rows[(triton.cdiv(len(order.owner), tile.edges), tile.blocks)](
            *(order.owner, order.relation, len(order.owner)),
            *(back.upstream.base, back.upstream.at, queries.base, queries.at, back.weights, grads, own[1], to_own),
            **{**tile.options, "ALIGN": alignment(back.upstream, queries)},
        )


@triton.jit(do_not_specialize=["edges"])
@no_type_check
def own_gradient_rows(
    owner,
    relation,
    edges,
    grad_out,
    grad_out_at,
    queries,
    queries_at,
    weights,
    grads,
    own_row,
    out,
    ALIGN: tl.constexpr,
    HEADS: tl.constexpr,
    CHANNELS: tl.constexpr,
    HEADS_AT_ONCE: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """One program: `ROWS` edges, a block of heads: weight x the output's gradient + gradient of the logit x query."""
    e = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    lane, real = lanes_of(tl.program_id(1), HEADS, CHANNELS, HEADS_AT_ONCE, WIDTH)
    h = tl.program_id(1) * HEADS_AT_ONCE + tl.arange(0, HEADS_AT_ONCE)
    row = tl.load(own_row + e, mask=e < edges, other=-1).to(tl.int64)
    there = row >= 0
    live = there[:, None, None] & real[None, :, :]
    r = tl.load(relation + e, mask=there, other=0)
    i = tl.load(owner + e, mask=there, other=0)
    place, heads = e[:, None] * HEADS + h[None, :], there[:, None] & (h < HEADS)[None, :]
    w = tl.load(weights + place, mask=heads, other=0.0)[:, :, None]
    g = tl.load(grads + place, mask=heads, other=0.0)[:, :, None]
    x = tl.load(grad_out + row_of(grad_out_at, r, i, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
    q = tl.load(queries + row_of(queries_at, r, i, ALIGN)[:, None, None] + lane[None, :, :], mask=live, other=0.0)
    tl.store(out + row[:, None, None] * (HEADS * CHANNELS) + lane[None, :, :], w * x + g * q, mask=live)
