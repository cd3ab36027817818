"""Softmax and weighted sum on torch-scatter's segment kernels: the back-end "torch_scatter"."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.ops.reference import Scope, destinations


def softmax(
    logits: Float[Tensor, "edges heads"],
    rowptr: Int[Tensor, " nodes_plus_one"],
    relation: Int[Tensor, " edges"],
    num_relations: int,
    scope: Scope,
) -> Float[Tensor, "edges heads"]:
    """As `reference.softmax`; edges that share a softmax lie together, so they are segments."""
    from torch_scatter import segment_csr

    group = destinations(rowptr)
    if scope == "relation":
        group = group * num_relations + relation
    _, counts = torch.unique_consecutive(group, return_counts=True)
    ptr = torch.nn.functional.pad(counts.cumsum(0), (1, 0))
    shifted = (logits - segment_csr(logits.detach(), ptr, reduce="max").repeat_interleave(counts, 0)).exp()
    return shifted / _SegmentSum.apply(shifted, ptr).repeat_interleave(counts, 0)


def aggregate(
    weights: Float[Tensor, "edges heads"],
    values: Float[Tensor, "edges heads_times_channels"],
    rowptr: Int[Tensor, " nodes_plus_one"],
) -> Float[Tensor, "nodes heads_times_channels"]:
    """As `reference.aggregate`."""
    weighted = (values.unflatten(1, (weights.shape[1], -1)) * weights.unsqueeze(2)).flatten(1)
    return _SegmentSum.apply(weighted, rowptr)


class _SegmentSum(torch.autograd.Function):
    """`segment_csr` with a gradient in torch: torch-scatter's own is wrong in the second derivative, without a word."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ptr: Tensor) -> Tensor:
        from torch_scatter import segment_csr

        ctx.save_for_backward(ptr)
        return segment_csr(x, ptr, reduce="sum")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (ptr,) = ctx.saved_tensors
        return grad.repeat_interleave(ptr.diff(), 0), None
