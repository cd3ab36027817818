"""Edges by source: the order in which a backward pass gives every node its gradient without two threads in one row."""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor


class SourceOrder(NamedTuple):
    """Edges grouped by their source node.

    Attributes:
        ptr: edges out of node i are entries `ptr[i]` to `ptr[i + 1]` of `edge`, int64 [nodes + 1].
        edge: edge numbers, rising within a node, int32 [edges].
        dst: destination node of every edge, in the edges' own order, int32 [edges].
    """

    ptr: Int[Tensor, " nodes_plus_one"]
    edge: Int[Tensor, " edges"]
    dst: Int[Tensor, " edges"]


def source_order(rowptr: Int[Tensor, " nodes_plus_one"], src: Int[Tensor, " edges"]) -> SourceOrder:
    """Groups destination-sorted edges by source: by counting where Numba can run, else by stable sorting.

    Example:
        >>> order = source_order(torch.tensor([0, 2, 3]), torch.tensor([1, 0, 1], dtype=torch.int32))
        >>> order.ptr.tolist(), order.edge.tolist(), order.dst.tolist()
        ([0, 1, 3], [1, 0, 2], [0, 0, 1])
    """
    from mmgraph.ops.backend import current_backend

    if current_backend(src.device) == "numba":
        from mmgraph.ops.numba_kernels.sorting import group_by_source

        return SourceOrder(*map(torch.from_numpy, group_by_source(rowptr.numpy(), src.numpy())))
    nodes = rowptr.numel() - 1
    dst = torch.repeat_interleave(torch.arange(nodes, dtype=torch.int32, device=src.device), rowptr.diff())
    edge = torch.argsort(src, stable=True).to(torch.int32)
    counts = torch.bincount(src, minlength=nodes)
    return SourceOrder(torch.nn.functional.pad(counts.cumsum(0), (1, 0)), edge, dst)
