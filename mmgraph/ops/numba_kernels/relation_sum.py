"""Sums and largest values over the edges of each relation into each node, on the CPU, and their gradients."""

from typing import no_type_check

import numpy as np
from numba import prange

from mmgraph.ops.numba_kernels.common import Array, kernel
from mmgraph.ops.numba_kernels.lanes import clear
from mmgraph.ops.numba_kernels.largest import max_rows, won_rows
from mmgraph.ops.numba_kernels.sums import dot_rows, fill_rows, sum_rows, sum_rows_at


@kernel
@no_type_check
def sum_forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    widths: Array,
    total: bool,
    out_rows: Array,
    edge_weight: Array,
) -> None:
    """Fills the results, whose blocks are kind 1 of `places`; `widths`: channels of every relation, 0 to leave it out.

    The blocks of a node lie side by side; if `total`, they all lie in the same place, and are added up.
    """
    zero = edge_weight.dtype.type(0)
    ids, weights = np.int64(src.ctypes.data), np.int64(edge_weight.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for i in range(bounds[piece], bounds[piece + 1]):
            while i >= out_rows[m, 1]:
                m += 1
            start, stop = rowptr[i], rowptr[i + 1]
            filled, part = 0, start
            while part < stop:
                filled, part = filled + widths[relation[part]], ends[part]
            if filled < out_rows[m, 3]:
                clear(out_rows[m, 2] + i * out_rows[m, 4], out_rows[m, 3], zero)
            again = False
            while start < stop:
                end, r = ends[start], relation[start]
                out, base, stride = places[r, 1, 0] + i * places[r, 1, 1], places[r, 0, 0], places[r, 0, 1]
                if again and widths[r] > 0:
                    sum_rows(out, ids, base, stride, start, end, weights, widths[r], 1, zero)
                else:
                    fill_rows(out, ids, base, stride, start, end, weights, widths[r], zero)
                    again = total and widths[r] > 0
                start = end


@kernel
@no_type_check
def sum_backward_by_source(
    bounds: Array,
    source_ptr: Array,
    edge: Array,
    dst: Array,
    relation: Array,
    ends: Array,
    grad_places: Array,
    widths: Array,
    x_rows: Array,
    edge_weight: Array,
) -> None:
    """Fills the gradients of the features, kind 0 of `grad_places`, from those of the results, kind 1."""
    zero = edge_weight.dtype.type(0)
    ids, edges = np.int64(dst.ctypes.data), np.int64(edge.ctypes.data)
    weights = np.int64(edge_weight.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for j in range(bounds[piece], bounds[piece + 1]):
            while j >= x_rows[m, 1]:
                m += 1
            clear(x_rows[m, 2] + j * x_rows[m, 4], x_rows[m, 3], zero)
            start, stop = source_ptr[j], source_ptr[j + 1]
            while start < stop:
                end, r = ends[start], relation[edge[start]]
                base, stride = grad_places[r, 1, 0], grad_places[r, 1, 1]
                to_x = grad_places[r, 0, 0] + j * grad_places[r, 0, 1]
                sum_rows_at(to_x, ids, base, stride, start, end, edges, weights, widths[r], 1, zero)
                start = end


@kernel
@no_type_check
def weight_gradients(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    widths: Array,
    grad_places: Array,
    grads: Array,
) -> None:
    """Adds the gradients of edge weights to `grads` [edges, 1]."""
    zero = grads.dtype.type(0)
    ids, first = np.int64(src.ctypes.data), np.int64(grads.ctypes.data)
    for piece in prange(bounds.size - 1):
        for i in range(bounds[piece], bounds[piece + 1]):
            start, stop = rowptr[i], rowptr[i + 1]
            while start < stop:
                end, r = ends[start], relation[start]
                row = grad_places[r, 1, 0] + i * grad_places[r, 1, 1]
                dot_rows(first, ids, places[r, 0, 0], places[r, 0, 1], start, end, row, widths[r], 1, zero)
                start = end


@kernel
@no_type_check
def max_forward(
    bounds: Array,
    rowptr: Array,
    src: Array,
    relation: Array,
    ends: Array,
    places: Array,
    winner_places: Array,
    widths: Array,
    out_rows: Array,
    like: Array,
) -> None:
    """Fills the largest values (kind 1 of `places`) and the edges that bring them, where an edge enters."""
    zero = like.dtype.type(0)
    ids = np.int64(src.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for i in range(bounds[piece], bounds[piece + 1]):
            while i >= out_rows[m, 1]:
                m += 1
            clear(out_rows[m, 2] + i * out_rows[m, 4], out_rows[m, 3], zero)
            start, stop = rowptr[i], rowptr[i + 1]
            while start < stop:
                end, r = ends[start], relation[start]
                out = places[r, 1, 0] + i * places[r, 1, 1]
                winners = winner_places[r, 1, 0] + i * winner_places[r, 1, 1]
                max_rows(out, winners, ids, places[r, 0, 0], places[r, 0, 1], start, end, widths[r], zero)
                start = end


@kernel
@no_type_check
def max_backward(
    bounds: Array,
    source_ptr: Array,
    edge: Array,
    dst: Array,
    relation: Array,
    ends: Array,
    grad_places: Array,
    winner_places: Array,
    widths: Array,
    x_rows: Array,
    like: Array,
) -> None:
    """Fills the gradients of the features from those of the largest values: each goes to the edge that won."""
    zero = like.dtype.type(0)
    ids, edges = np.int64(dst.ctypes.data), np.int64(edge.ctypes.data)
    for piece in prange(bounds.size - 1):
        m = 0
        for j in range(bounds[piece], bounds[piece + 1]):
            while j >= x_rows[m, 1]:
                m += 1
            clear(x_rows[m, 2] + j * x_rows[m, 4], x_rows[m, 3], zero)
            start, stop = source_ptr[j], source_ptr[j + 1]
            while start < stop:
                end, r = ends[start], relation[edge[start]]
                to_x = grad_places[r, 0, 0] + j * grad_places[r, 0, 1]
                base, winner_base = grad_places[r, 1, 0], winner_places[r, 1, 0]
                stride, winner_stride = grad_places[r, 1, 1], winner_places[r, 1, 1]
                won_rows(to_x, ids, base, winner_base, stride, winner_stride, start, end, edges, widths[r], zero)
                start = end
