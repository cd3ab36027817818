"""The largest values among the neighbours in a run of edges, and who has them; see `tiles`."""

from typing import no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import INDEX, INT, VECTOR_BYTES, WHOLE, Cell, Lanes, loop
from mmgraph.ops.numba_kernels.tiles import Run, integer_at


def _quarter(builder: ir.IRBuilder, lanes: Lanes, at: ir.Value) -> ir.Value:
    """Where int32 lie that belong to the numbers at these bytes of a row."""
    return builder.udiv(builder.mul(at, ir.Constant(INDEX, 4)), ir.Constant(INDEX, lanes.size))


@intrinsic
@no_type_check
def max_rows(typing_context, out, winners, ids, base, stride, start, end, count, like):
    """`out[c]` is the largest of `row_k[c]`, `winners[c]` (int32) the first k that has it; NaN counts as largest."""

    def emit(context, builder, signature, arguments):
        out_row, winner_row, *ends, stop, _ = arguments
        element, run = context.get_data_type(like), Run(*ends)

        def body(parts: list[Lanes], at: ir.Value) -> None:
            lanes = parts[0]
            none = ir.Constant(ir.VectorType(INT, lanes.count), [-1] * lanes.count)
            best = [Cell(part, part.constant(float("-inf"))) for part in parts]
            first = [Cell(part, none) for part in parts]
            with run.edges(builder) as (k, neighbour):
                row, number = builder.add(neighbour, at), lanes.splat(builder.trunc(k, INT))
                for n, part in enumerate(parts):
                    value, seen, held = part.load(row, n * VECTOR_BYTES), first[n].value, best[n].value
                    # an unordered comparison is true for a NaN; what is NaN already stays
                    larger = builder.fcmp_unordered(">", value, held)
                    kept = builder.fcmp_ordered("ord", held, held)
                    take = builder.or_(builder.and_(larger, kept), builder.icmp_signed("==", seen, none))
                    best[n].set(builder.select(take, value, held))
                    first[n].set(builder.select(take, number, seen))
            to, to_winner = builder.add(out_row, at), builder.add(winner_row, _quarter(builder, lanes, at))
            for n, part in enumerate(parts):
                part.store(best[n].value, to, n * VECTOR_BYTES)
                part.store(first[n].value, to_winner, n * lanes.count * 4)

        loop(builder, element, stop, body, (2, 1))
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 8, like), emit


@intrinsic
@no_type_check
def won_rows(typing_context, out, ids, base, winner_base, stride, winner_stride, start, end, edge, count, like):
    """`out[c] += row_k[c]` where the winner of channel c of row k is edge `edge[k]`."""

    def emit(context, builder, signature, arguments):
        out_row, ids_, base_, winner_base_, stride_, winner_stride_, start_, end_, edges, stop, _ = arguments
        element, run = context.get_data_type(like), Run(ids_, base_, stride_, start_, end_)

        def body(parts: list[Lanes], at: ir.Value) -> None:
            lanes, to = parts[0], builder.add(out_row, at)
            winner_at = builder.add(winner_base_, _quarter(builder, lanes, at))
            sums = [Cell(part, part.load(to, n * VECTOR_BYTES)) for n, part in enumerate(parts)]
            with run.edges(builder) as (k, neighbour):
                row = builder.add(neighbour, at)
                winners = builder.add(winner_at, builder.mul(integer_at(builder, ids_, k), winner_stride_))
                number = lanes.splat(builder.trunc(integer_at(builder, edges, k), INT))
                for n, part in enumerate(parts):
                    winner = part.load(winners, n * lanes.count * 4, element=INT)
                    won = builder.icmp_signed("==", winner, number)
                    value = part.load(row, n * VECTOR_BYTES)
                    sums[n].add(builder.select(won, value, lanes.constant(0.0)))
            for n, part in enumerate(parts):
                part.store(sums[n].value, to, n * VECTOR_BYTES)

        loop(builder, element, stop, body, (2, 1))
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 10, like), emit
