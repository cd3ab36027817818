"""What the kernels do with whole rows of channels; rows are given by address, see `lanes`."""

from typing import no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import Lanes, loop, total

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
