"""Ragged nodes as dense arrays."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.nn import pad


@given(counts=st.lists(st.integers(0, 4), min_size=1, max_size=5), length=st.integers(0, 5))
def test_each_graph_has_its_first_nodes_then_zeros(counts: list[int], length: int) -> None:
    x = torch.randn(sum(counts), 2)
    dense, mask = pad(x, torch.tensor([0, *counts]).cumsum(0), length)
    assert dense.shape == (len(counts), length, 2) and mask.shape == (len(counts), length)
    for g, part in enumerate(x.split(counts)):
        kept = part[:length]
        assert torch.equal(dense[g, : len(kept)], kept) and not dense[g, len(kept) :].any()
        assert mask[g].tolist() == [place < len(kept) for place in range(length)]


def test_gradients_reach_the_nodes_that_are_kept() -> None:
    x = torch.ones(3, 1, requires_grad=True)
    pad(x, torch.tensor([0, 3]), 2)[0].sum().backward()
    assert x.grad is not None and x.grad.flatten().tolist() == [1, 1, 0]
