"""How the kernels walk over a run of edges: the part of a row that registers hold, and the loop over the run's edges.

Edges `start` to `end` have their neighbour in `ids[k]` (int32), whose row lies at `base + ids[k] * stride`. Rows of
channels lie head by head; rows of one number per head at `address + k * heads * size`. All addresses and strides are
bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from llvmlite import ir

from mmgraph.ops.numba_kernels.lanes import INDEX, INT, VECTOR_BYTES, Lanes, each, loop, size_of


class Tile(NamedTuple):
    """A part of a row of channels: some vectors of one head, or all vectors of some heads.

    Attributes:
        parts: its vectors.
        at: bytes from the beginning of the row.
        head: its first head.
        heads: how many heads lie in it.
    """

    parts: list[Lanes]
    at: ir.Value
    head: ir.Value
    heads: int

    @property
    def lanes(self) -> Lanes:
        """Any of the vectors, for arithmetic."""
        return self.parts[0]

    def of(self, address: ir.Value) -> ir.Value:
        """Where the tile's part of a row of channels begins."""
        return self.lanes.builder.add(address, self.at)

    def load(self, row: ir.Value) -> list[ir.Value]:
        """Its vectors of a row, which begin at `of(row)`."""
        return [lanes.load(row, n * VECTOR_BYTES) for n, lanes in enumerate(self.parts)]

    def store(self, values: Sequence[ir.Value], row: ir.Value) -> None:
        """Writes them."""
        for n, (lanes, value) in enumerate(zip(self.parts, values, strict=True)):
            lanes.store(value, row, n * VECTOR_BYTES)

    def head_of(self, part: int) -> int:
        """The head of a vector, counted from the tile's first."""
        return part * self.heads // len(self.parts)

    def numbers(self, address: ir.Value) -> list[ir.Value]:
        """A number per head of the tile, from a row of one number per head, each in all lanes of a vector."""
        first = self.of_heads(address)
        kind = self.lanes.element.as_pointer()
        places = [self.lanes.builder.add(first, ir.Constant(INDEX, h * self.lanes.size)) for h in range(self.heads)]
        loaded = [self.lanes.builder.load(self.lanes.builder.inttoptr(place, kind)) for place in places]
        return [self.lanes.splat(number) for number in loaded]

    def grow_sums(self, terms: Sequence[ir.Value], address: ir.Value) -> None:
        """Adds what the lanes of each head sum up to, to a row of one number per head."""
        lanes, vectors = self.lanes, len(self.parts) // self.heads
        of_head = []
        for h in range(self.heads):
            first, *others = terms[h * vectors : (h + 1) * vectors]
            for other in others:
                first = lanes.add(first, other)
            of_head.append(first)
        total = lanes.sum(of_head) if self.heads == 1 else lanes.sums(of_head)
        place = lanes.builder.inttoptr(self.of_heads(address), total.type.as_pointer())
        held = lanes.builder.load(place, align=lanes.size)
        lanes.builder.store(lanes.add(held, total), place, align=lanes.size)

    def of_heads(self, address: ir.Value) -> ir.Value:
        """Where the tile's part of a row of one number per head begins."""
        builder = self.lanes.builder
        return builder.add(address, builder.mul(self.head, ir.Constant(INDEX, self.lanes.size)))


def over_heads(
    builder: ir.IRBuilder,
    element: ir.Type,
    channels: ir.Value,
    heads: ir.Value,
    body: Callable[[Tile], None],
    *,
    together: Sequence[tuple[int, int]] = ((1, 4), (2, 4)),
    sizes: Sequence[int] = (4, 1),
) -> None:
    """Emits `body` for tiles that cover the channels of all heads.

    Args:
        builder: where to.
        element: kind of the numbers.
        channels: of a head.
        heads: how many.
        body: loops over edges while it holds its tile in registers.
        together: (vectors, n): where the channels of a head are so many vectors, n heads make a tile, to save loops.
        sizes: vectors of one head that make a tile otherwise.
    """
    if together:
        (vectors, n), rest = together[0], together[1:]
        size, mask = VECTOR_BYTES // size_of(element) * vectors, ir.Constant(INDEX, n - 1)
        whole = builder.icmp_signed("==", builder.and_(heads, mask), ir.Constant(INDEX, 0))
        fits = builder.and_(builder.icmp_signed("==", channels, ir.Constant(INDEX, size)), whole)
        with builder.if_else(fits) as (yes, no):
            with yes, each(builder, ir.Constant(INDEX, 0), heads, n) as h:
                at = builder.mul(h, ir.Constant(INDEX, vectors * VECTOR_BYTES))
                body(Tile([Lanes(builder, element)] * (n * vectors), at, h, n))
            with no:
                over_heads(builder, element, channels, heads, body, together=rest, sizes=sizes)
        return
    width = builder.mul(channels, ir.Constant(INDEX, size_of(element)))
    with each(builder, ir.Constant(INDEX, 0), heads) as h:
        start = builder.mul(h, width)

        def one_head(parts: list[Lanes], at: ir.Value) -> None:
            body(Tile(parts, builder.add(start, at), h, 1))

        loop(builder, element, channels, one_head, sizes)


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
        with each(builder, self.start, self.end) as k:
            yield k, builder.add(self.base, builder.mul(integer_at(builder, self.ids, k), self.stride))


def integer_at(builder: ir.IRBuilder, address: ir.Value, k: ir.Value) -> ir.Value:
    """Entry k of an array of int32."""
    place = builder.add(address, builder.mul(k, ir.Constant(INDEX, 4)))
    return builder.sext(builder.load(builder.inttoptr(place, INT.as_pointer())), INDEX)


def row_at(builder: ir.IRBuilder, address: ir.Value, k: ir.Value, width: ir.Value) -> ir.Value:
    """Address of row k, of rows of `width` bytes."""
    return builder.add(address, builder.mul(k, width))


def bytes_of(builder: ir.IRBuilder, count: ir.Value, element: ir.Type) -> ir.Value:
    """Bytes that so many numbers take."""
    return builder.mul(count, ir.Constant(INDEX, size_of(element)))
