"""Ragged nodes as dense arrays, for the baselines that want them."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def pad(
    x: Float[Tensor, "nodes channels"], ptr: Int[Tensor, " graphs_plus_one"], length: int
) -> tuple[Float[Tensor, "graphs length channels"], Bool[Tensor, "graphs length"]]:
    """The first `length` nodes of each graph, zeros behind the last one, and a mask of the places that hold a node.

    Example:
        >>> dense, mask = pad(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 1, 1, 3]), 2)
        >>> dense.squeeze(2).tolist(), mask.tolist()
        ([[1.0, 0.0], [0.0, 0.0], [2.0, 3.0]], [[True, False], [False, False], [True, True]])
    """
    place = torch.arange(length, device=x.device)
    mask = place < ptr.diff().unsqueeze(1)
    rows = torch.where(mask, ptr[:-1].unsqueeze(1) + place, x.shape[0])  # one past the end: the row of zeros
    return torch.cat([x, x.new_zeros(1, x.shape[1])])[rows], mask
