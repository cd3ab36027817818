"""What differs between two batches."""

import torch

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.parts import take_apart


def difference(one: GraphBatch, other: GraphBatch) -> str | None:
    """The first difference in content, None where both hold exactly the same.

    NaN, which a masked target may hold, equals NaN. Dtypes count where there are values, the device does not.

    Example:
        >>> one = GraphBatch.single({"text": torch.zeros(2, 1)}, {})
        >>> difference(one, one.double())
        'nodes text x: torch.float32 [2, 1] and torch.float64 [2, 1]'
    """
    if one.schema != other.schema:
        return f"schema: {one.schema} and {other.schema}"
    theirs = take_apart(other)
    for path, value in take_apart(one).items():
        name, given = " ".join(path), theirs[path].to(value.device)
        if value.shape != given.shape or (value.dtype != given.dtype and value.numel()):
            return f"{name}: {value.dtype} {list(value.shape)} and {given.dtype} {list(given.shape)}"
        unlike = value != given
        if value.is_floating_point():
            unlike &= ~(value.isnan() & given.isnan())
        if bool(unlike.any()):
            row = tuple(torch.nonzero(unlike)[0].tolist())
            return f"{name}: {value[row].item()} and {given[row].item()} at {list(row)}"
    return None
