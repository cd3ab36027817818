"""The exponential function of the CPU kernels, for a vector."""

from collections.abc import Sequence

from llvmlite import ir
from numba.core import cgutils

from mmgraph.ops.numba_kernels.lanes import Lanes


def exp(lanes: Lanes, x: ir.Value) -> ir.Value:
    """Exponential of x <= 0, within 2 units in the last place; 0 far below, NaN for NaN.

    Range reduction and the polynomials are those of the Cephes library (S. Moshier, 1989).
    """
    single = isinstance(lanes.element, ir.FloatType)
    lowest, bits, bias = (-87.0, 23, 127) if single else (-708.0, 52, 1023)
    high, low = (0.693359375, -2.12194440e-4) if single else (6.93145751953125e-1, 1.42860682030941723212e-6)
    b, constant = lanes.builder, lanes.constant
    safe = b.select(b.fcmp_ordered(">", x, constant(lowest)), x, constant(lowest))  # a number, also for NaN
    name = f"llvm.rint.v{lanes.count}f{8 * lanes.size}"
    rint = cgutils.get_or_insert_function(b.module, ir.FunctionType(lanes.type, [lanes.type]), name)
    power = b.call(rint, [b.fmul(safe, constant(1.4426950408889634))])
    # exact steps: no freedom to reorder
    rest = b.fsub(b.fsub(safe, b.fmul(power, constant(high))), b.fmul(power, constant(low)))
    value = _exp_single(lanes, rest) if single else _exp_double(lanes, rest)
    kind = ir.VectorType(ir.IntType(32 if single else 64), lanes.count)

    def integer(number: int) -> ir.Value:
        return ir.Constant(kind, [number] * lanes.count)

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
