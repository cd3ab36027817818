"""The product of rows and a matrix is torch's, forward and backward, however many rows."""

import sys

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mmgraph import ops


@pytest.fixture(autouse=True)
def a_small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["mmgraph.ops.linear"], "NUMBERS", 60)


def operands(rows: int, inner: int, outer: int, *, bias: bool, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    generator = torch.Generator().manual_seed(rows + inner)
    shapes = [(rows, inner), (outer, inner), (outer,)]
    made = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes[: None if bias else 2]]
    return [tensor.requires_grad_() for tensor in made]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inner", "outer"), [(5, 9), (9, 5), (4, 4), (0, 3), (3, 0)])
@pytest.mark.parametrize("rows", [0, 1, 7, 30, 101])
def test_it_equals_torch_forward_and_backward(rows: int, inner: int, outer: int, bias: bool) -> None:
    given = operands(rows, inner, outer, bias=bias)
    ours, torchs = ops.linear(*given), functional.linear(*given)
    weights = torch.randn(torchs.shape, dtype=torch.float64)
    assert torch.allclose(ours, torchs, rtol=1e-12, atol=1e-12)
    pairs = zip(*(torch.autograd.grad((out * weights).sum(), given) for out in (ours, torchs)), strict=True)
    assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-11) and a.shape == b.shape for a, b in pairs)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_only_the_gradients_that_are_asked_for_are_made(wanted: int) -> None:
    given = [tensor.detach() for tensor in operands(600, 3, 4, bias=True)]
    given[wanted].requires_grad_()
    ops.linear(*given).square().sum().backward()
    expected = given[wanted].detach().clone().requires_grad_()
    functional.linear(*given[:wanted], expected, *given[wanted + 1 :]).square().sum().backward()
    assert torch.allclose(given[wanted].grad, expected.grad)
    assert all(tensor.grad is None for n, tensor in enumerate(given) if n != wanted)


def test_first_and_second_derivatives() -> None:
    given = tuple(operands(20, 3, 4, bias=True))
    assert torch.autograd.gradcheck(ops.linear, given)
    assert torch.autograd.gradgradcheck(ops.linear, given)


def test_rows_and_matrices_with_gaps_are_as_good() -> None:
    x, weight = operands(600, 8, 6, bias=False)
    (ours,) = torch.autograd.grad(ops.linear(x[:, ::2], weight[::2, :4]).square().sum(), [weight])
    (torchs,) = torch.autograd.grad(functional.linear(x[:, ::2], weight[::2, :4]).square().sum(), [weight])
    assert torch.allclose(ours, torchs)


def test_half_precision_is_summed_by_torch_alone() -> None:
    x, weight = operands(3000, 4, 2, bias=False, dtype=torch.bfloat16)
    ours, torchs = (torch.autograd.grad(f(x, weight).sum(), [weight])[0] for f in (ops.linear, functional.linear))
    assert torch.equal(ours, torchs)


def test_autocast_computes_in_half_precision() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert ops.linear(*operands(600, 3, 4, bias=True, dtype=torch.float32)).dtype == torch.bfloat16


def test_a_function_transform_sees_the_same_gradient() -> None:
    x, weight = (tensor.detach() for tensor in operands(600, 3, 4, bias=False))
    ours, torchs = (
        torch.func.grad(lambda w, f=f: f(x, w).square().sum())(weight) for f in (ops.linear, functional.linear)
    )
    assert torch.allclose(ours, torchs)


def test_torch_counts_all_operations() -> None:
    with FlopCounterMode(display=False) as counter:
        ops.linear(*operands(100, 3, 4, bias=True)).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * 100 * 3 * 4
