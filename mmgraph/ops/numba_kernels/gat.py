"""GAT on the CPU: logits, softmax and weighted sum in one pass over destination-sorted edges, its gradient in two.

No array of [edges, heads, channels] exists. The backward pass first goes by destination (gradients of logits, and of
the tables of destinations), then by source (those of sources), so every row is written once and by one thread.
`places` holds byte addresses and strides; `rows` the extent of every modality's table, see `launch`.
"""

from typing import no_type_check

import numpy as np
from numba import prange

from mmgraph.ops.numba_kernels.common import Array, kernel
from mmgraph.ops.numba_kernels.heads import leaky_sums, leaky_sums_backward, softmax_rows, sum_heads_at
from mmgraph.ops.numba_kernels.lanes import clear
from mmgraph.ops.numba_kernels.passes import logit_gradients, set_rows, sum_values
from mmgraph.ops.numba_kernels.prefetch import prefetch_edges, prefetch_sources
from mmgraph.ops.numba_kernels.sums import sum_rows_at


@kernel
@no_type_check
def forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    edge_logits: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    out: Array,
    alpha: Array,
    weights: Array,
) -> None:
    """Fills `out` [nodes, heads x channels], `alpha` and `weights` (alpha x factor) [edges, heads]."""
    heads, zero, size = alpha.shape[1], out.dtype.type(0), out.itemsize
    leak, ids, logits = out.dtype.type(slope), np.int64(src.ctypes.data), np.int64(alpha.ctypes.data)
    row = out.shape[1] * size
    own = np.int64(edge_logits.ctypes.data) if edge_logits.shape[0] > 0 else np.int64(0)
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
            start, stop = rowptr[i], rowptr[i + 1]
            prefetch_sources(start, stop, src, relation, places, 0, row)
            clear(np.int64(out.ctypes.data) + i * row, out.shape[1], zero)
            while start < stop:
                end = ends[start] if per_relation else stop
                part = start
                while part < end:
                    last, r = ends[part], relation[part]
                    target = places[r, 2, 0] + i * places[r, 2, 1]
                    base, stride = places[r, 1, 0], places[r, 1, 1]
                    leaky_sums(logits, ids, base, stride, part, last, own, target, leak, heads)
                    part = last
                softmax_rows(logits, start, end, heads, out.dtype.type(1))
                sum_values(i, start, end, src, relation, ends, places, channels, alpha, factor, weights, out)
                start = end


@kernel
@no_type_check
def backward_by_destination(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    edge_logits: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    alpha: Array,
    grad_out: Array,
    grad_places: Array,
    grad_rows: Array,
    grad_alpha: Array,
    grads: Array,
) -> None:
    """Fills `grad_alpha` and `grads`, gradients [edges, heads] of alpha x factor and logits, and those of targets."""
    heads, zero, leak = alpha.shape[1], alpha.dtype.type(0), alpha.dtype.type(slope)
    one = alpha.dtype.type(1)
    row = grad_out.shape[1] * grad_out.itemsize
    ids, first = np.int64(src.ctypes.data), np.int64(grads.ctypes.data)
    own = np.int64(edge_logits.ctypes.data) if edge_logits.shape[0] > 0 else np.int64(0)
    for piece in prange(bounds.size - 1):
        m = 0
        for i in range(bounds[piece], bounds[piece + 1]):
            while i >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + i * grad_rows[m, 4], grad_rows[m, 3], zero)
            start, stop = rowptr[i], rowptr[i + 1]
            prefetch_sources(start, stop, src, relation, places, 0, row)
            set_rows(grads, start, stop, heads)
            while start < stop:
                end = ends[start] if per_relation else stop
                logit_gradients(
                    i, start, end, src, relation, ends, places, channels, alpha, factor, per_relation, one, grad_out,
                    grad_alpha, grads,
                )  # fmt: skip
                while start < end:
                    last, r = ends[start], relation[start]
                    target, to_target = (
                        places[r, 2, 0] + i * places[r, 2, 1],
                        grad_places[r, 2, 0] + i * grad_places[r, 2, 1],
                    )
                    base, stride = places[r, 1, 0], places[r, 1, 1]
                    leaky_sums_backward(first, ids, base, stride, start, last, own, target, to_target, leak, heads)
                    start = last


@kernel
@no_type_check
def backward_by_source(
    bounds: Array,
    source_ptr: Array,
    edge: Array,
    dst: Array,
    relation: Array,
    ends: Array,
    channels: int,
    weights: Array,
    grad_out: Array,
    grads: Array,
    grad_places: Array,
    grad_rows: Array,
) -> None:
    """Fills the gradients of the tables of sources: values and logits."""
    heads, zero, size = weights.shape[1], weights.dtype.type(0), weights.itemsize
    first_row, row = np.int64(grad_out.ctypes.data), grad_out.shape[1] * size
    ids, edges, first = np.int64(dst.ctypes.data), np.int64(edge.ctypes.data), np.int64(weights.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for j in range(bounds[piece], bounds[piece + 1]):
            while j >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + j * grad_rows[m, 4], grad_rows[m, 3], zero)
            start, stop = source_ptr[j], source_ptr[j + 1]
            prefetch_edges(start, stop, edge, weights)
            prefetch_edges(start, stop, edge, grads)
            while start < stop:
                end, r = ends[start], relation[edge[start]]
                to_values = grad_places[r, 0, 0] + j * grad_places[r, 0, 1]
                to_logits = grad_places[r, 1, 0] + j * grad_places[r, 1, 1]
                sum_rows_at(to_values, ids, first_row, row, start, end, edges, first, channels, heads, zero)
                sum_heads_at(to_logits, np.int64(grads.ctypes.data), start, end, edges, heads, zero)
                start = end
