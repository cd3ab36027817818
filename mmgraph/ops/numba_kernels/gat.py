"""GAT on the CPU: logits, softmax and weighted sum in one pass over destination-sorted edges, its gradient in two.

No array of [edges, heads, channels] exists. The backward pass first goes by destination (gradients of logits), then by
source (gradients of tables), so every row is written once and by one thread. `places` holds byte addresses and strides.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from mmgraph.ops.numba_kernels.common import FAST, Array, run_end, softmax_run
from mmgraph.ops.numba_kernels.rows import add_scaled, clear, dot, grow, load


@njit(parallel=True, fastmath=FAST, cache=True)
@no_type_check
def forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    places: Array,
    edge_logits: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    out: Array,
    alpha: Array,
) -> None:
    """Fills `out` [nodes, heads x channels] and `alpha` [edges, heads]."""
    heads, zero, size = alpha.shape[1], out.dtype.type(0), out.itemsize
    leak = out.dtype.type(slope)
    first_row, row = np.int64(out.ctypes.data), out.shape[1] * size
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
            start, stop = rowptr[i], rowptr[i + 1]
            clear(first_row + i * row, out.shape[1], zero)
            while start < stop:
                end = run_end(relation, start, stop, per_relation)
                for e in range(start, end):
                    r = relation[e]
                    here = places[r, 1, 0] + src[e] * places[r, 1, 1]
                    there = places[r, 2, 0] + i * places[r, 2, 1]
                    for h in range(heads):
                        logit = load(here + h * size, zero) + load(there + h * size, zero)
                        if edge_logits.shape[0] > 0:
                            logit += edge_logits[e, h]
                        alpha[e, h] = logit if logit > zero else logit * leak
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
    edge_logits: Array,
    factor: Array,
    channels: int,
    slope: float,
    per_relation: bool,
    alpha: Array,
    grad_out: Array,
    grad_alpha: Array,
    grad_logits: Array,
) -> None:
    """Fills the gradients [edges, heads] of what multiplies the values, and of the logits before LeakyReLU."""
    heads, zero, size = alpha.shape[1], alpha.dtype.type(0), alpha.itemsize
    leak = alpha.dtype.type(slope)
    first_row, row = np.int64(grad_out.ctypes.data), grad_out.shape[1] * size
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
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
                        r = relation[e]
                        logit = load(places[r, 1, 0] + src[e] * places[r, 1, 1] + h * size, zero)
                        logit += load(places[r, 2, 0] + i * places[r, 2, 1] + h * size, zero)
                        if edge_logits.shape[0] > 0:
                            logit += edge_logits[e, h]
                        grad = alpha[e, h] * (grad_logits[e, h] - mean)
                        grad_logits[e, h] = grad if logit > zero else grad * leak
                start = end


@njit(parallel=True, fastmath=FAST, cache=True)
@no_type_check
def backward_by_source(
    bounds: Array,
    source_ptr: Array,
    source_edge: Array,
    dst: Array,
    rowptr: Array,
    relation: Array,
    places: Array,
    rows: Array,
    factor: Array,
    channels: int,
    alpha: Array,
    grad_out: Array,
    grad_logits: Array,
) -> None:
    """Fills the gradients of the tables, whose places are `places` and whose rows are `rows`."""
    heads, zero, size = alpha.shape[1], alpha.dtype.type(0), alpha.itemsize
    first_row, row = np.int64(grad_out.ctypes.data), grad_out.shape[1] * size
    for piece in prange(bounds.size - 1):
        m = 0
        for j in range(bounds[piece], bounds[piece + 1]):
            while j >= rows[m, 1]:
                m += 1
            clear(rows[m, 2] + j * rows[m, 4], rows[m, 3], zero)
            for k in range(source_ptr[j], source_ptr[j + 1]):
                e = source_edge[k]
                r = relation[e]
                outer = first_row + dst[e] * row
                to_values = places[r, 0, 0] + j * places[r, 0, 1]
                to_logits = places[r, 1, 0] + j * places[r, 1, 1]
                for h in range(heads):
                    weight = alpha[e, h] * factor[e, h] if factor.shape[0] > 0 else alpha[e, h]
                    shift = h * channels * size
                    add_scaled(to_values + shift, outer + shift, weight, channels)
                    grow(to_logits + h * size, grad_logits[e, h])
            for e in range(rowptr[j], rowptr[j + 1]):
                r = relation[e]
                for h in range(heads):
                    grow(places[r, 2, 0] + j * places[r, 2, 1] + h * size, grad_logits[e, h])
