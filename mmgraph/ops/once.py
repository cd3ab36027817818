"""What is worked out of a graph's edges once, and found again in every layer, pass and epoch."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

Result = TypeVar("Result")


def once_per_graph(compute: Callable[..., Result]) -> Callable[..., Result]:
    """Remembers what `compute` gives for the tensors of a graph's edges, as long as the first of them lives.

    A tensor that torch changed in place, or that another replaces, is worked out anew; changes that torch does not
    count (through numpy, through `.data`) are not seen. Tensors made in inference mode, which count nothing, and what
    `torch.compile` traces are worked out anew each time. `compute` sees aliases, so that what it gives keeps no key
    alive, and works outside of inference mode, so that a later gradient may use it.

    Args:
        compute: takes tensors of integers of any shape, the first of them first, and what else it depends on, all by
            place; what it gives is not to be changed.

    Example:
        >>> import torch
        >>> calls = []
        >>> total = once_per_graph(lambda edges: calls.append(1) or int(edges.sum()))
        >>> edges = torch.tensor([1, 2])
        >>> total(edges), total(edges), edges.add_(1).tolist(), total(edges), len(calls)
        (3, 3, [2, 3], 5, 2)
    """
    found = WeakTensorKeyDictionary()

    def work_out(arguments: tuple[Any, ...]) -> Result:
        return compute(*(part.detach() if isinstance(part, Tensor) else part for part in arguments))

    @wraps(compute)
    def look_up(*arguments: Any) -> Result:
        first, *others = arguments
        tensors = [part for part in arguments if isinstance(part, Tensor)]
        if torch.compiler.is_compiling() or any(tensor.is_inference() for tensor in tensors):
            return work_out(arguments)
        versions = [tensor._version for tensor in tensors]
        if first in found:
            known, at, result = found[first]
            if at == versions and all(map(_same, known, others)):
                return result
        with torch.inference_mode(False), torch.no_grad():
            result = work_out(arguments)
        found[first] = others, versions, result
        return result

    return look_up


def _same(a: object, b: object) -> bool:
    return a is b if isinstance(a, Tensor) or isinstance(b, Tensor) else a == b
