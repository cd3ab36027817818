"""Edges by source: the order in which a backward pass gives every node its gradient without two threads in one row."""

from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor


class SourceOrder(NamedTuple):
    """Edges grouped by their source node, and within a node by relation.

    Attributes:
        ptr: edges out of node i are entries `ptr[i]` to `ptr[i + 1]` of `edge`, int64 [nodes + 1].
        edge: edge numbers, rising within a node and relation, int32 [edges].
        dst: destination node of each of them, int32 [edges].
    """

    ptr: Int[Tensor, " nodes_plus_one"]
    edge: Int[Tensor, " edges"]
    dst: Int[Tensor, " edges"]


def source_order(
    rowptr: Int[Tensor, " nodes_plus_one"],
    src: Int[Tensor, " edges"],
    relation: Int[Tensor, " edges"],
    num_relations: int,
) -> SourceOrder:
    """Groups destination-sorted edges by source: by counting where Numba can run, else by stable sorting.

    Example:
        >>> src, relation = torch.tensor([[1, 0, 1], [1, 0, 0]], dtype=torch.int32)
        >>> order = source_order(torch.tensor([0, 2, 3]), src, relation, 2)
        >>> order.ptr.tolist(), order.edge.tolist(), order.dst.tolist()
        ([0, 1, 3], [1, 2, 0], [0, 1, 0])
    """
    from mmgraph.ops.backend import current_backend

    if current_backend(src.device) == "numba":
        from mmgraph.ops.numba_kernels.sorting import group_by_source

        arrays = (rowptr.numpy(), src.numpy(), relation.numpy())
        return SourceOrder(*map(torch.from_numpy, group_by_source(*arrays, num_relations)))
    nodes = rowptr.numel() - 1
    node = torch.arange(nodes + 1, dtype=torch.int32, device=src.device)
    dst = torch.repeat_interleave(node[:-1], rowptr.diff(), output_size=src.numel())  # a size: does not wait for a GPU
    edge = torch.argsort(src.long() * max(1, num_relations) + relation, stable=True)
    return SourceOrder(torch.searchsorted(src[edge], node), edge.to(torch.int32), dst[edge])
