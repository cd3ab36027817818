"""Matrix products on a CPU, by the faster of the two libraries that torch brings.

torch gives products of float32 to MKL, which keeps to AVX2 on processors that are not Intel's. AMD's Zen 4 and later
know AVX-512, and oneDNN uses it: 230 instead of 100 billion operations a second on one core of Zen 5 (measured; shapes
as in `benchmarks/speed_layers.py`). oneDNN is reached as Inductor reaches it, and not where it is switched off
(`torch.backends.mkldnn.flags(enabled=False)`).

oneDNN makes code for every shape, once, for a millisecond. So rows come in `pieces` of few different sizes, and others
stay MKL's.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

LEAST, WORTH = 64, 2**21
"""From which rows, columns and terms of a sum on, and how many multiplications, oneDNN is the faster one."""

_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)
_onednn = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None


class Products(NamedTuple):
    """What computes products. Operands may have gaps; a `dense` one on the right is faster.

    Attributes:
        set: sets a matrix [rows, columns] to a [rows, inner] times b [inner, columns], plus a vector [columns] or None.
        add: adds a product to a matrix in place.
    """

    set: Callable[..., None]
    add: Callable[..., None]


def products(like: Float[Tensor, "..."]) -> Products:
    """What is the fastest for tensors like this one."""
    return Products(_set_by_onednn, _add_by_onednn) if is_by_onednn(like) else Products(_set_by_mkl, _add_by_mkl)


def is_by_onednn(like: Float[Tensor, "..."]) -> bool:
    """Whether large products of tensors like this one are oneDNN's.

    Where somebody looks at every operation, as torch's counter of operations does, they are those that all know.
    """
    if like.dtype != torch.float32 or like.device.type != "cpu" or _onednn is None:
        return False
    return bool(torch.backends.mkldnn.enabled) and _is_wide_without_mkl() and not _modes()


@functools.cache
def _is_wide_without_mkl() -> bool:
    """Whether the processor knows AVX-512, and MKL does not use it."""
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("avx512_f")) and str(known.get("cpu_name")).startswith("AMD")


def pieces(rows: int, most: int) -> list[int]:
    """Rows, split: the largest power of two up to `most` at once, then some eighths of that, then the rest.

    Example:
        >>> pieces(3400, 1500)
        [1024, 1024, 1024, 256, 64, 8]
    """
    piece = 1 << max(most, 1).bit_length() - 1
    sizes, rest = [piece] * (rows // piece), rows % piece
    for unit in (max(piece // 8, LEAST), LEAST, 1):
        if rest >= unit:
            sizes.append(rest - rest % unit)
            rest %= unit
    return sizes


def dense(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """The same without gaps between its rows or its columns; a copy, if it has some."""
    return matrix if matrix.is_contiguous() or matrix.T.is_contiguous() else matrix.contiguous()


def _set_by_mkl(
    total: Float[Tensor, "rows columns"],
    a: Float[Tensor, "rows inner"],
    b: Float[Tensor, "inner columns"],
    start: Float[Tensor, " columns"] | None = None,
) -> None:
    total.zero_() if start is None else total.copy_(start.expand_as(total))  # into the cache, where the product adds
    _add_by_mkl(total, a, b)


def _add_by_mkl(
    total: Float[Tensor, "rows columns"], a: Float[Tensor, "rows inner"], b: Float[Tensor, "inner columns"]
) -> None:
    torch.addmm(total, a, b, out=total)  # torch's counter of operations knows this form, not that of `addmm_`


def _set_by_onednn(total: Tensor, a: Tensor, b: Tensor, start: Tensor | None = None) -> None:
    if _is_large(a, b, len(a)):
        total.copy_(_product(a, b, start))
    else:
        _set_by_mkl(total, a, b, start)


def _add_by_onednn(total: Tensor, a: Tensor, b: Tensor) -> None:
    over_rows = not a.is_contiguous()  # the gradient of a matrix
    if not _is_large(a, b, len(b) if over_rows else len(a)):
        _add_by_mkl(total, a, b)
    elif over_rows and b.shape[1] < len(a):  # what comes first is copied, so it is the smaller one
        total += _product(b.T, a.T).T
    else:
        total += _product(a, b)


def _is_large(a: Tensor, b: Tensor, piece: int) -> bool:
    (rows, inner), columns = a.shape, b.shape[1]
    return piece % LEAST == 0 and min(rows, inner, columns) >= LEAST and rows * inner * columns >= WORTH


def _product(a: Tensor, b: Tensor, start: Tensor | None = None) -> Tensor:
    """oneDNN's: it copies `a` where that has gaps, takes its slowest way where `b` has, and misreads such a `start`."""
    whole = None if start is None else start.contiguous()
    return _onednn(a, dense(b).T, whole, "none", [], "")  # type: ignore[misc]
