"""What the kernels do with whole rows of channels; rows are given by address, see `lanes`."""

from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import Lanes, exp, loop, total

WHOLE = types.int64


@intrinsic
@no_type_check
def load(typing_context, address, like):
    """The number at an address, of the type of `like`."""

    def emit(context, builder, signature, arguments):
        element = context.get_data_type(like)
        return Lanes(builder, element, 1).load(arguments[0], ir.Constant(ir.IntType(64), 0))

    return like(WHOLE, like), emit


@intrinsic
@no_type_check
def grow(typing_context, address, value):
    """Adds a number to the one at an address."""

    def emit(context, builder, signature, arguments):
        element = context.get_data_type(value)
        Lanes(builder, element, 1).grow(arguments[1], arguments[0], ir.Constant(ir.IntType(64), 0))
        return context.get_dummy_value()

    return types.void(WHOLE, value), emit


@intrinsic
@no_type_check
def clear(typing_context, row, count, like):
    """Sets `count` numbers to 0."""

    def emit(context, builder, signature, arguments):
        def body(lanes: Lanes, i: ir.Value) -> None:
            lanes.store(lanes.constant(0.0), arguments[0], i)

        loop(builder, context.get_data_type(like), arguments[1], body)
        return context.get_dummy_value()

    return types.void(WHOLE, WHOLE, like), emit


@intrinsic
@no_type_check
def add_scaled(typing_context, out, values, weight, count):
    """`out[c] += weight * values[c]`."""

    def emit(context, builder, signature, arguments):
        out_row, value_row, scale, stop = arguments

        def body(lanes: Lanes, i: ir.Value) -> None:
            lanes.grow(lanes.mul(lanes.splat(scale), lanes.load(value_row, i)), out_row, i)

        loop(builder, context.get_data_type(weight), stop, body)
        return context.get_dummy_value()

    return types.void(WHOLE, WHOLE, weight, WHOLE), emit


@intrinsic
@no_type_check
def dot(typing_context, a, b, count, like):
    """Sum of `a[c] * b[c]`."""

    def emit(context, builder, signature, arguments):
        def term(lanes: Lanes, i: ir.Value) -> ir.Value:
            return lanes.mul(lanes.load(arguments[0], i), lanes.load(arguments[1], i))

        return total(builder, context.get_data_type(like), arguments[2], term)

    return like(WHOLE, WHOLE, WHOLE, like), emit


@intrinsic
@no_type_check
def exp_below_zero(typing_context, row, count, like):
    """Replaces `count` numbers, none above 0, by their exponentials."""

    def emit(context, builder, signature, arguments):
        def body(lanes: Lanes, i: ir.Value) -> None:
            lanes.store(exp(lanes, lanes.load(arguments[0], i)), arguments[0], i)

        loop(builder, context.get_data_type(like), arguments[1], body)
        return context.get_dummy_value()

    return types.void(WHOLE, WHOLE, like), emit


@intrinsic
@no_type_check
def leaky_logit(typing_context, values, queries, extra, vector, slope, count):
    """Sum of `vector[c] * LeakyReLU(values[c] + queries[c] + extra[c])`; `extra` is 0 where there is none."""

    def emit(context, builder, signature, arguments):
        element = context.get_data_type(slope)
        result = cgutils.alloca_once(builder, element)
        *rows, leak, stop = arguments
        with builder.if_else(builder.icmp_signed("==", rows[2], ir.Constant(rows[2].type, 0))) as (without, with_extra):
            for case, inputs in ((without, rows[:2]), (with_extra, rows[:3])):
                with case:

                    def term(lanes: Lanes, i: ir.Value, inputs: Any = inputs) -> ir.Value:
                        z = _sum(lanes, inputs, i)
                        z = lanes.if_positive(z, z, lanes.mul(z, lanes.splat(leak)))
                        return lanes.mul(lanes.load(rows[3], i), z)

                    builder.store(total(builder, element, stop, term), result)
        return builder.load(result)

    return slope(WHOLE, WHOLE, WHOLE, WHOLE, slope, WHOLE), emit


@intrinsic
@no_type_check
def leaky_target_gradients(
    typing_context, values, queries, extra, vector, to_vector, to_queries, to_extra, grad, slope, count
):
    """Gradients of one logit to the attention vector, the query row and, where there is one, the extra row."""

    def emit(context, builder, signature, arguments):
        element = context.get_data_type(slope)
        value_row, query_row, extra_row, vector_row, vector_grad, query_grad, extra_grad, scale, leak, stop = arguments
        with builder.if_else(builder.icmp_signed("==", extra_row, ir.Constant(extra_row.type, 0))) as (
            without,
            with_extra,
        ):
            for case, inputs in ((without, [value_row, query_row]), (with_extra, [value_row, query_row, extra_row])):
                with case:

                    def body(lanes: Lanes, i: ir.Value, inputs: Any = inputs) -> None:
                        z = _sum(lanes, inputs, i)
                        gain = lanes.if_positive(z, lanes.splat(scale), lanes.splat(lanes.builder.fmul(scale, leak)))
                        lanes.grow(lanes.mul(gain, z), vector_grad, i)
                        inner = lanes.mul(gain, lanes.load(vector_row, i))
                        lanes.grow(inner, query_grad, i)
                        if len(inputs) == 3:
                            lanes.store(inner, extra_grad, i)

                    loop(builder, element, stop, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 7, grad, slope, WHOLE), emit


@intrinsic
@no_type_check
def leaky_source_gradient(typing_context, values, queries, extra, vector, outer, to_values, weight, grad, slope, count):
    """Gradient of one edge to its value row: as a value, and inside its logit."""

    def emit(context, builder, signature, arguments):
        element = context.get_data_type(slope)
        value_row, query_row, extra_row, vector_row, outer_row, value_grad, alpha, scale, leak, stop = arguments
        with builder.if_else(builder.icmp_signed("==", extra_row, ir.Constant(extra_row.type, 0))) as (
            without,
            with_extra,
        ):
            for case, inputs in ((without, [value_row, query_row]), (with_extra, [value_row, query_row, extra_row])):
                with case:

                    def body(lanes: Lanes, i: ir.Value, inputs: Any = inputs) -> None:
                        z = _sum(lanes, inputs, i)
                        gain = lanes.if_positive(z, lanes.splat(scale), lanes.splat(lanes.builder.fmul(scale, leak)))
                        direct = lanes.mul(lanes.splat(alpha), lanes.load(outer_row, i))
                        inner = lanes.mul(gain, lanes.load(vector_row, i))
                        lanes.grow(lanes.add(direct, inner), value_grad, i)

                    loop(builder, element, stop, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 6, weight, grad, slope, WHOLE), emit


def _sum(lanes: Lanes, rows: Any, i: ir.Value) -> ir.Value:
    value = lanes.load(rows[0], i)
    for row in rows[1:]:
        value = lanes.add(value, lanes.load(row, i))
    return value
