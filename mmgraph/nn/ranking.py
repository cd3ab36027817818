"""The highest scores of each of many groups at once."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph.ragged import to_ptr


def highest(
    score: Float[Tensor, " rows"], group: Int[Tensor, " rows"], room: Int[Tensor, " groups"]
) -> Bool[Tensor, " rows"]:
    """True at the highest scores of each group, as many as it has room for; among equal ones at the first.

    Args:
        score: of each row.
        group: of each row, in any order.
        room: how many rows of each group to take, at most.

    Example:
        >>> score, group = torch.tensor([0.1, 0.5, 0.3, 0.2]), torch.tensor([0, 0, 1, 0])
        >>> highest(score, group, torch.tensor([2, 5])).tolist()
        [False, True, True, True]
    """
    order = score.detach().argsort(descending=True, stable=True)
    order = order[group[order].argsort(stable=True)]
    of = group[order]
    rank = torch.arange(order.numel(), device=order.device) - to_ptr(torch.bincount(group, minlength=len(room)))[of]
    return torch.empty_like(of, dtype=torch.bool).index_copy_(0, order, rank < room[of])


def share_of(ratio: float, counts: Int[Tensor, " groups"]) -> Int[Tensor, " groups"]:
    """`ratio` of each count, rounded up; 0.1 of 30 are 3, whatever the rounding of 0.1.

    Example:
        >>> share_of(0.1, torch.tensor([0, 1, 30, 31])).tolist()
        [0, 1, 3, 4]
    """
    return (ratio * counts.double() - 1e-9).ceil().clamp(min=0).long()
