"""Loops over the channels of one edge, emitted as vector instructions.

LLVM alone makes poor code of these loops: they are short, and it cannot know that the rows do not overlap. So each is
emitted here with explicit vectors and a scalar loop for what is left over. Rows are given by address in
bytes, because the tables of the modalities are separate arrays. NaN and infinity pass through.
"""

from collections.abc import Callable, Sequence

from llvmlite import binding, ir
from numba.core import cgutils

VECTOR_BYTES = 64 if binding.get_host_cpu_features().get("avx512f") else 32
"""Width of a vector register."""

FLAGS = ("contract", "reassoc", "nsz", "arcp")
INDEX, INT = ir.IntType(64), ir.IntType(32)


class Lanes:
    """Loads, stores and arithmetic for one number or for one vector of them."""

    def __init__(self, builder: ir.IRBuilder, element: ir.Type, count: int) -> None:
        self.builder, self.element, self.count = builder, element, count
        self.type = ir.VectorType(element, count) if count > 1 else element

    def load(self, address: ir.Value, i: ir.Value) -> ir.Value:
        """Numbers from position `i` of a row on."""
        return self.builder.load(self._pointer(address, i), align=size_of(self.element))

    def store(self, value: ir.Value, address: ir.Value, i: ir.Value) -> None:
        """Writes numbers from position `i` of a row on."""
        self.builder.store(value, self._pointer(address, i), align=size_of(self.element))

    def grow(self, value: ir.Value, address: ir.Value, i: ir.Value) -> None:
        """Adds to the numbers from position `i` of a row on."""
        self.store(self.add(self.load(address, i), value), address, i)

    def constant(self, number: float) -> ir.Value:
        """The same number in every lane."""
        return ir.Constant(self.type, [number] * self.count if self.count > 1 else number)

    def splat(self, scalar: ir.Value) -> ir.Value:
        """A computed number in every lane."""
        if self.count == 1:
            return scalar
        single = self.builder.insert_element(ir.Constant(self.type, ir.Undefined), scalar, ir.Constant(INT, 0))
        return self.builder.shuffle_vector(
            single, single, ir.Constant(ir.VectorType(INT, self.count), [0] * self.count)
        )

    def add(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Sum of two."""
        return self.builder.fadd(a, b, flags=FLAGS)

    def mul(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """Product of two."""
        return self.builder.fmul(a, b, flags=FLAGS)

    def if_positive(self, a: ir.Value, yes: ir.Value, no: ir.Value) -> ir.Value:
        """`yes` where a > 0, else `no`."""
        return self.builder.select(self.builder.fcmp_ordered(">", a, self.constant(0.0)), yes, no)

    def sum(self, value: ir.Value) -> ir.Value:
        """All lanes added up."""
        if self.count == 1:
            return value
        bits = 8 * size_of(self.element)
        kind = ir.FunctionType(self.element, [self.element, self.type])
        name = f"llvm.vector.reduce.fadd.v{self.count}f{bits}"
        add_up = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(add_up, [ir.Constant(self.element, 0.0), value], fastmath=FLAGS)

    def _pointer(self, address: ir.Value, i: ir.Value) -> ir.Value:
        offset = self.builder.mul(i, ir.Constant(INDEX, size_of(self.element)))
        return self.builder.inttoptr(self.builder.add(address, offset), self.type.as_pointer())


def size_of(element: ir.Type) -> int:
    """Bytes of a float or a double."""
    return 4 if isinstance(element, ir.FloatType) else 8


def loop(builder: ir.IRBuilder, element: ir.Type, stop: ir.Value, body: Callable[[Lanes, ir.Value], None]) -> None:
    """Emits `body` for positions 0 .. stop, in vectors as far as they go, then one by one."""
    wide = VECTOR_BYTES // size_of(element)
    main = builder.and_(stop, ir.Constant(INDEX, -wide))
    with cgutils.for_range_slice(builder, ir.Constant(INDEX, 0), main, ir.Constant(INDEX, wide)) as (i, _):
        body(Lanes(builder, element, wide), i)
    with cgutils.for_range_slice(builder, main, stop, ir.Constant(INDEX, 1)) as (i, _):
        body(Lanes(builder, element, 1), i)


def total(
    builder: ir.IRBuilder, element: ir.Type, stop: ir.Value, term: Callable[[Lanes, ir.Value], ir.Value]
) -> ir.Value:
    """Emits the sum of `term` over positions 0 .. stop."""
    kinds = {n: Lanes(builder, element, n) for n in (1, VECTOR_BYTES // size_of(element))}
    places = {n: cgutils.alloca_once(builder, lanes.type) for n, lanes in kinds.items()}
    for n, lanes in kinds.items():
        builder.store(lanes.constant(0.0), places[n])

    def body(lanes: Lanes, i: ir.Value) -> None:
        place = places[lanes.count]
        builder.store(lanes.add(builder.load(place), term(lanes, i)), place)

    loop(builder, element, stop, body)
    parts = [lanes.sum(builder.load(places[n])) for n, lanes in kinds.items()]
    return builder.fadd(parts[0], parts[1], flags=FLAGS)


def tiles(
    builder: ir.IRBuilder,
    element: ir.Type,
    stop: ir.Value,
    body: Callable[[list[tuple[Lanes, ir.Value]]], None],
    sizes: Sequence[int] = (128 // VECTOR_BYTES, 1),
) -> None:
    """Emits `body` for positions 0 .. stop in the widest pieces possible: `sizes` vectors, then single numbers.

    A body holds its piece in registers while it loops over edges.
    """
    wide, done = VECTOR_BYTES // size_of(element), ir.Constant(INDEX, 0)
    for vectors in sizes:
        step = vectors * wide
        end = builder.add(done, builder.and_(builder.sub(stop, done), ir.Constant(INDEX, -step)))
        with cgutils.for_range_slice(builder, done, end, ir.Constant(INDEX, step)) as (i, _):
            lanes = Lanes(builder, element, wide)
            body([(lanes, builder.add(i, ir.Constant(INDEX, v * wide))) for v in range(vectors)])
        done = end
    with cgutils.for_range_slice(builder, done, stop, ir.Constant(INDEX, 1)) as (i, _):
        body([(Lanes(builder, element, 1), i)])


class Cell:
    """A vector that stays in a register while a loop changes it."""

    def __init__(self, lanes: Lanes, start: ir.Value) -> None:
        self.lanes, self.place = lanes, cgutils.alloca_once(lanes.builder, lanes.type)
        lanes.builder.store(start, self.place)

    @property
    def value(self) -> ir.Value:
        """What it holds now."""
        return self.lanes.builder.load(self.place)

    def add(self, value: ir.Value) -> None:
        """Adds to it."""
        self.lanes.builder.store(self.lanes.add(self.value, value), self.place)


def exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """Exponential of x <= 0, within 2 units in the last place; 0 far below, NaN for NaN.

    Range reduction and the polynomials are those of the Cephes library (S. Moshier, 1989).
    """
    single = isinstance(lanes.element, ir.FloatType)
    lowest, bits, bias = (-87.0, 23, 127) if single else (-708.0, 52, 1023)
    high, low = (0.693359375, -2.12194440e-4) if single else (6.93145751953125e-1, 1.42860682030941723212e-6)
    b, constant = lanes.builder, lanes.constant
    safe = b.select(b.fcmp_ordered(">", x, constant(lowest)), x, constant(lowest))  # a number, also for NaN
    name = f"llvm.rint.{f'v{lanes.count}' if lanes.count > 1 else ''}f{8 * size_of(lanes.element)}"
    rint = cgutils.get_or_insert_function(b.module, ir.FunctionType(lanes.type, [lanes.type]), name)
    power = b.call(rint, [b.fmul(safe, constant(1.4426950408889634))])
    # exact steps: no freedom to reorder
    rest = b.fsub(b.fsub(safe, b.fmul(power, constant(high))), b.fmul(power, constant(low)))
    value = _exp_single(lanes, rest) if single else _exp_double(lanes, rest)
    whole = ir.IntType(32 if single else 64)
    kind = ir.VectorType(whole, lanes.count) if lanes.count > 1 else whole

    def integer(number: int) -> ir.Value:
        return ir.Constant(kind, [number] * lanes.count if lanes.count > 1 else number)

    exponent = b.shl(b.add(b.fptosi(power, kind), integer(bias)), integer(bits))
    value = b.fmul(value, b.bitcast(exponent, lanes.type))
    value = b.select(b.fcmp_ordered("<", x, constant(lowest)), constant(0.0), value)
    return b.select(b.fcmp_unordered("uno", x, x), x, value)


def _horner(lanes: Lanes, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    value = lanes.constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = lanes.builder.fadd(lanes.mul(value, x), lanes.constant(coefficient), flags=("contract",))
    return value


def _exp_single(lanes: Lanes, x: ir.Value) -> ir.Value:
    series = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
    square = lanes.builder.fmul(x, x)
    tail = lanes.builder.fadd(lanes.builder.fmul(_horner(lanes, x, series), square), x)
    return lanes.builder.fadd(tail, lanes.constant(1.0))


def _exp_double(lanes: Lanes, x: ir.Value) -> ir.Value:
    above = (1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
    below = (3.00198505138664455042e-6, 2.52448340349684104192e-3, 2.27265548208155028766e-1, 2.0)
    b, square = lanes.builder, lanes.builder.fmul(x, x)
    top = b.fmul(x, _horner(lanes, square, above))
    ratio = b.fdiv(top, b.fsub(_horner(lanes, square, below), top))
    return b.fadd(lanes.constant(1.0), b.fmul(lanes.constant(2.0), ratio))
