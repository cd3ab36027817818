"""Grouping destination-sorted edges by source, by counting: two passes, linear time, stable."""

from typing import no_type_check

import numpy as np
from numba import njit

from mmgraph.ops.numba_kernels.common import Array


@njit(cache=True)
@no_type_check
def group_by_source(rowptr: Array, src: Array) -> tuple[Array, Array, Array]:
    """Pointer per source node [nodes + 1], edge numbers [edges], destination of every edge [edges]."""
    nodes, edges = rowptr.size - 1, src.size
    ptr = np.zeros(nodes + 1, np.int64)
    for e in range(edges):
        ptr[src[e] + 1] += 1
    for i in range(nodes):
        ptr[i + 1] += ptr[i]
    place = ptr[:-1].copy()
    edge, dst = np.empty(edges, np.int32), np.empty(edges, np.int32)
    for i in range(nodes):
        for e in range(rowptr[i], rowptr[i + 1]):
            dst[e] = i
            edge[place[src[e]]] = e
            place[src[e]] += 1
    return ptr, edge, dst
