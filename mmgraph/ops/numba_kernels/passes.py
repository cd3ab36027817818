"""Passes that all attention kernels share: weighted sums of values, and the gradients that lead back to them.

Each works on the edges `start` to `end` into node `i`, which share a softmax; edges of one relation lie together.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from mmgraph.ops.numba_kernels.common import FAST, Array
from mmgraph.ops.numba_kernels.heads import clear_heads, softmax_rows_backward
from mmgraph.ops.numba_kernels.sums import dot_rows, sum_rows


@njit(inline="always", fastmath=FAST)
@no_type_check
def sum_values(
    i: int,
    start: int,
    end: int,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    channels: int,
    alpha: Array,
    factor: Array,
    weights: Array,
    out: Array,
) -> None:
    """Adds alpha x factor x value to row `i` of `out`; fills `weights` with alpha x factor where there are factors."""
    heads, size, zero = alpha.shape[1], alpha.itemsize, alpha.dtype.type(0)
    if factor.shape[0] > 0:
        for e in range(start, end):
            for h in range(heads):
                weights[e, h] = alpha[e, h] * factor[e, h]
    row = np.int64(out.ctypes.data) + i * heads * channels * size
    ids, first = np.int64(src.ctypes.data), np.int64(weights.ctypes.data)
    while start < end:
        stop = ends[start]
        base, stride = places[relation[start], 0, 0], places[relation[start], 0, 1]
        sum_rows(row, ids, base, stride, start, stop, first, channels, heads, zero)
        start = stop


@njit(inline="always", fastmath=FAST)
@no_type_check
def logit_gradients(
    i: int,
    start: int,
    end: int,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    channels: int,
    alpha: Array,
    factor: Array,
    per_relation: bool,
    scale: float,
    grad_out: Array,
    grad_alpha: Array,
    grads: Array,
) -> None:
    """Fills `grads` with `scale` x gradients of logits, `grad_alpha` (where it has rows) with those of alpha x factor.

    What `grads` holds before is added to the gradient of alpha x factor.
    """
    heads, size, zero = alpha.shape[1], alpha.itemsize, alpha.dtype.type(0)
    row = np.int64(grad_out.ctypes.data) + i * heads * channels * size
    ids, first = np.int64(src.ctypes.data), np.int64(grads.ctypes.data)
    part = start
    while part < end:
        stop = ends[part]
        base, stride = places[relation[part], 0, 0], places[relation[part], 0, 1]
        dot_rows(first, ids, base, stride, part, stop, row, channels, heads, zero)
        part = stop
    if grad_alpha.shape[0] > 0:
        for e in range(start, end):
            for h in range(heads):
                grad_alpha[e, h] = grads[e, h]
    if factor.shape[0] > 0:
        for e in range(start, end):
            for h in range(heads):
                grads[e, h] *= factor[e, h]
    while start < end:
        stop = ends[start] if per_relation else end
        softmax_rows_backward(np.int64(alpha.ctypes.data), first, start, stop, heads, scale)
        start = stop


@njit(inline="always")
@no_type_check
def set_rows(array: Array, start: int, end: int, heads: int) -> None:
    """Sets rows `start` to `end` to 0."""
    clear_heads(np.int64(array.ctypes.data), start, end, heads, array.dtype.type(0))
