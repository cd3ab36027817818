"""`Linear`: a product of many rows with a matrix."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph import ops


class Linear(nn.Linear):
    """`torch.nn.Linear` by `ops.linear`: faster where there are many rows, as nodes of a batch are.

    Example:
        >>> import torch
        >>> Linear(3, 2)(torch.ones(5, 3)).shape
        torch.Size([5, 2])
    """

    def forward(self, x: Float[Tensor, "*rows in_channels"]) -> Float[Tensor, "*rows out_channels"]:
        """Every row times the matrix, plus the bias."""
        if x.dim() == 2:
            return ops.linear(x, self.weight, self.bias)
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        return ops.linear(rows, self.weight, self.bias).reshape(*x.shape[:-1], self.out_features)
