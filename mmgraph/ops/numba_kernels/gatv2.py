"""GATv2 on the CPU, in the same three passes as GAT; the sum inside the nonlinearity is recomputed, never stored."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from mmgraph.ops.numba_kernels.common import FAST, Array, run_end, softmax_run
from mmgraph.ops.numba_kernels.rows import (
    add_scaled,
    clear,
    dot,
    leaky_logit,
    leaky_source_gradient,
    leaky_target_gradients,
)


@njit(parallel=True, fastmath=FAST, cache=True)
@no_type_check
def forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    places: Array,
    att: Array,
    extra: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    out: Array,
    alpha: Array,
) -> None:
    """Fills `out` [nodes, heads x channels] and `alpha` [edges, heads]; `extra`: address of an edge's values, or 0."""
    heads, zero, size = alpha.shape[1], out.dtype.type(0), out.itemsize
    leak = out.dtype.type(slope)
    first_row, row, vectors = np.int64(out.ctypes.data), out.shape[1] * size, np.int64(att.ctypes.data)
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
            start, stop = rowptr[i], rowptr[i + 1]
            clear(first_row + i * row, out.shape[1], zero)
            while start < stop:
                end = run_end(relation, start, stop, per_relation)
                for e in range(start, end):
                    r = relation[e]
                    values = places[r, 0, 0] + src[e] * places[r, 0, 1]
                    queries = places[r, 1, 0] + i * places[r, 1, 1]
                    inner = extra[e] if extra.size > 0 else np.int64(0)
                    for h in range(heads):
                        shift = h * channels * size
                        more = inner + shift if inner != 0 else inner
                        vector = vectors + r * row + shift
                        alpha[e, h] = leaky_logit(values + shift, queries + shift, more, vector, leak, channels)
                softmax_run(alpha, start, end, heads)
                for e in range(start, end):
                    r = relation[e]
                    values = places[r, 0, 0] + src[e] * places[r, 0, 1]
                    for h in range(heads):
                        weight = alpha[e, h] * factor[e, h] if factor.shape[0] > 0 else alpha[e, h]
                        shift = h * channels * size
                        add_scaled(first_row + i * row + shift, values + shift, weight, channels)
                start = end


@njit(parallel=True, fastmath=FAST, cache=True)
@no_type_check
def backward_by_destination(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
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
    grad_logits: Array,
    grad_att: Array,
) -> None:
    """Fills the gradients [edges, heads] of what multiplies the values and of logits, of queries and of edge values.

    Adds those of the attention vectors to `grad_att` [pieces, relations, heads, channels]. `grad_rows` are the columns
    of queries of each modality, see `launch`.
    """
    heads, zero, size = alpha.shape[1], alpha.dtype.type(0), alpha.itemsize
    leak = alpha.dtype.type(slope)
    first_row, row, vectors = np.int64(grad_out.ctypes.data), grad_out.shape[1] * size, np.int64(att.ctypes.data)
    for piece in prange(bounds.size - 1):
        to_vectors = np.int64(grad_att.ctypes.data) + piece * grad_att[0].size * size
        m = 0
        for i in range(bounds[piece], bounds[piece + 1]):
            while i >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + i * grad_rows[m, 4], grad_rows[m, 3], zero)
            start, stop = rowptr[i], rowptr[i + 1]
            while start < stop:
                end = run_end(relation, start, stop, per_relation)
                for e in range(start, end):
                    r = relation[e]
                    values = places[r, 0, 0] + src[e] * places[r, 0, 1]
                    for h in range(heads):
                        shift = h * channels * size
                        grad = dot(first_row + i * row + shift, values + shift, channels, zero)
                        if grad_alpha.shape[0] > 0:
                            grad_alpha[e, h] = grad
                        grad_logits[e, h] = grad * factor[e, h] if factor.shape[0] > 0 else grad
                for h in range(heads):
                    mean = zero
                    for e in range(start, end):
                        mean += alpha[e, h] * grad_logits[e, h]
                    for e in range(start, end):
                        grad_logits[e, h] = alpha[e, h] * (grad_logits[e, h] - mean)
                for e in range(start, end):
                    r = relation[e]
                    values = places[r, 0, 0] + src[e] * places[r, 0, 1]
                    queries = places[r, 1, 0] + i * places[r, 1, 1]
                    to_queries = grad_places[r, 1, 0] + i * grad_places[r, 1, 1]
                    inner = extra[e] if extra.size > 0 else np.int64(0)
                    to_inner = grad_extra[e] if extra.size > 0 else np.int64(0)
                    for h in range(heads):
                        shift = h * channels * size
                        more = inner + shift if inner != 0 else inner
                        vector = r * row + shift
                        leaky_target_gradients(
                            values + shift,
                            queries + shift,
                            more,
                            vectors + vector,
                            to_vectors + vector,
                            to_queries + shift,
                            to_inner + shift,
                            grad_logits[e, h],
                            leak,
                            channels,
                        )
                start = end


@njit(parallel=True, fastmath=FAST, cache=True)
@no_type_check
def backward_by_source(
    bounds: Array,
    source_ptr: Array,
    source_edge: Array,
    dst: Array,
    relation: Array,
    places: Array,
    att: Array,
    extra: Array,
    factor: Array,
    channels: int,
    slope: float,
    alpha: Array,
    grad_out: Array,
    grad_logits: Array,
    grad_places: Array,
    grad_rows: Array,
) -> None:
    """Fills the gradients of values, as values and inside the logits; `grad_rows` says where the values begin."""
    heads, zero, size = alpha.shape[1], alpha.dtype.type(0), alpha.itemsize
    leak = alpha.dtype.type(slope)
    first_row, row, vectors = np.int64(grad_out.ctypes.data), grad_out.shape[1] * size, np.int64(att.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for j in range(bounds[piece], bounds[piece + 1]):
            while j >= grad_rows[m, 1]:
                m += 1
            clear(grad_rows[m, 2] + j * grad_rows[m, 4], grad_rows[m, 3], zero)
            for k in range(source_ptr[j], source_ptr[j + 1]):
                e = source_edge[k]
                r, i = relation[e], dst[e]
                values = places[r, 0, 0] + j * places[r, 0, 1]
                queries = places[r, 1, 0] + i * places[r, 1, 1]
                to_values = grad_places[r, 0, 0] + j * grad_places[r, 0, 1]
                inner = extra[e] if extra.size > 0 else np.int64(0)
                for h in range(heads):
                    weight = alpha[e, h] * factor[e, h] if factor.shape[0] > 0 else alpha[e, h]
                    shift = h * channels * size
                    more = inner + shift if inner != 0 else inner
                    leaky_source_gradient(
                        values + shift,
                        queries + shift,
                        more,
                        vectors + r * row + shift,
                        first_row + i * row + shift,
                        to_values + shift,
                        weight,
                        grad_logits[e, h],
                        leak,
                        channels,
                    )
