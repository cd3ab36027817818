"""Mean and deviation of features, for front ends that bring them to one scale."""

import math
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def check_statistics(mean: Sequence[float], std: Sequence[float], width: int) -> None:
    """Raises ValueError unless there is a finite mean and a positive deviation for each column, or none at all.

    Example:
        >>> check_statistics((0.0, 1.0), (1.0, 2.0), 2)
    """
    for name, values, least in (("mean", mean, -math.inf), ("std", std, 0)):
        if len(values) not in (0, width) or not all(least < value < math.inf for value in values):
            raise ValueError(f"{name} has {len(values)} values: give {width} finite ones, std above 0, or use fit")
    if len(mean) != len(std):
        raise ValueError(f"{len(mean)} values of mean and {len(std)} of std: give both or none")


def running_statistics(
    tables: Iterable[Float[Tensor, "_ columns"]], columns: int, taker: str, *, least: float = 0.0
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each column over all rows; a column that never changes gets 1, not 0.

    Args:
        tables: read once.
        columns: of each.
        taker: who learns, for messages.
        least: a smaller deviation is rounding, not a change.

    Raises:
        ValueError: if there is no row.

    Example:
        >>> running_statistics([torch.tensor([[1.0, 7.0]]), torch.tensor([[3.0, 7.0]])], 2, "LogMel")
        ((2.0, 7.0), (1.0, 1.0))
    """
    number, mean, squares = 0, torch.zeros(columns).double(), torch.zeros(columns).double()
    for table in tables:
        if not len(table):
            continue
        # Chan et al. 1979: exact where a column is large and changes little, as a sum of squares is not.
        values, count = table.double(), len(table)
        own = values.mean(0)
        apart = own - mean
        squares += (values - own).square().sum(0) + apart.square() * (number * count / (number + count))
        mean += apart * (count / (number + count))
        number += count
    if not number:
        raise ValueError(f"{taker} found nothing to learn from")
    std = (squares / number).sqrt()
    steady = std <= (1e-7 * mean.abs() + 1e-12).clamp(min=least)  # what float32 numbers are apart
    return tuple(mean.tolist()), tuple(torch.where(steady, 1.0, std).tolist())
