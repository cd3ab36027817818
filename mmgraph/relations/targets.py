"""Targets of raw samples, as tensors with a mask."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mmgraph.graph import Field, NodeSet, Target

KINDS = {"f": "iuf", "i": "iub", "u": "iub", "b": "b"}
"""Kinds of numpy arrays that may be given for the kind of a field: whole numbers for floats, but not the other way."""


def collect_targets(
    fields: Mapping[str, Field], samples: Sequence[Mapping[str, Any]], nodes: Mapping[str, NodeSet]
) -> dict[str, Target]:
    """One `Target` per field. Where a sample has None or nothing under the target's name, the mask is False.

    Args:
        fields: target fields by name.
        samples: raw samples, with their `id`.
        nodes: their nodes; a target of the nodes of a modality has one row per node.

    Raises:
        ValueError: naming target, sample and value, where a value has another kind or shape than its field.

    Example:
        >>> samples = [{"id": "a", "answer": 7}, {"id": "b"}]
        >>> target = collect_targets({"answer": Field("int64", num_classes=10)}, samples, {})["answer"]
        >>> target.values.tolist(), target.mask.tolist()
        ([7, 0], [True, False])
    """
    targets = {}
    for name, field in fields.items():
        rows = [1] * len(samples) if field.of is None else nodes[field.of].counts.tolist()
        values = []
        for sample, count in zip(samples, rows, strict=True):
            shape = field.shape if field.of is None else (count, *field.shape)
            try:
                values.append(_value(sample.get(name), field, shape))
            except ValueError as error:
                error.add_note(f"in target {name!r} of sample {sample['id']!r}")
                raise
        known = torch.tensor([sample.get(name) is not None for sample in samples])
        joined = np.stack(values) if field.of is None else np.concatenate(values)
        targets[name] = Target(torch.from_numpy(joined), known.repeat_interleave(torch.tensor(rows)))
    return targets


def _value(value: object, field: Field, shape: tuple[int, ...]) -> NDArray[Any]:
    dtype = np.dtype(field.dtype)
    if value is None:
        return np.zeros(shape, dtype)
    given = np.asarray(value)
    converted = given.astype(dtype) if given.dtype.kind in KINDS[dtype.kind] or given.size == 0 else None
    if converted is None or given.shape != shape or (dtype.kind in "iu" and not np.array_equal(converted, given)):
        raise ValueError(f"expected {field.dtype} of shape {list(shape)}, got {value!r}")
    return converted
