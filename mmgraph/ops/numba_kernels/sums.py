"""Weighted sums over the neighbours in a run of edges, and products of their rows with one row; see `tiles`."""

from typing import no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import INDEX, WHOLE, Cell
from mmgraph.ops.numba_kernels.tiles import Run, Tile, bytes_of, integer_at, over_heads, row_at

TOGETHER = ((1, 4), (2, 4), (8, 1), (4, 1))
"""Heads of one or two vectors by fours, and single heads of eight or four vectors: no loop over parts of a row."""


def _emit_sums(builder, element, out, run, weight_row, channels, heads, *, add=True):  # type: ignore[no-untyped-def]
    def body(tile: Tile) -> None:
        row = tile.of(out)
        start = tile.load(row) if add else [lanes.constant(0.0) for lanes in tile.parts]
        totals = [Cell(lanes, value) for lanes, value in zip(tile.parts, start, strict=True)]
        with run.edges(builder) as (k, neighbour):
            weights = tile.numbers(weight_row(k))
            for n, value in enumerate(tile.load(tile.of(neighbour))):
                totals[n].add(tile.lanes.mul(weights[tile.head_of(n)], value))
        tile.store([total.value for total in totals], row)

    over_heads(builder, element, channels, heads, body, together=TOGETHER, sizes=(8, 4, 1))


@intrinsic
@no_type_check
def sum_rows(typing_context, out, ids, base, stride, start, end, weights, channels, heads, like):
    """`out[h, c] += sum over k of weights_k[h] * row_k[h, c]`."""

    def emit(context, builder, signature, arguments):
        out_row, *ends, weight, per_head, count, _ = arguments
        element = context.get_data_type(like)
        width = bytes_of(builder, count, element)

        def weight_row(k: ir.Value) -> ir.Value:
            return row_at(builder, weight, k, width)

        _emit_sums(builder, element, out_row, Run(*ends), weight_row, per_head, count)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 9, like), emit


@intrinsic
@no_type_check
def fill_rows(typing_context, out, ids, base, stride, start, end, weights, channels, like):
    """`out[c] = sum over k of weights_k * row_k[c]`, whatever `out` held before."""

    def emit(context, builder, signature, arguments):
        out_row, *ends, weight, count, _ = arguments
        element, one = context.get_data_type(like), ir.Constant(INDEX, 1)

        def weight_row(k: ir.Value) -> ir.Value:
            return row_at(builder, weight, k, bytes_of(builder, one, element))

        _emit_sums(builder, element, out_row, Run(*ends), weight_row, count, one, add=False)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 8, like), emit


@intrinsic
@no_type_check
def sum_rows_at(typing_context, out, ids, base, stride, start, end, edge, weights, channels, heads, like):
    """The same with the weights of edge `edge[k]`."""

    def emit(context, builder, signature, arguments):
        out_row, *ends, edges, weight, per_head, count, _ = arguments
        element = context.get_data_type(like)
        width = bytes_of(builder, count, element)

        def weight_row(k: ir.Value) -> ir.Value:
            return row_at(builder, weight, integer_at(builder, edges, k), width)

        _emit_sums(builder, element, out_row, Run(*ends), weight_row, per_head, count)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 10, like), emit


@intrinsic
@no_type_check
def dot_rows(typing_context, result, ids, base, stride, start, end, vector, channels, heads, like):
    """`result_k[h] += sum over c of vector[h, c] * row_k[h, c]`."""

    def emit(context, builder, signature, arguments):
        results, *ends, vector_row, per_head, count, _ = arguments
        element, run = context.get_data_type(like), Run(*ends)
        width = bytes_of(builder, count, element)

        def body(tile: Tile) -> None:
            held = tile.load(tile.of(vector_row))
            with run.edges(builder) as (k, neighbour):
                values = tile.load(tile.of(neighbour))
                terms = [tile.lanes.mul(a, b) for a, b in zip(held, values, strict=True)]
                tile.grow_sums(terms, row_at(builder, results, k, width))

        over_heads(builder, element, per_head, count, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 9, like), emit
