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


def same_with_gradients(ours: list[Tensor], torchs: list[Tensor], given: list[Tensor]) -> None:
    weights = [torch.randn(part.shape, dtype=torch.float64) for part in torchs]
    found = []
    for parts in (ours, torchs):
        total = sum((part * weight).sum() for part, weight in zip(parts, weights, strict=True))
        found.append([*parts, *torch.autograd.grad(total, given)])
    assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-11) and a.shape == b.shape for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("rows", [0, 1, 7, 101])
@pytest.mark.parametrize("sizes", [(4,), (3, 9), (5, 0, 2)])
def test_several_matrices_of_the_same_rows(rows: int, sizes: tuple[int, ...]) -> None:
    x = torch.randn(rows, 6, dtype=torch.float64, requires_grad=True)
    made = [operands(1, 6, size, bias=True)[1:] for size in sizes]
    weights, biases = [pair[0] for pair in made], [pair[1] for pair in made]
    torchs = [functional.linear(x, *pair) for pair in made]
    same_with_gradients(ops.linears(x, weights, biases), torchs, [x, *weights, *biases])
    torchs = [functional.linear(x, weight) for weight in weights]
    same_with_gradients(ops.linears(x, weights, [None] * len(sizes)), torchs, [x, *weights])


def test_a_result_that_is_not_used_has_no_part_in_the_gradient() -> None:
    x, *first = operands(300, 6, 5, bias=True)
    second = operands(1, 6, 3, bias=True)[1:]
    ours, _ = ops.linears(x, *zip(first, second, strict=True))
    ours.square().sum().backward()
    (expected,) = torch.autograd.grad(functional.linear(x, *first).square().sum(), [x])
    assert torch.allclose(x.grad, expected) and not second[0].grad.any()


@pytest.mark.parametrize("rows", [0, 1, 7, 101])
@pytest.mark.parametrize("sizes", [(4,), (3, 9), (5, 0, 2)])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("with_more", [True, False])
def test_the_sum_of_several_products(rows: int, sizes: tuple[int, ...], with_bias: bool, with_more: bool) -> None:
    made = [operands(rows, size, 6, bias=True) for size in sizes]
    xs, weights = [part[0] for part in made], [part[1] for part in made]
    bias = made[0][2] if with_bias else None
    more = torch.randn(rows, 6, dtype=torch.float64, requires_grad=True) if with_more else None
    torchs = sum(x @ weight.T for x, weight in zip(xs, weights, strict=True))
    extra = [part for part in (bias, more) if part is not None]
    torchs = sum(extra, torchs)
    same_with_gradients([ops.linear_sum(xs, weights, bias, more)], [torchs], [*xs, *weights, *extra])


def test_derivatives_of_several_products() -> None:
    (x, *first), second = operands(20, 3, 4, bias=True), operands(20, 5, 4, bias=True)
    third = operands(1, 3, 2, bias=True)[1:]

    def many(x: Tensor, *matrices: Tensor) -> tuple[Tensor, ...]:
        return tuple(ops.linears(x, matrices[::2], matrices[1::2]))

    def one(a: Tensor, b: Tensor, *rest: Tensor) -> Tensor:
        return ops.linear_sum([a, b], rest[:2], *rest[2:])

    more = torch.randn(20, 4, dtype=torch.float64, requires_grad=True)
    for function, given in (
        (many, (x, *first, *third)),
        (one, (x, second[0], first[0], second[1], first[1], more)),
    ):
        assert torch.autograd.gradcheck(function, given)
        assert torch.autograd.gradgradcheck(function, given)


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
