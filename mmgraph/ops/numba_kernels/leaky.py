"""Sums of rows inside a LeakyReLU, along a run of edges: GATv2's logits and their gradients; see `tiles`."""

from collections.abc import Callable
from typing import no_type_check

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import INDEX, VECTOR_BYTES, WHOLE, Cell
from mmgraph.ops.numba_kernels.tiles import Run, Tile, bytes_of, integer_at, over_heads, row_at

FEW = ((1, 4), (2, 2))
"""Heads at once where a tile holds four vectors per channel: as many as registers take."""


@intrinsic
@no_type_check
def leaky_rows(typing_context, result, ids, base, stride, start, end, extra, queries, vector, slope, channels, heads):
    """`result_k[h] += sum over c of vector[h, c] * LeakyReLU(row_k[h, c] + queries[h, c] + extra_k[h, c])`.

    `extra[k]` is the address of an edge's own row; `extra` is 0 where no edge has one.
    """

    def emit(context, builder, signature, arguments):
        results, *ends, extras, query_row, vector_row, leak, per_head, count = arguments
        element, run = context.get_data_type(slope), Run(*ends)
        width = bytes_of(builder, count, element)

        def body(tile: Tile, with_extra: bool) -> None:
            lanes, slopes = tile.lanes, tile.lanes.splat(leak)
            queries, vectors = tile.load(tile.of(query_row)), tile.load(tile.of(vector_row))
            with run.edges(builder) as (k, neighbour):
                sums = _inner(tile, neighbour, queries, _own(tile, extras, k) if with_extra else None)
                terms = [
                    lanes.mul(a, lanes.if_positive(z, z, lanes.mul(z, slopes)))
                    for a, z in zip(vectors, sums, strict=True)
                ]
                tile.grow_sums(terms, row_at(builder, results, k, width))

        _with_or_without(builder, element, extras, per_head, count, body, ((1, 4), (2, 4)))
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 9, slope, WHOLE, WHOLE), emit


@intrinsic
@no_type_check
def leaky_rows_target(
    typing_context, ids, base, stride, start, end, extra, to_extra, queries, vector, to_queries, to_vector,
    signs, grads, slope, channels, heads,
):  # fmt: skip
    """Gradients of a run of logits to the query row, the attention vector and the edges' own rows.

    `grads_k[h]` is the gradient of a logit. Writes where the inner sum was positive to row k of `signs`, see
    `sign_bytes`; `leaky_rows_source` reads it.
    """

    def emit(context, builder, signature, arguments):
        *ends, extras, extra_grads, query_row, vector_row, query_grad, vector_grad = arguments[:11]
        sign, grad, leak, per_head, count = arguments[11:]
        element, run = context.get_data_type(slope), Run(*ends)
        width = bytes_of(builder, count, element)

        def body(tile: Tile, with_extra: bool) -> None:
            lanes, slopes = tile.lanes, tile.lanes.splat(leak)
            queries, vectors = tile.load(tile.of(query_row)), tile.load(tile.of(vector_row))
            inner = [Cell(part, part.constant(0.0)) for part in tile.parts]
            gains = [Cell(part, part.constant(0.0)) for part in tile.parts]
            with run.edges(builder) as (k, neighbour):
                to_own = _own(tile, extra_grads, k) if with_extra else None
                sums = _inner(tile, neighbour, queries, _own(tile, extras, k) if with_extra else None)
                scales = tile.numbers(row_at(builder, grad, k, width))
                less = [lanes.mul(scale, slopes) for scale in scales]
                found = []
                for n, z in enumerate(sums):
                    positive = builder.fcmp_ordered(">", z, lanes.constant(0.0))
                    h = tile.head_of(n)
                    found.append((positive, builder.select(positive, scales[h], less[h])))
                    inner[n].add(lanes.mul(found[n][1], z))
                    gains[n].add(found[n][1])
                _store_signs(tile, [positive for positive, _ in found], sign, k, per_head, count)
                if to_own is not None:
                    tile.store([lanes.mul(gain, a) for (_, gain), a in zip(found, vectors, strict=True)], to_own)
            for cells, row, factors in ((inner, vector_grad, None), (gains, query_grad, vectors)):
                place = tile.of(row)
                for n, part in enumerate(tile.parts):
                    value = cells[n].value if factors is None else lanes.mul(cells[n].value, factors[n])
                    part.grow(value, place, n * VECTOR_BYTES)

        _with_or_without(builder, element, extras, per_head, count, body, FEW)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 13, slope, WHOLE, WHOLE), emit


@intrinsic
@no_type_check
def leaky_rows_source(
    typing_context, to_values, ids, base, stride, start, end, edge, weights, grads, vector, signs, slope, channels,
    heads,
):  # fmt: skip
    """Gradient of a run of edges to the row of their source: as a value, and inside its logits.

    `weights` multiply the rows (of the output's gradient); `grads` are those of the logits, `vector` the attention
    vector, `signs` what `leaky_rows_target` wrote. All three belong to edge `edge[k]`.
    """

    def emit(context, builder, signature, arguments):
        value_grad, *ends, edges, weight, grad, vector_row, sign, leak, per_head, count = arguments
        element, run = context.get_data_type(slope), Run(*ends)
        width = bytes_of(builder, count, element)

        def body(tile: Tile) -> None:
            lanes, slopes, row = tile.lanes, tile.lanes.splat(leak), tile.of(value_grad)
            sums = [Cell(part, value) for part, value in zip(tile.parts, tile.load(row), strict=True)]
            gains = [Cell(part, part.constant(0.0)) for part in tile.parts]
            with run.edges(builder) as (k, neighbour):
                e = integer_at(builder, edges, k)
                alphas = tile.numbers(row_at(builder, weight, e, width))
                scales = tile.numbers(row_at(builder, grad, e, width))
                less = [lanes.mul(scale, slopes) for scale in scales]
                positive = _load_signs(tile, sign, e, per_head, count)
                for n, value in enumerate(tile.load(tile.of(neighbour))):
                    h = tile.head_of(n)
                    sums[n].add(lanes.mul(alphas[h], value))
                    gains[n].add(builder.select(positive[n], scales[h], less[h]))
            vectors = tile.load(tile.of(vector_row))
            inner = [lanes.mul(gain.value, a) for gain, a in zip(gains, vectors, strict=True)]
            tile.store([lanes.add(total.value, more) for total, more in zip(sums, inner, strict=True)], row)

        over_heads(builder, element, per_head, count, body, together=FEW)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 11, slope, WHOLE, WHOLE), emit


def sign_bytes(channels: int, size: int) -> int:
    """Bytes that the signs of one (edge, head) take: a bit per channel, each vector from a byte of its own on."""
    wide = VECTOR_BYTES // size
    return -(-channels // wide) * max(1, wide // 8)


def _sign_row(tile: Tile, signs: ir.Value, k: ir.Value, channels: ir.Value, heads: ir.Value) -> ir.Value:
    """Where the tile's part of row k of the signs begins: behind those of the vectors before it."""
    builder, wide = tile.lanes.builder, tile.lanes.count
    of_head = builder.udiv(builder.add(channels, ir.Constant(INDEX, wide - 1)), ir.Constant(INDEX, wide))
    start = builder.sub(tile.at, builder.mul(tile.head, bytes_of(builder, channels, tile.lanes.element)))
    before = builder.add(builder.mul(tile.head, of_head), builder.udiv(start, ir.Constant(INDEX, VECTOR_BYTES)))
    row = builder.add(builder.mul(k, builder.mul(heads, of_head)), before)
    return builder.add(signs, builder.mul(row, ir.Constant(INDEX, max(1, wide // 8))))


def _sign_places(tile: Tile, row: ir.Value) -> list[ir.Value]:
    builder, unit = tile.lanes.builder, max(1, tile.lanes.count // 8)
    kind = ir.IntType(8 * unit).as_pointer()
    shifts = [ir.Constant(INDEX, n * unit) for n in range(len(tile.parts))]
    return [builder.inttoptr(builder.add(row, shift), kind) for shift in shifts]


def _store_signs(tile: Tile, positive, signs, k, channels, heads) -> None:  # type: ignore[no-untyped-def]
    builder, wide = tile.lanes.builder, tile.lanes.count
    for bits, place in zip(positive, _sign_places(tile, _sign_row(tile, signs, k, channels, heads)), strict=True):
        number = builder.bitcast(bits, ir.IntType(wide))
        held = ir.IntType(8 * max(1, wide // 8))
        builder.store(number if wide == held.width else builder.zext(number, held), place, align=1)


def _load_signs(tile: Tile, signs, k, channels, heads):  # type: ignore[no-untyped-def]
    builder, wide = tile.lanes.builder, tile.lanes.count
    loaded = [builder.load(place, align=1) for place in _sign_places(tile, _sign_row(tile, signs, k, channels, heads))]
    narrow = ir.IntType(wide)
    bits = [number if number.type == narrow else builder.trunc(number, narrow) for number in loaded]
    return [builder.bitcast(number, ir.VectorType(ir.IntType(1), wide)) for number in bits]


def _own(tile: Tile, rows: ir.Value, k: ir.Value) -> ir.Value:
    """Address of the tile's part of the edge's own row."""
    builder = tile.lanes.builder
    place = builder.inttoptr(row_at(builder, rows, k, ir.Constant(INDEX, 8)), INDEX.as_pointer())
    return tile.of(builder.load(place))


def _inner(tile: Tile, neighbour: ir.Value, queries: list[ir.Value], own: ir.Value | None) -> list[ir.Value]:
    sums = [tile.lanes.add(a, b) for a, b in zip(tile.load(tile.of(neighbour)), queries, strict=True)]
    return sums if own is None else [tile.lanes.add(a, b) for a, b in zip(sums, tile.load(own), strict=True)]


def _with_or_without(  # type: ignore[no-untyped-def]
    builder, element, rows, channels, heads, body: Callable[[Tile, bool], None], together
) -> None:
    """Emits code for edges with rows of their own, and for those without, which is the faster."""
    with builder.if_else(builder.icmp_signed("==", rows, ir.Constant(INDEX, 0))) as (without, given):
        with without:
            over_heads(builder, element, channels, heads, lambda tile: body(tile, False), together=together)
        with given:
            over_heads(builder, element, channels, heads, lambda tile: body(tile, True), together=())
