"""The product of rows and a matrix is torch's, forward and backward, however many rows."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
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


TRANSFORMS: dict[str, Callable[[Any, Tensor, Tensor], Any]] = {
    "vmap of matrices": lambda f, x, w: torch.func.vmap(lambda w: f(x, w))(torch.stack([w, 2 * w])),
    "vmap of rows": lambda f, x, w: torch.func.vmap(lambda x: f(x, w))(torch.stack([x, 2 * x])),
    "jvp": lambda f, x, w: torch.func.jvp(lambda w: f(x, w), (w,), (w,))[1],
    "hessian": lambda f, x, w: torch.func.hessian(lambda w: f(x, w).square().sum())(w),
    "many gradients": lambda f, x, w: torch.autograd.functional.jacobian(lambda w: f(x, w).sum(0), w, vectorize=True),
    "vmap of gradients": lambda f, x, w: many_gradients(f, x, w.clone().requires_grad_()),
    "forward": lambda f, x, w: tangent(f, x, w),
}


def many_gradients(function: Any, x: Tensor, weight: Tensor) -> Tensor:
    out = function(x, weight).sum(0)
    return torch.func.vmap(lambda grad: torch.autograd.grad(out, weight, grad, retain_graph=True)[0])(
        torch.eye(len(out), dtype=out.dtype)
    )


def tangent(function: Any, x: Tensor, weight: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(function(forward_ad.make_dual(x, 2 * x), weight)).tangent


@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_what_transforms_of_torch_make_is_the_same(transform: str) -> None:
    x, weight = (tensor.detach() for tensor in operands(600, 3, 4, bias=False))
    ours, torchs = (TRANSFORMS[transform](function, x, weight) for function in (ops.linear, functional.linear))
    assert ours.shape == torchs.shape and torch.allclose(ours, torchs)


def test_checkpoints_give_the_same_gradients() -> None:
    (x, *first), (y, *second), found = operands(600, 3, 4, bias=True), operands(600, 5, 4, bias=True), []

    def function(x: Tensor, y: Tensor) -> Tensor:
        a, b = ops.linears(x, [first[0], 2 * first[0]], [first[1], None])
        return ops.linear_sum([a, y], [torch.ones_like(a[:4]), second[0]], second[1], b)

    for out in (function(x, y), checkpoint(function, x, y, use_reentrant=False)):
        found.append(torch.autograd.grad(out.square().sum(), [x, *first, y, *second]))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_what_no_gradient_needs_may_change_after_the_product() -> None:
    x, weight, bias = operands(600, 3, 4, bias=True)
    for frozen, wanted in ((0, 1), (1, 0)):
        given = [x.detach().clone(), weight.detach().clone(), bias.detach().clone()]
        given[wanted].requires_grad_()
        for product in (ops.linear, lambda x, *rest: ops.linear_sum([x], [rest[0]], rest[1])):
            (expected,) = torch.autograd.grad(functional.linear(*given).sum(), [given[wanted]])
            out = product(*given)
            with torch.no_grad():
                given[wanted].add_(1)  # only the other one is needed for its gradient
            assert torch.allclose(torch.autograd.grad(out.sum(), [given[wanted]])[0], expected)
            out = product(*given)
            given[frozen].add_(1)
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                out.sum().backward()


@pytest.mark.unchecked  # shape checks refuse them before
def test_operands_of_other_shapes_and_types_are_torchs_affair() -> None:
    x, weight, bias = (tensor.detach() for tensor in operands(600, 3, 4, bias=True))
    product = x @ weight.T
    for plus in (bias[None], bias, torch.ones((), dtype=torch.float64)):
        assert torch.allclose(ops.linear_sum([x], [weight], None, plus), product + plus)
    whole = ops.linear_sum([x.float()], [weight.float()], None, torch.ones(600, 4, dtype=torch.float64))
    assert whole.dtype == torch.float64
    assert torch.allclose(ops.linear(x, weight, product), 2 * product)
    with pytest.raises(RuntimeError, match="dtype"):
        ops.linear(x, weight, bias.float())
    for fewer in (2, 7, 300, 599):
        with pytest.raises(RuntimeError, match="must match"):
            ops.linear_sum([x, x[:fewer]], [weight, weight])
        with pytest.raises(RuntimeError, match="must match"):
            ops.linear_sum([x], [weight], None, product[:fewer])
