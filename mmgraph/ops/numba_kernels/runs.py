"""What the kernels do with a run of edges: rows of many neighbours against the rows of one node and one relation.

The node's rows stay in registers while the loop goes over the edges. Edges `start` to `end` have their neighbour in
`ids[k]` (int32), whose row lies at `base + ids[k] * stride`; results and weights lie at `address + k * step`. All
addresses, strides and steps are bytes. The forms ending in `_at` read what belongs to edge `edge[k]`, because their
loop is over another order of the edges.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, no_type_check

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.lanes import INDEX, INT, VECTOR_BYTES, Cell, Lanes, size_of, tiles

WHOLE = types.int64
Parts = list[tuple[Lanes, ir.Value]]


class Run(NamedTuple):
    """The edges of a run: arguments of an intrinsic, in their order."""

    ids: ir.Value
    base: ir.Value
    stride: ir.Value
    start: ir.Value
    end: ir.Value

    @contextmanager
    def edges(self, builder: ir.IRBuilder) -> Iterator[tuple[ir.Value, ir.Value]]:
        """The loop over them: place in the run's order, address of the neighbour's row."""
        with cgutils.for_range_slice(builder, self.start, self.end, ir.Constant(INDEX, 1)) as (k, _):
            neighbour = builder.sext(builder.load(pointer(builder, self.ids, k, INT, 4)), INDEX)
            yield k, builder.add(self.base, builder.mul(neighbour, self.stride))


def pointer(builder: ir.IRBuilder, address: ir.Value, k: ir.Value, kind: ir.Type, step: int | ir.Value) -> ir.Value:
    """Pointer to a `kind` at `address + k * step`."""
    step = ir.Constant(INDEX, step) if isinstance(step, int) else step
    return builder.inttoptr(builder.add(address, builder.mul(k, step)), kind.as_pointer())


def edge_at(builder: ir.IRBuilder, edge: ir.Value, k: ir.Value) -> ir.Value:
    """Number of the edge that is entry k of an order."""
    return builder.sext(builder.load(pointer(builder, edge, k, INT, 4)), INDEX)


def _grow(builder: ir.IRBuilder, place: ir.Value, value: ir.Value) -> None:
    builder.store(builder.fadd(builder.load(place), value, flags=("contract", "reassoc", "nsz", "arcp")), place)


def _emit_sum_rows(builder, element, out, run, weight_row, channels, count):  # type: ignore[no-untyped-def]
    def body(parts: Parts) -> None:
        sums = [Cell(lanes, lanes.load(out, i)) for lanes, i in parts]
        # head of each part: i // channels, by a product that is exact while i x channels < 2**32
        half = ir.Constant(INDEX, 2**32)
        inverse = builder.udiv(builder.add(half, builder.sub(channels, ir.Constant(INDEX, 1))), channels)
        heads = [builder.lshr(builder.mul(i, inverse), ir.Constant(INDEX, 32)) for _, i in parts]
        with run.edges(builder) as (k, row):
            weights = weight_row(k)
            for (lanes, i), head, total in zip(parts, heads, sums, strict=True):
                weight = builder.load(pointer(builder, weights, head, element, size_of(element)))
                total.add(lanes.mul(lanes.splat(weight), lanes.load(row, i)))
        for (lanes, i), total in zip(parts, sums, strict=True):
            lanes.store(total.value, out, i)

    tiles(builder, element, count, body, (8, 2, 1))


@intrinsic
@no_type_check
def sum_rows(typing_context, out, ids, base, stride, start, end, weights, step, channels, count, like):
    """`out[c] += sum over k of weights_k[c // channels] * row_k[c]`.

    Several heads at once need `channels` to fill vectors, see `fills_vectors`; `count` is their channels together.
    """

    def emit(context, builder, signature, arguments):
        out_row, *ends, weight, weight_step, per_head, stop, _ = arguments

        def weight_row(k):
            return builder.add(weight, builder.mul(k, weight_step))

        element = context.get_data_type(like)
        _emit_sum_rows(builder, element, out_row, Run(*ends), weight_row, per_head, stop)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 10, like), emit


@intrinsic
@no_type_check
def sum_rows_at(typing_context, out, ids, base, stride, start, end, edge, weights, step, channels, count, like):
    """The same with the weights of edge `edge[k]`."""

    def emit(context, builder, signature, arguments):
        out_row, *ends, edges, weight, weight_step, per_head, stop, _ = arguments

        def weight_row(k):
            return builder.add(weight, builder.mul(edge_at(builder, edges, k), weight_step))

        element = context.get_data_type(like)
        _emit_sum_rows(builder, element, out_row, Run(*ends), weight_row, per_head, stop)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 11, like), emit


@njit(inline="always")
@no_type_check
def fills_vectors(channels: int, size: int) -> bool:
    """Whether the channels of a head fill whole vectors, so that several heads can go through one loop."""
    return channels * size % VECTOR_BYTES == 0


@intrinsic
@no_type_check
def dot_rows(typing_context, result, step, ids, base, stride, start, end, vector, count, like):
    """`result[k] += sum over c of vector[c] * row_k[c]`."""

    def emit(context, builder, signature, arguments):
        results, result_step, *ends, vector_row, stop, _ = arguments
        element, run = context.get_data_type(like), Run(*ends)

        def body(parts: Parts) -> None:
            held = [lanes.load(vector_row, i) for lanes, i in parts]
            lanes = parts[0][0]
            with run.edges(builder) as (k, row):
                terms = [lanes.mul(a, lanes.load(row, i)) for a, (_, i) in zip(held, parts, strict=True)]
                total = _added(lanes, terms)
                _grow(builder, pointer(builder, results, k, element, result_step), lanes.sum(total))

        tiles(builder, element, stop, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 9, like), emit


@intrinsic
@no_type_check
def leaky_rows(
    typing_context, result, step, ids, base, stride, start, end, extra, shift, queries, vector, slope, count
):
    """`result[k] += sum over c of vector[c] * LeakyReLU(row_k[c] + queries[c] + extra_k[c])`.

    `extra[k]` is the address of an edge's own row, to which `shift` is added; `extra` is 0 where no edge has one.
    """

    def emit(context, builder, signature, arguments):
        results, result_step, *ends, extras, head, query_row, vector_row, leak, stop = arguments
        element, run = context.get_data_type(slope), Run(*ends)

        def body(parts: Parts, with_extra: bool) -> None:
            held = [(lanes.load(query_row, i), lanes.load(vector_row, i)) for lanes, i in parts]
            lanes = parts[0][0]
            with run.edges(builder) as (k, row):
                own = _own_row(builder, extras, head, k) if with_extra else None
                terms = []
                for (query, a), (_, i) in zip(held, parts, strict=True):
                    z = _inner(lanes, row, query, own, i)
                    terms.append(lanes.mul(a, lanes.if_positive(z, z, lanes.mul(z, lanes.splat(leak)))))
                _grow(builder, pointer(builder, results, k, element, result_step), lanes.sum(_added(lanes, terms)))

        _with_or_without(builder, extras, lambda given: tiles(builder, element, stop, lambda p: body(p, given)))
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 11, slope, WHOLE), emit


@intrinsic
@no_type_check
def leaky_rows_target(
    typing_context,
    ids,
    base,
    stride,
    start,
    end,
    extra,
    to_extra,
    shift,
    queries,
    vector,
    to_queries,
    to_vector,
    signs,
    sign_step,
    grads,
    step,
    slope,
    count,
):
    """Gradients of a run of logits to the query row, the attention vector and the edges' own rows.

    `grads[k]` is the gradient of logit k. Writes where the inner sum was positive to `signs + k * sign_step`, see
    `sign_bytes`; `leaky_rows_source` reads it.
    """

    def emit(context, builder, signature, arguments):
        *ends, extras, extra_grads, head, query_row, vector_row, query_grad, vector_grad = arguments[:12]
        sign, sign_stride, grad, grad_step, leak, stop = arguments[12:]
        element, run = context.get_data_type(slope), Run(*ends)

        def body(parts: Parts, with_extra: bool) -> None:
            lanes = parts[0][0]
            held = [(lanes.load(query_row, i), lanes.load(vector_row, i)) for _, i in parts]
            inner_sums = [Cell(lanes, lanes.constant(0.0)) for _ in parts]
            gain_sums = [Cell(lanes, lanes.constant(0.0)) for _ in parts]
            with run.edges(builder) as (k, row):
                own = _own_row(builder, extras, head, k) if with_extra else None
                to_own = _own_row(builder, extra_grads, head, k) if with_extra else None
                scale = builder.load(pointer(builder, grad, k, element, grad_step))
                yes, no = lanes.splat(scale), lanes.splat(builder.fmul(scale, leak))
                sign_row = builder.add(sign, builder.mul(k, sign_stride))
                for n, (_, i) in enumerate(parts):
                    query, a = held[n]
                    z = _inner(lanes, row, query, own, i)
                    positive = builder.fcmp_ordered(">", z, lanes.constant(0.0))
                    gain = builder.select(positive, yes, no)
                    inner_sums[n].add(lanes.mul(gain, z))
                    gain_sums[n].add(gain)
                    _store_signs(lanes, positive, sign_row, i, stop)
                    if to_own is not None:
                        lanes.store(lanes.mul(gain, a), to_own, i)
            for n, (_, i) in enumerate(parts):
                lanes.grow(inner_sums[n].value, vector_grad, i)
                lanes.grow(lanes.mul(gain_sums[n].value, held[n][1]), query_grad, i)

        _with_or_without(builder, extras, lambda given: tiles(builder, element, stop, lambda p: body(p, given)))
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 16, slope, WHOLE), emit


@intrinsic
@no_type_check
def leaky_rows_source(
    typing_context,
    to_values,
    ids,
    base,
    stride,
    start,
    end,
    edge,
    weights,
    grads,
    step,
    vector,
    signs,
    sign_step,
    slope,
    count,
):
    """Gradient of a run of edges to the row of their source: as a value, and inside its logits.

    `weights` multiply the rows (of the output's gradient); `grads` are those of the logits, `vector` the attention
    vector, `signs` what `leaky_rows_target` wrote. All three belong to edge `edge[k]`.
    """

    def emit(context, builder, signature, arguments):
        value_grad, *ends, edges, weight, grad, edge_step, vector_row, sign, sign_stride, leak, stop = arguments
        element, run = context.get_data_type(slope), Run(*ends)

        def body(parts: Parts) -> None:
            lanes = parts[0][0]
            sums = [Cell(lanes, lanes.load(value_grad, i)) for _, i in parts]
            gain_sums = [Cell(lanes, lanes.constant(0.0)) for _ in parts]
            with run.edges(builder) as (k, row):
                e = edge_at(builder, edges, k)
                alpha = lanes.splat(builder.load(pointer(builder, weight, e, element, edge_step)))
                scale = builder.load(pointer(builder, grad, e, element, edge_step))
                yes, no = lanes.splat(scale), lanes.splat(builder.fmul(scale, leak))
                sign_row = builder.add(sign, builder.mul(e, sign_stride))
                for n, (_, i) in enumerate(parts):
                    sums[n].add(lanes.mul(alpha, lanes.load(row, i)))
                    gain_sums[n].add(builder.select(_load_signs(lanes, sign_row, i, stop), yes, no))
            for n, (_, i) in enumerate(parts):
                inner = lanes.mul(gain_sums[n].value, lanes.load(vector_row, i))
                lanes.store(lanes.add(sums[n].value, inner), value_grad, i)

        tiles(builder, element, stop, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 13, slope, WHOLE), emit


@intrinsic
@no_type_check
def max_rows(typing_context, out, winners, ids, base, stride, start, end, count, like):
    """`out[c]` is the largest of `row_k[c]`, `winners[c]` (int32) the first k that has it; NaN counts as largest."""

    def emit(context, builder, signature, arguments):
        out_row, winner_row, *ends, stop, _ = arguments
        element, run = context.get_data_type(like), Run(*ends)

        def body(parts: Parts) -> None:
            lanes = parts[0][0]
            kind = ir.VectorType(INT, lanes.count) if lanes.count > 1 else INT
            best = [Cell(lanes, lanes.constant(float("-inf"))) for _ in parts]
            first = [cgutils.alloca_once(builder, kind) for _ in parts]
            for place in first:
                builder.store(ir.Constant(kind, [-1] * lanes.count if lanes.count > 1 else -1), place)
            with run.edges(builder) as (k, row):
                number = builder.trunc(k, INT)
                if lanes.count > 1:
                    undefined = ir.Constant(kind, ir.Undefined)
                    single = builder.insert_element(undefined, number, ir.Constant(INT, 0))
                    number = builder.shuffle_vector(single, single, ir.Constant(kind, [0] * lanes.count))
                for (_, i), cell, place in zip(parts, best, first, strict=True):
                    value, seen = lanes.load(row, i), builder.load(place)
                    # an unordered comparison is true for a NaN; what is NaN already stays
                    larger = builder.fcmp_unordered(">", value, cell.value)
                    none_yet = builder.icmp_signed("<", seen, kind([0] * lanes.count) if lanes.count > 1 else INT(0))
                    kept = builder.fcmp_ordered("ord", cell.value, cell.value)
                    take = builder.or_(builder.and_(larger, kept), none_yet)
                    builder.store(builder.select(take, value, cell.value), cell.place)
                    builder.store(builder.select(take, number, seen), place)
            for (_, i), cell, place in zip(parts, best, first, strict=True):
                lanes.store(cell.value, out_row, i)
                builder.store(builder.load(place), pointer(builder, winner_row, i, kind, 4), align=4)

        tiles(builder, element, stop, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 8, like), emit


@intrinsic
@no_type_check
def won_rows(typing_context, out, ids, base, winner_base, stride, winner_stride, start, end, edge, count, like):
    """`out[c] += row_k[c]` where the winner of channel c of row k is edge `edge[k]`."""

    def emit(context, builder, signature, arguments):
        out_row, ids_, base_, winner_base_, stride_, winner_stride_, start_, end_, edges, stop, _ = arguments
        element, run = context.get_data_type(like), Run(ids_, base_, stride_, start_, end_)

        def body(parts: Parts) -> None:
            lanes = parts[0][0]
            kind = ir.VectorType(INT, lanes.count) if lanes.count > 1 else INT
            sums = [Cell(lanes, lanes.load(out_row, i)) for _, i in parts]
            with run.edges(builder) as (k, row):
                neighbour = edge_at(builder, ids_, k)
                winners = builder.add(winner_base_, builder.mul(neighbour, winner_stride_))
                number = builder.load(pointer(builder, edges, k, INT, 4))
                if lanes.count > 1:
                    undefined = ir.Constant(kind, ir.Undefined)
                    single = builder.insert_element(undefined, number, ir.Constant(INT, 0))
                    number = builder.shuffle_vector(single, single, ir.Constant(kind, [0] * lanes.count))
                for (_, i), total in zip(parts, sums, strict=True):
                    winner = builder.load(pointer(builder, winners, i, kind, 4), align=4)
                    won = builder.icmp_signed("==", winner, number)
                    total.add(builder.select(won, lanes.load(row, i), lanes.constant(0.0)))
            for (_, i), total in zip(parts, sums, strict=True):
                lanes.store(total.value, out_row, i)

        tiles(builder, element, stop, body)
        return context.get_dummy_value()

    return types.void(*[WHOLE] * 10, like), emit


def sign_bytes(channels: int, size: int) -> int:
    """Bytes that the signs of one (edge, head) take: a bit per channel in whole vectors, then a byte per channel."""
    wide = VECTOR_BYTES // size
    return channels // wide * max(1, wide // 8) + channels % wide


def _sign_place(lanes: Lanes, row: ir.Value, i: ir.Value, stop: ir.Value) -> tuple[ir.Value, ir.IntType]:
    """Where the signs from position `i` on lie, and what holds them."""
    builder, wide = lanes.builder, VECTOR_BYTES // size_of(lanes.element)
    unit = max(1, wide // 8)
    if lanes.count > 1:
        offset = builder.mul(builder.udiv(i, ir.Constant(INDEX, wide)), ir.Constant(INDEX, unit))
        held = ir.IntType(8 * unit)
    else:
        whole = builder.udiv(stop, ir.Constant(INDEX, wide))
        behind = builder.sub(i, builder.mul(whole, ir.Constant(INDEX, wide)))
        offset = builder.add(builder.mul(whole, ir.Constant(INDEX, unit)), behind)
        held = ir.IntType(8)
    return builder.inttoptr(builder.add(row, offset), held.as_pointer()), held


def _store_signs(lanes: Lanes, signs: ir.Value, row: ir.Value, i: ir.Value, stop: ir.Value) -> None:
    place, held = _sign_place(lanes, row, i, stop)
    bits = lanes.builder.bitcast(signs, ir.IntType(lanes.count)) if lanes.count > 1 else signs
    bits = bits if bits.type == held else lanes.builder.zext(bits, held)
    lanes.builder.store(bits, place, align=1)


def _load_signs(lanes: Lanes, row: ir.Value, i: ir.Value, stop: ir.Value) -> ir.Value:
    place, held = _sign_place(lanes, row, i, stop)
    bits = lanes.builder.load(place, align=1)
    narrow = ir.IntType(lanes.count)
    bits = bits if held == narrow else lanes.builder.trunc(bits, narrow)
    return lanes.builder.bitcast(bits, ir.VectorType(ir.IntType(1), lanes.count)) if lanes.count > 1 else bits


def _own_row(builder: ir.IRBuilder, rows: ir.Value, shift: ir.Value, k: ir.Value) -> ir.Value:
    return builder.add(builder.load(pointer(builder, rows, k, INDEX, 8)), shift)


def _inner(lanes: Lanes, row: ir.Value, query: ir.Value, own: ir.Value | None, i: ir.Value) -> ir.Value:
    z = lanes.add(lanes.load(row, i), query)
    return z if own is None else lanes.add(z, lanes.load(own, i))


def _added(lanes: Lanes, terms: list[ir.Value]) -> ir.Value:
    total = terms[0]
    for term in terms[1:]:
        total = lanes.add(total, term)
    return total


def _with_or_without(builder, rows, emit):  # type: ignore[no-untyped-def]
    """Emits code for edges with rows of their own, and for those without."""
    with builder.if_else(builder.icmp_signed("==", rows, ir.Constant(INDEX, 0))) as (without, given):
        with without:
            emit(False)
        with given:
            emit(True)
