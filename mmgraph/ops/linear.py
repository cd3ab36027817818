"""Matrix products whose results, or their gradients, are tables: too large for a cache."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

NUMBERS = 2**18
"""Numbers at once and thread, of `x` and of the result: they stay in the cache from one product to the next."""


def linear(
    x: Float[Tensor, "rows in_channels"],
    weight: Float[Tensor, "out_channels in_channels"],
    bias: Float[Tensor, " out_channels"] | None = None,
) -> Float[Tensor, "rows out_channels"]:
    """The same as `torch.nn.functional.linear`, but for rounding; on a CPU, faster where there are many rows.

    The result is set before the product is added to it, so that the product writes to the cache instead of far away.
    The gradients of `x`, `weight` and `bias` come from the same rows of the result's gradient in turn.

    Example:
        >>> linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([10.0, 20.0])).tolist()
        [[13.0, 27.0]]
    """
    plain = x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling()
    if plain or x.shape[0] <= _rows_at_once(weight) or x.dtype not in (torch.float32, torch.float64):
        return functional.linear(x, weight, bias)
    return _Linear.apply(x, weight, bias)


def _rows_at_once(weight: Tensor) -> int:
    """Rows whose numbers, with those of their results, fill the cache."""
    return max(1, NUMBERS * torch.get_num_threads() // max(1, sum(weight.shape)))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if bias is not None:
            return torch.addmm(bias, x, weight.T)
        return _grow(x.new_zeros(x.shape[0], weight.shape[0]), x, weight.T)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), needed = ctx.saved_tensors, ctx.needs_input_grad
        if torch.is_grad_enabled():  # a gradient of this gradient will be asked for
            parts = (lambda: grad @ weight, lambda: grad.T @ x, lambda: grad.sum(0))
            return tuple(part() if need else None for part, need in zip(parts, needed, strict=True))
        return _gradients(x, weight, grad, needed)


def _gradients(x: Tensor, weight: Tensor, grad: Tensor, needed: tuple[bool, ...]) -> tuple[Tensor | None, ...]:
    to_x = torch.empty_like(x) if needed[0] else None
    wide = grad.shape[1] > x.shape[1]  # the larger size last
    to_weight = x.new_zeros((x.shape[1], grad.shape[1]) if wide else weight.shape) if needed[1] else None
    to_bias = grad.new_zeros(grad.shape[1]) if needed[2] else None
    rows = _rows_at_once(weight)
    for start in range(0, x.shape[0], rows):
        own, part = x[start : start + rows], grad[start : start + rows]
        if to_x is not None:
            _grow(to_x[start : start + rows].zero_(), part, weight)
        if to_weight is not None:
            _grow(to_weight, *((own.T, part) if wide else (part.T, own)))
        if to_bias is not None:
            to_bias += part.sum(0)
    return to_x, to_weight.T if wide and to_weight is not None else to_weight, to_bias


def _grow(total: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Adds a product to a matrix in place; torch's counter of operations knows this form, not that of `addmm_`."""
    return torch.addmm(total, a, b, out=total)
