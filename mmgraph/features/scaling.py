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
        tables: read once; NaN is unknown and counts nowhere.
        columns: of each.
        taker: who learns, for messages.
        least: a smaller deviation is rounding, not a change.

    Raises:
        ValueError: if there is no row, or nothing known in a column.

    Example:
        >>> running_statistics([torch.tensor([[1.0, 7.0]]), torch.tensor([[3.0, 7.0]])], 2, "LogMel")
        ((2.0, 7.0), (1.0, 1.0))
    """
    number, mean, squares = torch.zeros(3, columns, dtype=torch.float64)
    for table in tables:
        # Chan et al. 1979: exact where a column is large and changes little, as a sum of squares is not.
        values, known = table.double(), ~table.isnan()
        count = known.sum(0)
        own = torch.where(known, values, 0).sum(0) / count.clamp(min=1)
        apart, both = own - mean, (number + count).clamp(min=1)
        squares += torch.where(known, values - own, 0).square().sum(0) + apart.square() * (number * count / both)
        mean += apart * (count / both)
        number += count
    if not bool(number.any()):
        raise ValueError(f"{taker} found nothing to learn from")
    if not bool(number.all()):
        raise ValueError(f"{taker} found nothing to learn from in column {int(number.argmin())}")
    std = (squares / number).sqrt()
    steady = std <= (1e-7 * mean.abs() + 1e-12).clamp(min=least)  # what float32 numbers are apart
    return tuple(mean.tolist()), tuple(torch.where(steady, 1.0, std).tolist())
