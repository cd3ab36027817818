"""Dot-product attention on the CPU, in the same three passes as GAT. An edge's own row joins its key and its value."""

from typing import no_type_check

import numpy as np
from numba import prange

from mmgraph.ops.numba_kernels.common import Array, kernel
from mmgraph.ops.numba_kernels.heads import softmax_rows
from mmgraph.ops.numba_kernels.lanes import clear
from mmgraph.ops.numba_kernels.passes import logit_gradients, set_rows, sum_values
from mmgraph.ops.numba_kernels.prefetch import prefetch_edges, prefetch_sources
from mmgraph.ops.numba_kernels.rows import add_scaled, dot
from mmgraph.ops.numba_kernels.sums import dot_rows, sum_rows, sum_rows_at


@kernel
@no_type_check
def forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    extra: Array,
    factor: Array,
    channels: int,
    key_channels: int,
    scale: float,
    per_relation: bool,
    out: Array,
    alpha: Array,
    weights: Array,
) -> None:
    """Fills `out`, `alpha` and `weights` as GAT does; `extra`: address of an edge's own row (0: none), or empty."""
    heads, zero, size = alpha.shape[1], out.dtype.type(0), out.itemsize
    gain, row, keys = out.dtype.type(scale), out.shape[1] * size, key_channels * size
    ids, logits, first_row = np.int64(src.ctypes.data), np.int64(alpha.ctypes.data), np.int64(out.ctypes.data)
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
            start, stop = rowptr[i], rowptr[i + 1]
            prefetch_sources(start, stop, src, relation, places, 0, row)
            prefetch_sources(start, stop, src, relation, places, 1, heads * keys)
            clear(first_row + i * row, out.shape[1], zero)
            set_rows(alpha, start, stop, heads)
            part = start
            while part < stop:
                end, r = ends[part], relation[part]
                base, stride = places[r, 1, 0], places[r, 1, 1]
                queries = places[r, 2, 0] + i * places[r, 2, 1]
                dot_rows(logits, ids, base, stride, part, end, queries, key_channels, heads, zero)
                for e in range(part, end if extra.size > 0 else part):
                    if extra[e] != 0:
                        for h in range(heads):
                            alpha[e, h] += dot(extra[e] + h * keys, queries + h * keys, key_channels, zero)
                part = end
            part = start
            while part < stop:
                end = ends[part] if per_relation else stop
                softmax_rows(logits, part, end, heads, gain)
                part = end
            sum_values(i, start, stop, src, relation, ends, places, channels, alpha, factor, weights, out)
            for e in range(start, stop if extra.size > 0 else start):
                if extra[e] != 0:
                    for h in range(heads):
                        shift = h * channels * size
                        add_scaled(first_row + i * row + shift, extra[e] + shift, weights[e, h], channels)


@kernel
@no_type_check
def backward_by_destination(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    extra: Array,
    factor: Array,
    channels: int,
    key_channels: int,
    scale: float,
    per_relation: bool,
    alpha: Array,
    weights: Array,
    grad_out: Array,
    grad_places: Array,
    grad_rows: Array,
    grad_extra: Array,
    grad_alpha: Array,
    grads: Array,
) -> None:
    """Fills gradients as GAT's pass does, those of queries, and those of the edges' own rows, which hold 0 before."""
    heads, zero, size = alpha.shape[1], alpha.dtype.type(0), alpha.itemsize
    gain, row, keys = alpha.dtype.type(scale), grad_out.shape[1] * size, key_channels * size
    ids, first, first_row = np.int64(src.ctypes.data), np.int64(grads.ctypes.data), np.int64(grad_out.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for i in range(bounds[piece], bounds[piece + 1]):
            while i >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + i * grad_rows[m, 4], grad_rows[m, 3], zero)
            start, stop = rowptr[i], rowptr[i + 1]
            prefetch_sources(start, stop, src, relation, places, 0, row)
            prefetch_sources(start, stop, src, relation, places, 1, heads * keys)
            set_rows(grads, start, stop, heads)
            for e in range(start, stop if extra.size > 0 else start):
                if extra[e] != 0:
                    for h in range(heads):
                        shift = h * channels * size
                        grads[e, h] = dot(first_row + i * row + shift, extra[e] + shift, channels, zero)
            logit_gradients(
                i, start, stop, src, relation, ends, places, channels, alpha, factor, per_relation, gain, grad_out,
                grad_alpha, grads,
            )  # fmt: skip
            part = start
            while part < stop:
                end, r = ends[part], relation[part]
                base, stride = places[r, 1, 0], places[r, 1, 1]
                queries = places[r, 2, 0] + i * places[r, 2, 1]
                to_queries = grad_places[r, 2, 0] + i * grad_places[r, 2, 1]
                for e in range(part, end if extra.size > 0 else part):
                    if extra[e] != 0:
                        for h in range(heads):
                            shift = h * channels * size
                            add_scaled(grad_extra[e] + shift, first_row + i * row + shift, weights[e, h], channels)
                            add_scaled(grad_extra[e] + shift, queries + h * keys, grads[e, h], key_channels)
                            add_scaled(to_queries + h * keys, extra[e] + h * keys, grads[e, h], key_channels)
                sum_rows(to_queries, ids, base, stride, part, end, first, key_channels, heads, zero)
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
    places: Array,
    channels: int,
    key_channels: int,
    weights: Array,
    grad_out: Array,
    grads: Array,
    grad_places: Array,
    grad_rows: Array,
) -> None:
    """Fills the gradients of the tables of sources: values and keys."""
    heads, zero, size = weights.shape[1], weights.dtype.type(0), weights.itemsize
    first_row, row = np.int64(grad_out.ctypes.data), grad_out.shape[1] * size
    ids, edges = np.int64(dst.ctypes.data), np.int64(edge.ctypes.data)
    first, first_grad = np.int64(weights.ctypes.data), np.int64(grads.ctypes.data)
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
                to_keys = grad_places[r, 1, 0] + j * grad_places[r, 1, 1]
                base, stride = places[r, 2, 0], places[r, 2, 1]
                sum_rows_at(to_values, ids, first_row, row, start, end, edges, first, channels, heads, zero)
                sum_rows_at(to_keys, ids, base, stride, start, end, edges, first_grad, key_channels, heads, zero)
                start = end
