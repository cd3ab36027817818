"""Sums and softmax over contiguous segments, empty ones among them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.ops import segment_softmax, segment_sum

counts_of_segments = st.lists(st.integers(0, 4), min_size=1, max_size=6)


def ptr_of(counts: list[int]) -> torch.Tensor:
    return torch.tensor([0, *counts]).cumsum(0)


@given(counts=counts_of_segments)
def test_they_equal_a_loop_over_segments(counts: list[int]) -> None:
    x = torch.randn(sum(counts), 3, dtype=torch.float64)
    parts = x.split(counts)
    assert torch.allclose(segment_sum(x, ptr_of(counts)), torch.stack([part.sum(0) for part in parts]), atol=1e-14)
    assert torch.allclose(segment_softmax(x, ptr_of(counts)), torch.cat([part.softmax(0) for part in parts]))


def test_gradients_are_those_of_finite_differences() -> None:
    x, ptr = torch.randn(5, 2, dtype=torch.float64, requires_grad=True), ptr_of([2, 0, 3])
    assert torch.autograd.gradcheck(lambda x: segment_sum(x, ptr), x)
    assert torch.autograd.gradcheck(lambda x: segment_softmax(x, ptr), x)


def test_large_logits_do_not_overflow() -> None:
    assert segment_softmax(torch.tensor([[1000.0], [1000.0], [-1000.0]]), ptr_of([3])).flatten().tolist() == [
        0.5,
        0.5,
        0,
    ]


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_nan_and_infinity_stay_visible_in_their_segment(number: float) -> None:
    x = torch.tensor([[0.0], [number], [1.0], [2.0]])
    assert segment_softmax(x, ptr_of([2, 2])).isnan().flatten().tolist() == [True, True, False, False]
    assert segment_sum(x, ptr_of([2, 2])).isfinite().flatten().tolist() == [False, True]
