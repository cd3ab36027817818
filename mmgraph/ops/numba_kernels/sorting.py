"""Grouping destination-sorted edges by source, by counting: linear time, stable."""

from typing import no_type_check

import numpy as np
from numba import njit

from mmgraph.ops.numba_kernels.common import Array


@njit(cache=True)
@no_type_check
def group_by_source(rowptr: Array, src: Array, relation: Array, num_relations: int) -> tuple[Array, Array, Array]:
    """Edges by (source, relation): pointer per source [nodes + 1], edge numbers and their destinations [edges]."""
    nodes, edges = rowptr.size - 1, src.size
    place = np.zeros(num_relations + 1, np.int64)
    ptr = np.zeros(nodes + 1, np.int64)
    for e in range(edges):
        place[relation[e] + 1] += 1
        ptr[src[e] + 1] += 1
    for r in range(num_relations):
        place[r + 1] += place[r]
    for i in range(nodes):
        ptr[i + 1] += ptr[i]
    first_edge, first_dst = np.empty(edges, np.int32), np.empty(edges, np.int32)
    for i in range(nodes):
        for e in range(rowptr[i], rowptr[i + 1]):
            at = place[relation[e]]
            place[relation[e]] = at + 1
            first_edge[at], first_dst[at] = e, i
    edge, dst = np.empty(edges, np.int32), np.empty(edges, np.int32)
    next_place = ptr[:-1].copy()
    for k in range(edges):
        at = next_place[src[first_edge[k]]]
        next_place[src[first_edge[k]]] = at + 1
        edge[at], dst[at] = first_edge[k], first_dst[k]
    return ptr, edge, dst
