"""How the weights of convs start, and matrices of relations that share a few bases."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn


def glorot_(weight: Tensor) -> None:
    """Uniform in +-sqrt(6 / (rows + columns)) of the last two axes, in place (Glorot & Bengio 2010)."""
    if weight.numel():
        bound = (6 / (weight.shape[-2] + weight.shape[-1])) ** 0.5
        nn.init.uniform_(weight, -bound, bound)


def draw_(weights: Iterable[Tensor], zeros: Iterable[Tensor] = ()) -> None:
    """Glorot for `weights`, 0 for `zeros`, in place."""
    for weight in weights:
        glorot_(weight)
    for bias in zeros:
        nn.init.zeros_(bias)


class RelationWeight(nn.Module):
    r"""One matrix per relation, each its own or a mixture of a few bases that all relations share.

    .. math:: W_r = \sum_b c_{rb} B_b

    Bases hold the parameters together where relations are many and some are rare (Schlichtkrull et al. 2018, arXiv
    1703.06103, equation 3).

    Args:
        relations: number of relations.
        in_channels: rows of a matrix.
        out_channels: columns of a matrix.
        num_bases: number of bases; None gives every relation its own matrix.

    Raises:
        ValueError: if `num_bases` is below 1.

    Example:
        >>> weight = RelationWeight(12, 8, 4, num_bases=2)
        >>> weight().shape, sum(parameter.numel() for parameter in weight.parameters())
        (torch.Size([12, 8, 4]), 88)
    """

    def __init__(self, relations: int, in_channels: int, out_channels: int, num_bases: int | None = None) -> None:
        super().__init__()
        if num_bases is not None and num_bases < 1:
            raise ValueError(f"num_bases is at least 1, or None for a matrix of every relation; got {num_bases=}")
        matrices = relations if num_bases is None else num_bases if relations else 0
        self.basis = nn.Parameter(torch.empty(matrices, in_channels, out_channels))
        self.mixture = None if num_bases is None else nn.Parameter(torch.empty(relations, matrices))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws all weights anew (Glorot, as in PyG)."""
        draw_([self.basis] if self.mixture is None else [self.basis, self.mixture])

    def forward(self) -> Float[Tensor, "relations in_channels out_channels"]:
        """The matrices."""
        return self.basis if self.mixture is None else torch.einsum("rb,bio->rio", self.mixture, self.basis)
