"""What the kernels do with an edge's own row of channels; rows are given by address, see `lanes`."""

from typing import no_type_check

from numba import types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import WHOLE, Cell, Lanes, loop


@intrinsic
@no_type_check
def add_scaled(typing_context, out, values, weight, count):
    """`out[c] += weight * values[c]`."""

    def emit(context, builder, signature, arguments):
        out_row, value_row, scale, stop = arguments

        def body(parts, at) -> None:
            lanes = parts[0]
            lanes.grow(lanes.mul(lanes.splat(scale), lanes.load(builder.add(value_row, at))), builder.add(out_row, at))

        loop(builder, context.get_data_type(weight), stop, body)
        return context.get_dummy_value()

    return types.void(WHOLE, WHOLE, weight, WHOLE), emit


@intrinsic
@no_type_check
def dot(typing_context, a, b, count, like):
    """Sum of `a[c] * b[c]`."""

    def emit(context, builder, signature, arguments):
        a_row, b_row, stop, _ = arguments
        whole = Lanes(builder, context.get_data_type(like))
        total = Cell(whole, whole.constant(0.0))

        def body(parts, at) -> None:
            lanes = parts[0]
            total.add(lanes.mul(lanes.load(builder.add(a_row, at)), lanes.load(builder.add(b_row, at))))

        loop(builder, context.get_data_type(like), stop, body)
        return whole.sum([total.value])

    return like(WHOLE, WHOLE, WHOLE, like), emit
