"""Pooled modalities fused into one vector: what is absent has no part in it."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from mmgraph.graph import GraphSchema
from mmgraph.nn import AttendModalities, ConcatModalities, MeanModalities

SCHEMA = GraphSchema({"a": 1, "b": 1, "c": 1})
KINDS: list[Any] = [AttendModalities, ConcatModalities, MeanModalities]
HERE = torch.tensor([[True, True, True], [True, False, True], [False, False, True], [False, False, False]])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_absent_does_not_matter(kind: Any) -> None:
    fuse, pooled = kind(SCHEMA, 4), torch.randn(4, 3, 4)
    out = fuse(pooled, HERE)
    assert out.shape == (4, fuse.out_channels) and out.isfinite().all()
    assert torch.equal(fuse(torch.where(HERE.unsqueeze(2), pooled, 9.0), HERE), out)


@pytest.mark.parametrize("kind", [AttendModalities, ConcatModalities])
def test_every_parameter_is_reached_by_a_gradient(kind: Any) -> None:
    fuse = kind(SCHEMA, 4)
    fuse(torch.randn(4, 3, 4), HERE).sin().sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) and bool(p.grad.isfinite().all()) for p in fuse.parameters())


def test_the_mean_is_over_what_is_there(assert_agree: Callable[..., None]) -> None:
    pooled = torch.randn(4, 3, 4)
    expected = [pooled[0].mean(0), (pooled[1, 0] + pooled[1, 2]) / 2, pooled[2, 2], torch.zeros(4)]
    assert_agree(MeanModalities(SCHEMA, 4)(pooled, HERE), torch.stack(expected))


def test_attention_by_hand() -> None:
    fuse = AttendModalities(GraphSchema({"a": 1, "b": 1}), 1)
    with torch.no_grad():
        fuse.weight.copy_(torch.tensor([[[1.0]], [[2.0]]]))
        fuse.bias.copy_(torch.tensor([[0.0], [1.0]]))
        fuse.logit.weight.fill_(3.0)
    one, two = math.exp(3 * math.tanh(1)), math.exp(3 * math.tanh(2 * 0.5 + 1))
    out = fuse(torch.tensor([[[1.0], [0.5]]]), torch.tensor([[True, True]]))
    assert out.item() == pytest.approx((one + 0.5 * two) / (one + two))


def test_a_learned_vector_stands_in_for_what_is_absent() -> None:
    fuse = ConcatModalities(SCHEMA, 2)
    with torch.no_grad():
        fuse.absent.copy_(torch.arange(6.0).view(3, 2))
    out = fuse(torch.full((4, 3, 2), 9.0), HERE)
    assert out.tolist()[1] == [9, 9, 2, 3, 9, 9] and out.tolist()[3] == [0, 1, 2, 3, 4, 5]
