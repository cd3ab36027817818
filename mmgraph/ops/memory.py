"""Memory of large tables, kept from one step to the next.

The C library gives a block above 32 MB back to the system as soon as it is free, smaller ones now and then, and gets
them anew in the next step, page by page and filled with zeros: up to a sixth of a layer's time. What is lent here is
lent again instead.
"""

import weakref
from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Shaped
from torch import Tensor

LEAST = 2**22
"""Bytes from which on a table is lent; smaller ones are the C library's."""

KEPT = 2**30
"""Bytes that are kept at most while nobody has them."""

_free: dict[int, Tensor] = {}
"""By address. Tables die in any thread and at any moment: nothing here takes more than one step of Python."""


def empty_table(like: Shaped[Tensor, "..."], shape: Sequence[int]) -> Shaped[Tensor, "..."]:
    """As `like.new_empty(shape)`, in memory that a table had before where it is large and on a CPU.

    Example:
        >>> empty_table(torch.zeros(1, dtype=torch.float64), (2, 3)).dtype
        torch.float64
    """
    size = prod(shape) * like.element_size()
    lent = like.device.type == "cpu" and like.dtype in (torch.float32, torch.float64) and type(like) is Tensor
    if size < LEAST or not lent or torch.compiler.is_compiling():
        return like.new_empty(shape)
    memory = _take(size)
    array = memory[:size].view(like.dtype).view(*shape).numpy()
    weakref.finalize(array, _give_back, memory).atexit = False  # when the last tensor that shares it is gone
    return torch.from_numpy(array)


def _take(size: int) -> Tensor:
    for address in list(_free):  # no pairs: to make one may collect garbage, whose tables come back meanwhile
        memory = _free.get(address)
        if memory is None or not size <= memory.numel() <= size + size // 4:
            continue
        if _free.pop(address, None) is not None:
            return memory
    return torch.empty(size + size // 8, dtype=torch.uint8, device="cpu")  # the next batch may be a little larger


def _give_back(memory: Tensor) -> None:
    _free[memory.data_ptr()] = memory
    while sum(kept.numel() for kept in list(_free.values())) > KEPT:
        _free.pop(next(iter(list(_free)), 0), None)
