"""Matrix products whose results, or their gradients, are tables: too large for a cache."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mmgraph.ops.memory import empty_table

NUMBERS = 2**19
"""Numbers at once and thread, of what goes in and what comes out: they stay in the cache between products."""


def linear(
    x: Float[Tensor, "rows in_channels"],
    weight: Float[Tensor, "out_channels in_channels"],
    bias: Float[Tensor, " out_channels"] | None = None,
) -> Float[Tensor, "rows out_channels"]:
    """The same as `torch.nn.functional.linear`, but for rounding; on a CPU, faster where there are many rows.

    Example:
        >>> linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([10.0, 20.0])).tolist()
        [[13.0, 27.0]]
    """
    return linears(x, [weight], [bias])[0]


def linears(
    x: Float[Tensor, "rows in_channels"],
    weights: Sequence[Float[Tensor, "_ in_channels"]],
    biases: Sequence[Float[Tensor, " _"] | None],
) -> list[Float[Tensor, "rows _"]]:
    """`linear` of the same rows with each of several matrices.

    Each result is set before the product is added to it, so that the product writes to the cache instead of far away.
    The gradients of `x` and of all matrices come from the same rows in turn.
    """
    if _is_plain(x, weights):
        return [functional.linear(x, weight, bias) for weight, bias in zip(weights, biases, strict=True)]
    return list(_OneToMany.apply(x, len(weights), *weights, *biases))


def linear_sum(
    xs: Sequence[Float[Tensor, "rows _"]],
    weights: Sequence[Float[Tensor, "out_channels _"]],
    bias: Float[Tensor, " out_channels"] | None = None,
    plus: Float[Tensor, "rows out_channels"] | None = None,
) -> Float[Tensor, "rows out_channels"]:
    """The sum of `linear` of each of several kinds of rows with its own matrix, and of `plus`.

    Example:
        >>> linear_sum([torch.ones(1, 2), torch.ones(1, 1)], [torch.ones(1, 2), torch.tensor([[5.0]])]).tolist()
        [[7.0]]
    """
    if _is_plain(xs[0], weights):
        total = sum(map(functional.linear, xs[1:], weights[1:]), functional.linear(xs[0], weights[0], bias))
        return total if plus is None else total + plus
    return _ManyToOne.apply(len(xs), *xs, *weights, bias, plus)


def _is_plain(x: Tensor, weights: Sequence[Tensor]) -> bool:
    """Whether torch's own product is as good: on a GPU, compiled, in half precision, or with few rows."""
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or torch.compiler.is_compiling():
        return True
    return x.shape[0] <= _rows_at_once(weights) or x.dtype not in (torch.float32, torch.float64)


def _rows_at_once(weights: Sequence[Tensor]) -> int:
    """Rows whose numbers, with those of their results, fill the cache."""
    return max(1, NUMBERS * torch.get_num_threads() // max(1, sum(sum(weight.shape) for weight in weights)))


class _OneToMany(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, count: int, *matrices: Any) -> tuple[Tensor, ...]:
        weights, biases = matrices[:count], matrices[count:]
        out = [empty_table(x, (x.shape[0], weight.shape[0])) for weight in weights]
        starts = [None if bias is None else bias.contiguous() for bias in biases]
        rows, transposed = _rows_at_once(weights), [weight.T for weight in weights]
        for own, *parts in zip(x.split(rows), *(table.split(rows) for table in out), strict=True):
            for part, start, matrix in zip(parts, starts, transposed, strict=True):
                _grow(_set(part, start), own, matrix)
        return tuple(out)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, ctx.count, *matrices = inputs
        ctx.save_for_backward(x, *matrices[: ctx.count])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        to_x, _, *wanted = ctx.needs_input_grad
        terms = [
            _Term(x, weight, grad, to_x, *pair)
            for weight, grad, *pair in zip(weights, grads, wanted[: ctx.count], wanted[ctx.count :], strict=True)
        ]
        (total, *_), to_weights, to_biases = _gradients(terms, one_x=True)
        return total, None, *to_weights, *to_biases


class _ManyToOne(torch.autograd.Function):
    @staticmethod
    def forward(count: int, *operands: Any) -> Tensor:
        xs, weights, (bias, plus) = operands[:count], operands[count : 2 * count], operands[2 * count :]
        out = empty_table(xs[0], (xs[0].shape[0], weights[0].shape[0]))
        rows, transposed = _rows_at_once(weights), [weight.T for weight in weights]
        more = repeat(None) if plus is None else plus.split(rows)
        for part, extra, *owns in zip(out.split(rows), more, *(x.split(rows) for x in xs), strict=False):
            _set(part, bias)
            if extra is not None:
                part += extra
            for own, matrix in zip(owns, transposed, strict=True):
                _grow(part, own, matrix)
        return out

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:-2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        count, wanted = len(ctx.saved_tensors) // 2, ctx.needs_input_grad[1:]
        xs, weights = ctx.saved_tensors[:count], ctx.saved_tensors[count:]
        biases = [wanted[-2], *[False] * (count - 1)]  # one bias, among the first one's gradients
        terms = [
            _Term(x, weight, grad, *which)
            for x, weight, *which in zip(xs, weights, wanted[:count], wanted[count:-2], biases, strict=True)
        ]
        to_xs, to_weights, (to_bias, *_) = _gradients(terms, one_x=False)
        return None, *to_xs, *to_weights, to_bias, grad if wanted[-1] else None


class _Term(NamedTuple):
    """One product in a backward pass, and which of its gradients are wanted."""

    x: Tensor
    weight: Tensor
    grad: Tensor
    to_x: bool
    to_weight: bool
    to_bias: bool


def _gradients(terms: Sequence[_Term], *, one_x: bool) -> tuple[list[Tensor | None], ...]:
    """Gradients of rows (their sum, if all terms have the same rows), of matrices and of biases."""
    if torch.is_grad_enabled():  # a gradient of these gradients will be asked for
        to_xs = [term.grad @ term.weight if term.to_x else None for term in terms]
        to_weights = [term.grad.T @ term.x if term.to_weight else None for term in terms]
        to_biases = [term.grad.sum(0) if term.to_bias else None for term in terms]
        return [sum(to_xs)] if one_x and terms[0].to_x else to_xs, to_weights, to_biases  # type: ignore[list-item, arg-type]
    to_xs = [torch.empty_like(term.x) if term.to_x else None for term in (terms[:1] if one_x else terms)]
    return to_xs, *_fill(terms, to_xs * len(terms) if one_x else to_xs, one_x=one_x)


def _fill(
    terms: Sequence[_Term], to_xs: Sequence[Tensor | None], *, one_x: bool
) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """Fills the gradients of rows, the same tensor for all terms if `one_x`; gives those of matrices and biases."""
    to_weights = [_zeros_like(term.weight) if term.to_weight else None for term in terms]
    to_biases = [term.grad.new_zeros(term.grad.shape[1]) if term.to_bias else None for term in terms]
    rows = _rows_at_once([term.weight for term in terms])
    parts = [
        zip(term.x.split(rows), term.grad.split(rows), repeat(None) if to_x is None else to_x.split(rows), strict=False)
        for term, to_x in zip(terms, to_xs, strict=True)
    ]
    for at_once in zip(*parts, strict=True):
        for n, (own, grad, total) in enumerate(at_once):
            if total is not None:
                _grow(total if one_x and n else total.zero_(), grad, terms[n].weight)
            if (to_weight := to_weights[n]) is not None:
                _grow(to_weight, grad.T, own)
            if (to_bias := to_biases[n]) is not None:
                to_bias += grad.sum(0)
    return to_weights, to_biases


def _zeros_like(weight: Tensor) -> Tensor:
    """Zeros, the larger size of which is the inner one in memory: products are faster then."""
    outer, inner = weight.shape
    return weight.new_zeros(inner, outer).T if outer > inner else weight.new_zeros(outer, inner)


def _set(total: Tensor, start: Tensor | None) -> Tensor:
    """Sets all rows to a bias, or to 0."""
    return total.zero_() if start is None else total.copy_(start.expand_as(total))


def _grow(total: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Adds a product to a matrix in place; torch's counter of operations knows this form, not that of `addmm_`."""
    return torch.addmm(total, a, b, out=total)
