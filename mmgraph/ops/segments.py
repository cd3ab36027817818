"""Sums and softmax over contiguous runs of nodes: the nodes of one modality in one graph."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph.ragged import segment_of_row


def segment_sum(
    x: Float[Tensor, "nodes *channels"], ptr: Int[Tensor, " segments_plus_one"]
) -> Float[Tensor, "segments *channels"]:
    """Sum of the rows of each segment; 0 for an empty one.

    Example:
        >>> segment_sum(torch.tensor([[1.0], [2.0], [5.0]]), torch.tensor([0, 2, 2, 3])).tolist()
        [[3.0], [0.0], [5.0]]
    """
    return x.new_zeros(ptr.numel() - 1, *x.shape[1:]).index_add(0, segment_of_row(ptr), x)


def segment_softmax(
    logits: Float[Tensor, "nodes heads"], ptr: Int[Tensor, " segments_plus_one"]
) -> Float[Tensor, "nodes heads"]:
    """Softmax over the rows of each segment.

    Example:
        >>> segment_softmax(torch.zeros(3, 1), torch.tensor([0, 2, 2, 3])).tolist()
        [[0.5], [0.5], [1.0]]
    """
    group = segment_of_row(ptr)
    top = logits.new_full((ptr.numel() - 1, logits.shape[1]), -torch.inf)
    top = top.scatter_reduce(0, group.unsqueeze(1).expand_as(logits), logits.detach(), "amax")
    shifted = (logits - top[group]).exp()
    return shifted / segment_sum(shifted, ptr)[group]
