"""Mean and deviation of features."""

import pytest
import torch

from mmgraph.features.scaling import check_statistics, running_statistics


def test_parts_give_what_the_whole_gives() -> None:
    table = torch.randn(50, 3) * torch.tensor([1.0, 1e-3, 50.0]) + torch.tensor([0.0, 1000.0, -7.0])
    mean, std = running_statistics(table.split([7, 0, 1, 42]), 3, "X")
    assert torch.allclose(torch.tensor(mean).double(), table.double().mean(0))
    assert torch.allclose(torch.tensor(std).double(), table.double().std(0, correction=0), rtol=1e-3)


def test_a_column_that_never_changes_is_not_divided_by_zero() -> None:
    assert running_statistics([torch.full((5, 2), 3e5)], 2, "X")[1] == (1, 1)


def test_what_is_unknown_counts_nowhere() -> None:
    table = torch.randn(60, 2) * 3 + 1
    table[torch.rand(60, 2) < 0.5] = torch.nan
    table[:9, 1] = torch.nan  # a part with a column of which nothing is known
    mean, std = running_statistics(table.split([9, 30, 21]), 2, "X")
    for column in range(2):
        known = table[:, column][~table[:, column].isnan()].double()
        assert (mean[column], std[column]) == pytest.approx((float(known.mean()), float(known.std(correction=0))))


def test_no_row_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="LogMel found nothing to learn from"):
        running_statistics([torch.zeros(0, 2)], 2, "LogMel")
    with pytest.raises(ValueError, match="LogMel found nothing to learn from in column 1"):
        running_statistics([torch.tensor([[1.0, torch.nan]])], 2, "LogMel")


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0.0,), (1.0,), "mean has 1 values: give 2 finite ones"),
        ((0.0, 0.0), (1.0, 0.0), "std has 2 values: give 2 finite ones, std above 0"),
        ((0.0, 0.0), (), "2 values of mean and 0 of std: give both or none"),
    ],
)
def test_statistics_are_one_per_column_or_none(mean: tuple[float, ...], std: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_statistics(mean, std, 2)
