"""Matrix products whose results, or their gradients, are tables: too large for a cache."""

import math
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional

from mmgraph.ops.memory import empty_table
from mmgraph.ops.product import LEAST, WORTH, dense, is_by_onednn, pieces, products

NUMBERS = 2**20
"""Numbers at once and thread, of what goes in and what comes out: they stay in the cache between products."""

ROWS = 512
"""Rows up to which oneDNN gains less than these functions cost."""

_transforms = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
_in_batches = getattr(torch._C._functorch, "is_legacy_batchedtensor", lambda _: False)


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

    The gradients of `x` and of all matrices come from the same rows in turn.
    """
    if _is_plain([x] * len(weights), weights, biases):
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
    if _is_plain(xs, weights, [bias], plus):
        total = sum(map(functional.linear, xs[1:], weights[1:]), functional.linear(xs[0], weights[0], bias))
        return total if plus is None else total + plus
    return _ManyToOne.apply(len(xs), *xs, *weights, bias, plus)


def _is_plain(
    xs: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor | None], plus: Tensor | None = None
) -> bool:
    """Whether torch's own product is as good, or the only one that knows what to do."""
    if not xs or xs[0].device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return True
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return True
    if xs[0].dtype not in (torch.float32, torch.float64) or len(xs[0]) <= _least_rows(xs[0], _shapes(weights)):
        return True
    return _is_transformed() or getattr(forward_ad, "_current_level", -1) >= 0 or not _fit(xs, weights, biases, plus)


def _is_transformed(*grads: Tensor) -> bool:
    """Whether a transform of `torch.func` is at work, or gradients come in batches (`is_grads_batched`).

    torch says so under private names only; a torch without them refuses such transforms of many rows by itself.
    """
    return _transforms() or any(map(_in_batches, grads))


def _fit(xs: Sequence[Tensor], weights: Sequence[Tensor], biases: Sequence[Tensor | None], plus: Tensor | None) -> bool:
    """Whether all operands are plain, of one dtype and of the shapes they are said to have: torch knows other ones."""
    rows, vectors = xs[0].shape[0], [bias for bias in biases if bias is not None]
    tables = [*xs, *weights] if plus is None else [*xs, *weights, plus]
    if any(operand.dtype != xs[0].dtype or not _is_ordinary(operand) for operand in (*tables, *vectors)):
        return False
    if any(table.dim() != 2 for table in tables) or any(bias.dim() != 1 for bias in vectors):
        return False
    if any(bias is not None and len(bias) != len(weight) for bias, weight in zip(biases, weights, strict=False)):
        return False
    if any(x.shape != (rows, weight.shape[1]) for x, weight in zip(xs, weights, strict=True)):
        return False
    return plus is None or plus.shape == (rows, len(weights[0]))


def _is_ordinary(operand: Tensor) -> bool:
    """Whether its numbers lie in memory, and no subclass of tensors has a say in what is done with them."""
    known = type(operand) in (Tensor, torch.nn.Parameter)
    return known and operand.layout == torch.strided and operand.device.type == "cpu"


def _shapes(weights: Sequence[Tensor]) -> list[Sequence[int]]:
    return [weight.shape for weight in weights]


def _rows_at_once(shapes: Sequence[Sequence[int]]) -> int:
    """Rows whose numbers, with those of their results, fill the cache; shapes: of the matrices."""
    return max(1, NUMBERS * torch.get_num_threads() // max(1, sum(map(sum, shapes))))


def _pieces(rows: Tensor, shapes: Sequence[Sequence[int]]) -> list[int]:
    """How many rows are taken at once, one after the other."""
    return pieces(len(rows), _rows_at_once(shapes))


def _least_rows(rows: Tensor, shapes: Sequence[Sequence[int]]) -> int:
    """Rows up to which torch's own product is as good."""
    gains = any(min(shape) >= LEAST and ROWS * math.prod(shape) >= WORTH for shape in shapes)
    return min(ROWS, _rows_at_once(shapes)) if gains and is_by_onednn(rows) else _rows_at_once(shapes)


class _OneToMany(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, count: int, *matrices: Any) -> tuple[Tensor, ...]:
        weights, biases = matrices[:count], matrices[count:]
        out = [empty_table(x, (x.shape[0], weight.shape[0])) for weight in weights]
        starts = [None if bias is None else bias.contiguous() for bias in biases]
        put, transposed = products(x).set, [dense(weight).T for weight in weights]
        sizes = _pieces(x, _shapes(weights))
        for own, *parts in zip(x.split(sizes), *(table.split(sizes) for table in out), strict=True):
            for part, start, matrix in zip(parts, starts, transposed, strict=True):
                put(part, own, matrix, start)
        return tuple(out)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, count, *matrices = inputs
        to_x, _, *wanted = ctx.needs_input_grad
        ctx.shapes = _shapes(matrices[:count])
        weights = matrices[:count] if to_x else [None] * count
        ctx.save_for_backward(x if any(wanted[:count]) else None, *weights)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        wanted, count = ctx.needs_input_grad[2:], len(ctx.shapes)
        xs = [x if to_weight else None for to_weight in wanted[:count]]
        (total, *_), to_weights, to_biases = _gradients(
            list(map(_Term, grads, ctx.shapes, xs, weights, wanted[count:])), one_x=True
        )
        return total, None, *to_weights, *to_biases


class _ManyToOne(torch.autograd.Function):
    @staticmethod
    def forward(count: int, *operands: Any) -> Tensor:
        xs, weights, (bias, plus) = operands[:count], operands[count : 2 * count], operands[2 * count :]
        out = empty_table(xs[0], (xs[0].shape[0], weights[0].shape[0]))
        by, (first, *others) = products(out), [dense(weight).T for weight in weights]
        sizes = _pieces(out, _shapes(weights))
        rows = (x.split(sizes) for x in xs)
        for part, extra, own_first, *owns in zip(out.split(sizes), _split(plus, sizes), *rows, strict=False):
            by.set(part, own_first, first, bias)
            if extra is not None:
                part += extra
            for own, matrix in zip(owns, others, strict=True):
                by.add(part, own, matrix)
        return out

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        count, *operands = inputs
        wanted = ctx.needs_input_grad[1:]
        ctx.shapes = _shapes(operands[count : 2 * count])
        needed_for = [*wanted[count : 2 * count], *wanted[:count]]  # rows for their matrices, matrices for their rows
        ctx.save_for_backward(
            *(operand if need else None for operand, need in zip(operands[:-2], needed_for, strict=True))
        )

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        count, saved, (to_bias, to_plus) = len(ctx.shapes), ctx.saved_tensors, ctx.needs_input_grad[-2:]
        biases = [to_bias, *[False] * (count - 1)]  # one bias, among the first one's gradients
        terms = list(map(_Term, repeat(grad), ctx.shapes, saved[:count], saved[count:], biases))
        to_xs, to_weights, (bias, *_) = _gradients(terms, one_x=False)
        return None, *to_xs, *to_weights, bias, grad if to_plus else None


class _Term(NamedTuple):
    """One product in a backward pass: its gradient, the matrix' shape, and what the gradients that are wanted need."""

    grad: Tensor
    shape: Sequence[int]
    x: Tensor | None  # for the matrix' gradient
    weight: Tensor | None  # for that of the rows
    to_bias: bool


def _gradients(terms: Sequence[_Term], *, one_x: bool) -> tuple[list[Tensor | None], ...]:
    """Gradients of rows (their sum, if all terms have the same rows), of matrices and of biases."""
    if torch.is_grad_enabled() or _is_transformed(*(term.grad for term in terms)):  # nothing is filled in place
        to_xs = [None if term.weight is None else term.grad @ term.weight for term in terms]
        to_weights = [None if term.x is None else term.grad.T @ term.x for term in terms]
        to_biases = [term.grad.sum(0) if term.to_bias else None for term in terms]
        one = one_x and to_xs[0] is not None
        return [sum(to_xs)] if one else to_xs, to_weights, to_biases  # type: ignore[list-item, arg-type]
    to_xs = [
        None if term.weight is None else term.grad.new_empty(term.grad.shape[0], term.shape[1])
        for term in (terms[:1] if one_x else terms)
    ]
    return to_xs, *_fill(terms, to_xs * len(terms) if one_x else to_xs, one_x=one_x)


def _fill(
    terms: Sequence[_Term], to_xs: Sequence[Tensor | None], *, one_x: bool
) -> tuple[list[Tensor | None], list[Tensor | None]]:
    """Fills the gradients of rows, the same tensor for all terms if `one_x`; gives those of matrices and biases."""
    to_weights = [None if term.x is None else _zeros(term.grad, term.shape) for term in terms]
    to_biases = [term.grad.new_zeros(term.shape[0]) if term.to_bias else None for term in terms]
    weights = [None if term.weight is None else dense(term.weight) for term in terms]
    sizes, by = _pieces(terms[0].grad, [term.shape for term in terms]), products(terms[0].grad)
    parts = [
        zip(term.grad.split(sizes), _split(term.x, sizes), _split(to_x, sizes), strict=False)
        for term, to_x in zip(terms, to_xs, strict=True)
    ]
    for at_once in zip(*parts, strict=True):
        for n, (grad, own, total) in enumerate(at_once):
            if total is not None and (weight := weights[n]) is not None:
                (by.add if one_x and n else by.set)(total, grad, weight)
            if own is not None and (to_weight := to_weights[n]) is not None:
                by.add(to_weight, grad.T, own)
            if (to_bias := to_biases[n]) is not None:
                to_bias += grad.sum(0)
    return to_weights, to_biases


def _split(table: Tensor | None, sizes: list[int]) -> Iterable[Tensor | None]:
    """Rows that are taken at once, or nothing as often as asked for."""
    return repeat(None) if table is None else table.split(sizes)


def _zeros(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Zeros, the larger size of which is the inner one in memory: products are faster then."""
    outer, inner = shape
    return like.new_zeros(inner, outer).T if outer > inner else like.new_zeros(outer, inner)
