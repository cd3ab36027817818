"""What the kernels do with one number per edge and head: logits, softmax and their gradients.

Rows of heads lie at `address + k * heads * size` for edges `start` to `end`; all heads of an edge are handled at once.
"""

from collections.abc import Callable
from typing import no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import INDEX, VECTOR_BYTES, Cell, Lanes, exp, size_of
from mmgraph.ops.numba_kernels.runs import Run, edge_at

WHOLE = types.int64


def _pieces(builder: ir.IRBuilder, element: ir.Type, stop: ir.Value, body: Callable[[Lanes, ir.Value], None]) -> None:
    """Emits `body` for positions 0 .. stop in vectors of falling width: few heads fill a narrow one."""
    wide, done = VECTOR_BYTES // size_of(element), ir.Constant(INDEX, 0)
    while wide:
        end = builder.and_(stop, ir.Constant(INDEX, -wide))
        with cgutils.for_range_slice(builder, done, end, ir.Constant(INDEX, wide)) as (i, _):
            body(Lanes(builder, element, wide), i)
        done, wide = end, wide // 2


def _row(builder: ir.IRBuilder, address: ir.Value, k: ir.Value, heads: ir.Value, element: ir.Type) -> ir.Value:
    width = builder.mul(heads, ir.Constant(INDEX, size_of(element)))
    return builder.add(address, builder.mul(k, width))


def _each(builder, start, end):  # type: ignore[no-untyped-def]
    return cgutils.for_range_slice(builder, start, end, ir.Constant(INDEX, 1))


@intrinsic
@no_type_check
def softmax_rows(typing_context, alpha, start, end, heads, like):
    """Turns the logits of a run into weights that sum to one per head, in place."""

    def emit(context, builder, signature, arguments):
        rows, first, stop, count, _ = arguments
        element = context.get_data_type(like)

        def body(lanes: Lanes, i: ir.Value) -> None:
            top = Cell(lanes, lanes.load(_row(builder, rows, first, count, element), i))
            with _each(builder, builder.add(first, ir.Constant(INDEX, 1)), stop) as (k, _):
                value = lanes.load(_row(builder, rows, k, count, element), i)
                larger = builder.fcmp_ordered(">", value, top.value)
                builder.store(builder.select(larger, value, top.value), top.place)
            highest, total = top.value, Cell(lanes, lanes.constant(0.0))
            with _each(builder, first, stop) as (k, _):
                row = _row(builder, rows, k, count, element)
                value = exp(lanes, builder.fsub(lanes.load(row, i), highest))
                total.add(value)
                lanes.store(value, row, i)
            share = builder.fdiv(lanes.constant(1.0), total.value)
            with _each(builder, first, stop) as (k, _):
                row = _row(builder, rows, k, count, element)
                lanes.store(lanes.mul(lanes.load(row, i), share), row, i)

        _pieces(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 4, like), emit


@intrinsic
@no_type_check
def softmax_rows_backward(typing_context, alpha, grads, start, end, heads, like):
    """Turns gradients of the weights of a run into gradients of its logits, in place."""

    def emit(context, builder, signature, arguments):
        rows, grad_rows, first, stop, count, _ = arguments
        element = context.get_data_type(like)

        def body(lanes: Lanes, i: ir.Value) -> None:
            mean = Cell(lanes, lanes.constant(0.0))
            with _each(builder, first, stop) as (k, _):
                weight = lanes.load(_row(builder, rows, k, count, element), i)
                mean.add(lanes.mul(weight, lanes.load(_row(builder, grad_rows, k, count, element), i)))
            expected = mean.value
            with _each(builder, first, stop) as (k, _):
                weight = lanes.load(_row(builder, rows, k, count, element), i)
                row = _row(builder, grad_rows, k, count, element)
                lanes.store(lanes.mul(weight, builder.fsub(lanes.load(row, i), expected)), row, i)

        _pieces(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 5, like), emit


@intrinsic
@no_type_check
def leaky_sums(typing_context, alpha, ids, base, stride, start, end, extra, target, slope, heads):
    """Logits: `alpha_k[h] = LeakyReLU(row_k[h] + target[h] + extra_k[h])`; `extra` is 0 where edges have no logits."""

    def emit(context, builder, signature, arguments):
        rows, *ends, extras, target_row, leak, count = arguments
        element, run = context.get_data_type(slope), Run(*ends)

        def body(lanes: Lanes, i: ir.Value) -> None:
            held = lanes.load(target_row, i)
            with run.edges(builder) as (k, row):
                z = _sum(lanes, lanes.load(row, i), held, extras, _row(builder, extras, k, count, element), i)
                leaky = lanes.if_positive(z, z, lanes.mul(z, lanes.splat(leak)))
                lanes.store(leaky, _row(builder, rows, k, count, element), i)

        _pieces(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 8, slope, WHOLE), emit


@intrinsic
@no_type_check
def leaky_sums_backward(typing_context, grads, ids, base, stride, start, end, extra, target, to_target, slope, heads):
    """Turns gradients of `leaky_sums` into those of the sums, in place, and adds them to the target's row."""

    def emit(context, builder, signature, arguments):
        rows, *ends, extras, target_row, target_grad, leak, count = arguments
        element, run = context.get_data_type(slope), Run(*ends)

        def body(lanes: Lanes, i: ir.Value) -> None:
            held, total = lanes.load(target_row, i), Cell(lanes, lanes.load(target_grad, i))
            with run.edges(builder) as (k, row):
                z = _sum(lanes, lanes.load(row, i), held, extras, _row(builder, extras, k, count, element), i)
                grad_row = _row(builder, rows, k, count, element)
                grad = lanes.load(grad_row, i)
                grad = lanes.if_positive(z, grad, lanes.mul(grad, lanes.splat(leak)))
                lanes.store(grad, grad_row, i)
                total.add(grad)
            lanes.store(total.value, target_grad, i)

        _pieces(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 9, slope, WHOLE), emit


@intrinsic
@no_type_check
def sum_heads_at(typing_context, out, grads, start, end, edge, heads, like):
    """Sums: `out[h] += sum over k of grads[edge[k]][h]`."""

    def emit(context, builder, signature, arguments):
        out_row, rows, first, stop, edges, count, _ = arguments
        element = context.get_data_type(like)

        def body(lanes: Lanes, i: ir.Value) -> None:
            total = Cell(lanes, lanes.load(out_row, i))
            with _each(builder, first, stop) as (k, _):
                total.add(lanes.load(_row(builder, rows, edge_at(builder, edges, k), count, element), i))
            lanes.store(total.value, out_row, i)

        _pieces(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 6, like), emit


def _sum(lanes: Lanes, a: ir.Value, b: ir.Value, extras: ir.Value, extra_row: ir.Value, i: ir.Value) -> ir.Value:
    """Adds the row of the edge to a + b, if there are such rows."""
    builder, total = lanes.builder, Cell(lanes, lanes.add(a, b))
    with builder.if_then(builder.icmp_signed("!=", extras, ir.Constant(INDEX, 0))):
        total.add(lanes.load(extra_row, i))
    return total.value
