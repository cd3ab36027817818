"""What the kernels do with one number per edge and head: logits, softmax and their gradients.

Rows of heads lie at `address + k * heads * size` for edges `start` to `end`, so a run is one row of numbers. Where
heads divide a vector, it holds several edges, and lane n belongs to head n % heads; else each edge has its own.
"""

from collections.abc import Callable
from typing import no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.exponential import exp
from mmgraph.ops.numba_kernels.lanes import INDEX, VECTOR_BYTES, WHOLE, Cell, Lanes, each, loop, size_of
from mmgraph.ops.numba_kernels.tiles import Run, bytes_of, integer_at, row_at

Combine = Callable[[ir.Value, ir.Value], ir.Value]


def _over_run(builder, element, start, end, heads, body):  # type: ignore[no-untyped-def]
    """Emits `body(walk, gather)` for all heads at once, or in turn for as many as fill a vector.

    `walk(step)` emits `step(lanes, at)` for the vectors of the run, `at` bytes behind an array's beginning; `gather`
    combines the lanes of each head in a vector that `step` filled.
    """
    wide, width = VECTOR_BYTES // size_of(element), bytes_of(builder, heads, element)
    first = builder.mul(start, width)
    divides = builder.icmp_signed("==", builder.urem(ir.Constant(INDEX, wide), heads), ir.Constant(INDEX, 0))

    def walk_flat(step: Callable[[Lanes, ir.Value], None]) -> None:
        numbers = builder.mul(builder.sub(end, start), heads)
        loop(builder, element, numbers, lambda parts, at: step(parts[0], builder.add(first, at)))

    def gather_flat(value: ir.Value, combine: Combine) -> ir.Value:
        lanes, shift = Lanes(builder, element), wide // 2
        while shift:
            other = lanes.shuffle(value, value, [n ^ shift for n in range(wide)])
            apart = builder.icmp_signed(">=", ir.Constant(INDEX, shift), heads)
            value = builder.select(apart, combine(value, other), value)
            shift //= 2
        return value

    with builder.if_else(divides) as (flat, apart):
        with flat:
            body(walk_flat, gather_flat)
        with apart:

            def some_heads(parts: list[Lanes], at: ir.Value) -> None:
                def walk(step: Callable[[Lanes, ir.Value], None]) -> None:
                    with each(builder, start, end) as k:
                        step(parts[0], builder.add(builder.mul(k, width), at))

                body(walk, lambda value, _: value)

            loop(builder, element, heads, some_heads)


@intrinsic
@no_type_check
def softmax_rows(typing_context, alpha, start, end, heads, scale):
    """Turns the logits of a run, times `scale`, into weights that sum to one per head, in place."""

    def emit(context, builder, signature, arguments):
        rows, first, stop, count, gain = arguments
        element = context.get_data_type(scale)
        whole = Lanes(builder, element)
        gains = whole.splat(gain)

        def logits_of(lanes: Lanes, row: ir.Value) -> ir.Value:
            """Minus infinity where lanes are off."""
            scaled = lanes.mul(lanes.load(row), gains)
            if lanes.mask is None:
                return scaled
            return builder.select(lanes.mask, scaled, lanes.constant(float("-inf")))

        def larger(a: ir.Value, b: ir.Value) -> ir.Value:
            return builder.select(builder.fcmp_ordered(">", b, a), b, a)

        def body(walk, gather) -> None:
            top, total = Cell(whole, whole.constant(float("-inf"))), Cell(whole, whole.constant(0.0))
            walk(lambda lanes, at: top.set(larger(top.value, logits_of(lanes, builder.add(rows, at)))))
            highest = gather(top.value, larger)

            def raise_to_power(lanes: Lanes, at: ir.Value) -> None:
                row = builder.add(rows, at)
                value = exp(lanes, builder.fsub(logits_of(lanes, row), highest))
                total.add(value)
                lanes.store(value, row)

            walk(raise_to_power)
            share = builder.fdiv(whole.constant(1.0), gather(total.value, whole.add))

            def divide(lanes: Lanes, at: ir.Value) -> None:
                row = builder.add(rows, at)
                lanes.store(lanes.mul(lanes.load(row), share), row)

            walk(divide)

        _over_run(builder, element, first, stop, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 4, scale), emit


@intrinsic
@no_type_check
def softmax_rows_backward(typing_context, alpha, grads, start, end, heads, scale):
    """Turns gradients of the weights of a run into `scale` x gradients of its logits, in place."""

    def emit(context, builder, signature, arguments):
        rows, grad_rows, first, stop, count, gain = arguments
        element = context.get_data_type(scale)
        whole = Lanes(builder, element)
        gains = whole.splat(gain)

        def body(walk, gather) -> None:
            mean = Cell(whole, whole.constant(0.0))

            def add(lanes: Lanes, at: ir.Value) -> None:
                mean.add(lanes.mul(lanes.load(builder.add(rows, at)), lanes.load(builder.add(grad_rows, at))))

            walk(add)
            expected = gather(mean.value, whole.add)

            def subtract(lanes: Lanes, at: ir.Value) -> None:
                row = builder.add(grad_rows, at)
                apart = lanes.mul(builder.fsub(lanes.load(row), expected), gains)
                lanes.store(lanes.mul(lanes.load(builder.add(rows, at)), apart), row)

            walk(subtract)

        _over_run(builder, element, first, stop, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 5, scale), emit


@intrinsic
@no_type_check
def leaky_sums(typing_context, alpha, ids, base, stride, start, end, extra, target, slope, heads):
    """Logits: `alpha_k[h] = LeakyReLU(row_k[h] + target[h] + extra_k[h])`; `extra` is 0 where edges have no logits."""

    def emit(context, builder, signature, arguments):
        rows, *ends, extras, target_row, leak, count = arguments
        element, run = context.get_data_type(slope), Run(*ends)
        width = bytes_of(builder, count, element)

        def body(lanes: Lanes, at: ir.Value) -> None:
            held, slopes = lanes.load(builder.add(target_row, at)), lanes.splat(leak)
            with run.edges(builder) as (k, neighbour):
                own = builder.add(builder.mul(k, width), at)
                z = _sum(lanes, lanes.load(builder.add(neighbour, at)), held, extras, own)
                lanes.store(lanes.if_positive(z, z, lanes.mul(z, slopes)), builder.add(rows, own))

        _over_heads(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 8, slope, WHOLE), emit


@intrinsic
@no_type_check
def leaky_sums_backward(typing_context, grads, ids, base, stride, start, end, extra, target, to_target, slope, heads):
    """Turns gradients of `leaky_sums` into those of the sums, in place, and adds them to the target's row."""

    def emit(context, builder, signature, arguments):
        rows, *ends, extras, target_row, target_grad, leak, count = arguments
        element, run = context.get_data_type(slope), Run(*ends)
        width = bytes_of(builder, count, element)

        def body(lanes: Lanes, at: ir.Value) -> None:
            held, slopes, to = lanes.load(builder.add(target_row, at)), lanes.splat(leak), builder.add(target_grad, at)
            total = Cell(lanes, lanes.load(to))
            with run.edges(builder) as (k, neighbour):
                own = builder.add(builder.mul(k, width), at)
                z = _sum(lanes, lanes.load(builder.add(neighbour, at)), held, extras, own)
                grad_row = builder.add(rows, own)
                grad = lanes.load(grad_row)
                grad = lanes.if_positive(z, grad, lanes.mul(grad, slopes))
                lanes.store(grad, grad_row)
                total.add(grad)
            lanes.store(total.value, to)

        _over_heads(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 9, slope, WHOLE), emit


@intrinsic
@no_type_check
def clear_heads(typing_context, rows, start, end, heads, like):
    """Sets rows `start` to `end` to 0, in pieces as large as those that are read next."""

    def emit(context, builder, signature, arguments):
        first_row, first, stop, count, _ = arguments
        element = context.get_data_type(like)
        width = bytes_of(builder, count, element)

        def body(lanes: Lanes, at: ir.Value) -> None:
            with each(builder, first, stop) as k:
                lanes.store(lanes.constant(0.0), builder.add(row_at(builder, first_row, k, width), at))

        _over_heads(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 4, like), emit


@intrinsic
@no_type_check
def sum_heads_at(typing_context, out, grads, start, end, edge, heads, like):
    """Sums: `out[h] += sum over k of grads[edge[k]][h]`."""

    def emit(context, builder, signature, arguments):
        out_row, rows, first, stop, edges, count, _ = arguments
        element = context.get_data_type(like)
        width = bytes_of(builder, count, element)

        def body(lanes: Lanes, at: ir.Value) -> None:
            to = builder.add(out_row, at)
            total = Cell(lanes, lanes.load(to))
            with each(builder, first, stop) as k:
                row = row_at(builder, rows, integer_at(builder, edges, k), width)
                total.add(lanes.load(builder.add(row, at)))
            lanes.store(total.value, to)

        _over_heads(builder, element, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 6, like), emit


def _over_heads(builder, element, heads, body):  # type: ignore[no-untyped-def]
    """Emits `body` for the heads of an edge; four have vectors of their own, short ones."""
    four = builder.icmp_signed("==", heads, ir.Constant(INDEX, 4))
    with builder.if_else(four) as (yes, no):
        with yes:
            body(Lanes(builder, element, count=4), ir.Constant(INDEX, 0))
        with no:
            loop(builder, element, heads, lambda parts, at: body(parts[0], at))


def _sum(lanes: Lanes, a: ir.Value, b: ir.Value, extras: ir.Value, at: ir.Value) -> ir.Value:
    """Adds the row of the edge to a + b, if there are such rows."""
    builder, total = lanes.builder, Cell(lanes, lanes.add(a, b))
    with builder.if_then(builder.icmp_signed("!=", extras, ir.Constant(INDEX, 0))):
        total.add(lanes.load(builder.add(extras, at)))
    return total.value
