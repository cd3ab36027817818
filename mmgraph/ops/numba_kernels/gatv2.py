"""GATv2 on the CPU, in the same three passes as GAT; of the sum inside the nonlinearity only the sign is stored."""

from typing import no_type_check

import numpy as np
from numba import prange

from mmgraph.ops.numba_kernels.common import Array, kernel
from mmgraph.ops.numba_kernels.heads import softmax_rows
from mmgraph.ops.numba_kernels.lanes import clear
from mmgraph.ops.numba_kernels.leaky import leaky_rows, leaky_rows_source, leaky_rows_target
from mmgraph.ops.numba_kernels.passes import logit_gradients, set_rows, sum_values
from mmgraph.ops.numba_kernels.prefetch import prefetch_edges, prefetch_sources


@kernel
@no_type_check
def forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    att: Array,
    extra: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    out: Array,
    alpha: Array,
    weights: Array,
) -> None:
    """Fills `out`, `alpha` and `weights` as GAT does; `extra`: address of an edge's own row, or an empty array."""
    heads, zero, size = alpha.shape[1], out.dtype.type(0), out.itemsize
    leak, row = out.dtype.type(slope), out.shape[1] * size
    vectors, ids, logits = np.int64(att.ctypes.data), np.int64(src.ctypes.data), np.int64(alpha.ctypes.data)
    own = np.int64(extra.ctypes.data) if extra.size > 0 else np.int64(0)
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
            start, stop = rowptr[i], rowptr[i + 1]
            prefetch_sources(start, stop, src, relation, places, 0, row)
            clear(np.int64(out.ctypes.data) + i * row, out.shape[1], zero)
            set_rows(alpha, start, stop, heads)
            part = start
            while part < stop:
                end, r = ends[part], relation[part]
                queries = places[r, 1, 0] + i * places[r, 1, 1]
                leaky_rows(
                    logits, ids, places[r, 0, 0], places[r, 0, 1], part, end, own, queries, vectors + r * row, leak,
                    channels, heads,
                )  # fmt: skip
                part = end
            part = start
            while part < stop:
                end = ends[part] if per_relation else stop
                softmax_rows(logits, part, end, heads, out.dtype.type(1))
                part = end
            sum_values(i, start, stop, src, relation, ends, places, channels, alpha, factor, weights, out)


@kernel
@no_type_check
def backward_by_destination(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    att: Array,
    extra: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    alpha: Array,
    grad_out: Array,
    grad_places: Array,
    grad_rows: Array,
    grad_extra: Array,
    grad_alpha: Array,
    grads: Array,
    grad_att: Array,
    signs: Array,
) -> None:
    """Fills gradients as GAT's pass does, those of the edges' own rows, and `signs` [edges, heads, bytes].

    Adds those of the attention vectors to `grad_att` [pieces, relations, heads, channels].
    """
    heads, zero, size = alpha.shape[1], alpha.dtype.type(0), alpha.itemsize
    one = alpha.dtype.type(1)
    leak, row = alpha.dtype.type(slope), grad_out.shape[1] * size
    vectors, ids, first = np.int64(att.ctypes.data), np.int64(src.ctypes.data), np.int64(grads.ctypes.data)
    first_sign = np.int64(signs.ctypes.data)
    own = np.int64(extra.ctypes.data) if extra.size > 0 else np.int64(0)
    to_own = np.int64(grad_extra.ctypes.data) if extra.size > 0 else np.int64(0)
    for piece in prange(bounds.size - 1):
        to_vectors = np.int64(grad_att.ctypes.data) + piece * grad_att[0].size * size
        m = 0
        for i in range(bounds[piece], bounds[piece + 1]):
            while i >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + i * grad_rows[m, 4], grad_rows[m, 3], zero)
            start, stop = rowptr[i], rowptr[i + 1]
            prefetch_sources(start, stop, src, relation, places, 0, row)
            set_rows(grads, start, stop, heads)
            logit_gradients(
                i, start, stop, src, relation, ends, places, channels, alpha, factor, per_relation, one, grad_out,
                grad_alpha, grads,
            )  # fmt: skip
            part = start
            while part < stop:
                end, r = ends[part], relation[part]
                queries = places[r, 1, 0] + i * places[r, 1, 1]
                to_queries = grad_places[r, 1, 0] + i * grad_places[r, 1, 1]
                leaky_rows_target(
                    ids, places[r, 0, 0], places[r, 0, 1], part, end, own, to_own, queries, vectors + r * row,
                    to_queries, to_vectors + r * row, first_sign, first, leak, channels, heads,
                )  # fmt: skip
                part = end


@kernel
@no_type_check
def backward_by_source(
    bounds: Array,
    source_ptr: Array,
    edge: Array,
    dst: Array,
    relation: Array,
    ends: Array,
    att: Array,
    channels: int,
    slope: float,
    weights: Array,
    grad_out: Array,
    grads: Array,
    signs: Array,
    grad_places: Array,
    grad_rows: Array,
) -> None:
    """Fills the gradients of values, as values and inside the logits."""
    heads, zero, size = weights.shape[1], weights.dtype.type(0), weights.itemsize
    leak, row = weights.dtype.type(slope), grad_out.shape[1] * size
    first_row, vectors = np.int64(grad_out.ctypes.data), np.int64(att.ctypes.data)
    ids, edges = np.int64(dst.ctypes.data), np.int64(edge.ctypes.data)
    first, first_grad = np.int64(weights.ctypes.data), np.int64(grads.ctypes.data)
    first_sign = np.int64(signs.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for j in range(bounds[piece], bounds[piece + 1]):
            while j >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + j * grad_rows[m, 4], grad_rows[m, 3], zero)
            start, stop = source_ptr[j], source_ptr[j + 1]
            prefetch_edges(start, stop, edge, weights)
            prefetch_edges(start, stop, edge, grads)
            prefetch_edges(start, stop, edge, signs)
            while start < stop:
                end, r = ends[start], relation[edge[start]]
                to_values = grad_places[r, 0, 0] + j * grad_places[r, 0, 1]
                leaky_rows_source(
                    to_values, ids, first_row, row, start, end, edges, first, first_grad, vectors + r * row, first_sign,
                    leak, channels, heads,
                )  # fmt: skip
                start = end
