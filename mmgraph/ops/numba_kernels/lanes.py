"""Rows of numbers as vector instructions: loads, stores and arithmetic for one vector, loops over what a row holds.

LLVM alone makes poor code of these loops: they are short, and it cannot know that the rows do not overlap. So each is
emitted here with explicit vectors; what does not fill one is a vector too, some of whose lanes are switched off. Rows
are given by address in bytes, because the tables of the modalities are separate arrays. NaN and infinity pass through.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import no_type_check

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 64 if binding.get_host_cpu_features().get("avx512f") else 32
"""Width of a vector register."""

FLAGS = ("contract", "reassoc", "nsz", "arcp")
INDEX, INT, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(1)
WHOLE = types.int64


class Lanes:
    """Loads, stores and arithmetic for one vector of `element`, of which lanes may be switched off.

    Lanes that are off are 0 when loaded, unless said otherwise, and are not stored.
    """

    def __init__(
        self, builder: ir.IRBuilder, element: ir.Type, mask: ir.Value | None = None, count: int | None = None
    ) -> None:
        self.builder, self.element, self.mask = builder, element, mask
        self.size = size_of(element)
        self.count = count or VECTOR_BYTES // self.size
        self.type = ir.VectorType(element, self.count)

    def load(self, address: ir.Value, shift: int = 0, fill: float = 0.0, element: ir.Type | None = None) -> ir.Value:
        """The vector that lies `shift` bytes behind an address; of another kind of number if asked for."""
        kind = ir.VectorType(element or self.element, self.count)
        pointer = self._pointer(address, shift, kind)
        if self.mask is None:
            return self.builder.load(pointer, align=size_of(kind.element))
        rest = ir.Constant(kind, [fill] * self.count if kind == self.type else [0] * self.count)
        return self._masked("load", kind, kind, [pointer, self.mask, rest])

    def store(self, value: ir.Value, address: ir.Value, shift: int = 0) -> None:
        """Writes a vector."""
        pointer = self._pointer(address, shift, value.type)
        if self.mask is None:
            self.builder.store(value, pointer, align=size_of(value.type.element))
        else:
            self._masked("store", value.type, ir.VoidType(), [value, pointer, self.mask])

    def grow(self, value: ir.Value, address: ir.Value, shift: int = 0) -> None:
        """Adds to the numbers at an address."""
        self.store(self.add(self.load(address, shift), value), address, shift)

    def constant(self, number: float) -> ir.Value:
        """The same number in every lane."""
        return ir.Constant(self.type, [number] * self.count)

    def splat(self, scalar: ir.Value) -> ir.Value:
        """A computed number in every lane."""
        kind = ir.VectorType(scalar.type, self.count)
        single = self.builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(INT, 0))
        return self.shuffle(single, single, [0] * self.count)

    def shuffle(self, a: ir.Value, b: ir.Value, places: Sequence[int]) -> ir.Value:
        """The lanes of a, then of b, at these places."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, len(places)), list(places)))

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Sum of two."""
        return self.builder.fadd(a, b, flags=FLAGS)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Product of two."""
        return self.builder.fmul(a, b, flags=FLAGS)

    def if_positive(self, a: ir.Value, yes: ir.Value, no: ir.Value) -> ir.Value:
        """`yes` where a > 0, else `no`."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, self.constant(0.0)), yes, no)

    def sum(self, values: Sequence[ir.Value]) -> ir.Value:
        """Sum over lanes and vectors."""
        total = values[0]
        for value in values[1:]:
            total = self.add(total, value)
        kind = ir.FunctionType(self.element, [self.element, self.type])
        name = f"llvm.vector.reduce.fadd.v{self.count}f{8 * self.size}"
        add_up = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(add_up, [ir.Constant(self.element, 0.0), total], fastmath=FLAGS)

    def sums(self, values: Sequence[ir.Value]) -> ir.Value:
        """A vector of the sums over the lanes of each of 2 or 4 vectors.

        Two vectors become one that holds half as many partial sums of each, as in the transposition of a matrix.
        """
        width, rest = self.count, [(value, [n]) for n, value in enumerate(values)]
        while len(rest) > 1:
            half, groups, paired = width // 2, len(rest[0][1]), []
            for (a, of_a), (b, of_b) in zip(rest[::2], rest[1::2], strict=True):
                low = [v * self.count + g * width + k for v in (0, 1) for g in range(groups) for k in range(half)]
                high = [place + half for place in low]
                paired.append((self.add(self.shuffle(a, b, low), self.shuffle(a, b, high)), of_a + of_b))
            rest, width = paired, half
        total, order = rest[0]
        first = [order.index(n) * width for n in range(len(order))]
        while width > 1:
            width //= 2
            total = self.add(total, self.shuffle(total, total, [(k + width) % self.count for k in range(self.count)]))
        return self.shuffle(total, total, first)

    def _pointer(self, address: ir.Value, shift: int, kind: ir.Type) -> ir.Value:
        address = self.builder.add(address, ir.Constant(INDEX, shift)) if shift else address
        return self.builder.inttoptr(address, kind.as_pointer())

    def _masked(self, what: str, kind: ir.Type, result: ir.Type, arguments: list[ir.Value]) -> ir.Value:
        """Calls LLVM's masked load or store; since its version 22 the alignment is no argument of theirs."""
        bits = 8 * size_of(kind.element)
        name = f"llvm.masked.{what}.v{self.count}{'i' if isinstance(kind.element, ir.IntType) else 'f'}{bits}.p0"
        if binding.llvm_version_info[0] < 22:
            arguments.insert(-1 if what == "store" else 1, ir.Constant(INT, size_of(kind.element)))
        signature = ir.FunctionType(result, [argument.type for argument in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, signature, name), arguments)


def size_of(element: ir.Type) -> int:
    """Bytes of a number."""
    return element.width // 8 if isinstance(element, ir.IntType) else 4 if isinstance(element, ir.FloatType) else 8


@contextmanager
def each(builder: ir.IRBuilder, start: ir.Value, end: ir.Value, step: int = 1) -> Iterator[ir.Value]:
    """A loop over start, start + step, ... below the end, which LLVM is not to unroll.

    Runs of edges are short: unrolled, they would end in two loops of unforeseeable length instead of one.
    """
    before = builder.basic_block
    head, body, after = (builder.append_basic_block(name) for name in ("each.head", "each.body", "each.after"))
    builder.branch(head)
    with builder.goto_block(head):
        k = builder.phi(start.type)
        builder.cbranch(builder.icmp_signed("<", k, end), body, after)
    with builder.goto_block(body):
        yield k
        k.add_incoming(builder.add(k, ir.Constant(start.type, step)), builder.basic_block)
        builder.branch(head).set_metadata("llvm.loop", _not_unrolled(builder.module))
    k.add_incoming(start, before)
    builder.position_at_end(after)


def _not_unrolled(module: ir.Module) -> ir.MDValue:
    """What marks a loop; LLVM knows a loop's mark by its first part, which is the mark itself."""
    hint = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    mark = ir.MDValue(module, [], name=str(len(module.metadata)))
    mark.operands = (mark, hint)
    return mark


def loop(
    builder: ir.IRBuilder,
    element: ir.Type,
    stop: ir.Value,
    body: Callable[[list[Lanes], ir.Value], None],
    sizes: Sequence[int] = (1,),
) -> None:
    """Emits `body` for positions 0 .. stop: so many vectors at once as `sizes` says, then one with what is left.

    Args:
        builder: where to.
        element: kind of the numbers.
        stop: how many there are.
        body: takes the vectors and how many bytes after its beginning the part of a row lies.
        sizes: falling; the last one is 1.
    """
    size, done = size_of(element), ir.Constant(INDEX, 0)
    wide = VECTOR_BYTES // size
    for vectors in sizes:
        end = builder.add(done, builder.and_(builder.sub(stop, done), ir.Constant(INDEX, -vectors * wide)))
        with each(builder, done, end, vectors * wide) as i:
            body([Lanes(builder, element)] * vectors, builder.mul(i, ir.Constant(INDEX, size)))
        done = end
    with builder.if_then(builder.icmp_signed("<", done, stop)):
        rest = mask_of(builder, wide, builder.sub(stop, done))
        body([Lanes(builder, element, rest)], builder.mul(done, ir.Constant(INDEX, size)))


def mask_of(builder: ir.IRBuilder, count: int, used: ir.Value) -> ir.Value:
    """Which of `count` lanes are below `used`."""
    kind = ir.VectorType(INT, count)
    single = builder.insert_element(ir.Constant(kind, ir.Undefined), builder.trunc(used, INT), ir.Constant(INT, 0))
    limit = builder.shuffle_vector(single, single, ir.Constant(kind, [0] * count))
    return builder.icmp_signed("<", ir.Constant(kind, list(range(count))), limit)


class Cell:
    """A vector that stays in a register while a loop changes it."""

    def __init__(self, lanes: Lanes, start: ir.Value) -> None:
        self.lanes, self.place = lanes, cgutils.alloca_once(lanes.builder, start.type)
        self.set(start)

    @property
    def value(self) -> ir.Value:
        """What it holds now."""
        return self.lanes.builder.load(self.place)

    def set(self, value: ir.Value) -> None:
        """Replaces it."""
        self.lanes.builder.store(value, self.place)

    def add(self, value: ir.Value) -> None:
        """Adds to it."""
        self.set(self.lanes.add(self.value, value))


@intrinsic
@no_type_check
def clear(typing_context, row, count, like):
    """Sets `count` numbers to 0."""

    def emit(context, builder, signature, arguments):
        def body(parts: list[Lanes], at: ir.Value) -> None:
            row = builder.add(arguments[0], at)
            for n, lanes in enumerate(parts):
                lanes.store(lanes.constant(0.0), row, n * VECTOR_BYTES)

        loop(builder, context.get_data_type(like), arguments[1], body, (4, 1))
        return context.get_dummy_value()

    return types.void(WHOLE, WHOLE, like), emit
