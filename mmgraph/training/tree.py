"""Nested state as tensors beside plain JSON, so that nothing in a file has to be unpickled."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmgraph.graph import GraphSchema

_MARKS = ("$tensor", "$schema", "$tuple", "$dict", "$float", "$name")


@dataclass(frozen=True)
class Name:
    """A function or class, `"module:name"`, as a value in a file: looked up only by `Blueprint.build`.

    Example:
        >>> flatten({"conv": Name("mmgraph.nn:GATConv")})
        ({'conv': {'$name': 'mmgraph.nn:GATConv'}}, {})
    """

    name: str


def flatten(tree: Any) -> tuple[Any, dict[str, Tensor]]:
    """The tree as JSON, and its tensors by name. `unflatten` reads both back, equal in every type and bit.

    Args:
        tree: None, bool, int, float, str, list, tuple, dict (any such keys), `GraphSchema`, `Name`, tensors, nested.

    Raises:
        ValueError: naming the place and type of anything else.

    Example:
        >>> import torch
        >>> flatten({"step": 3, "betas": (0.9, 0.99), "state": {0: torch.ones(1)}})
        ({'step': 3, 'betas': {'$tuple': [0.9, 0.99]}, 'state': {'$dict': [[0, {'$tensor': 'state/0'}]]}},
         {'state/0': tensor([1.])})
    """
    tensors: dict[str, Tensor] = {}
    return _flatten(tree, "", tensors), tensors


def unflatten(structure: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The tree that `flatten` took apart.

    Raises:
        ValueError: on a tensor that is missing, or a mark that `flatten` does not write.

    Example:
        >>> unflatten({"betas": {"$tuple": [0.9, 0.99]}}, {})
        {'betas': (0.9, 0.99)}
    """
    if isinstance(structure, list):
        return [unflatten(part, tensors) for part in structure]
    if not isinstance(structure, dict):
        return structure
    mark = next((key for key in structure if key.startswith("$")), None)
    if mark is None:
        return {key: unflatten(value, tensors) for key, value in structure.items()}
    content = structure[mark]
    if mark not in _MARKS or len(structure) != 1:
        raise ValueError(f"unknown mark {mark!r} among {list(structure)}; known: {', '.join(_MARKS)}")
    if mark == "$tensor" and content not in tensors:
        raise ValueError(f"there is no tensor {content!r} among the {len(tensors)} given")
    return _read_mark(mark, content, tensors)


def map_leaves(tree: Any, change: Callable[[Any], Any]) -> Any:
    """The same tree with `change` applied to everything that is not a dict, list or tuple.

    Example:
        >>> map_leaves({"a": [1, 2]}, lambda leaf: leaf + 1)
        {'a': [2, 3]}
    """
    if isinstance(tree, Mapping):
        return {key: map_leaves(value, change) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [map_leaves(part, change) for part in tree]
        return parts if isinstance(tree, list) else tuple(parts)
    return change(tree)


def copy_to_cpu(tree: Any) -> Any:
    """The same tree with copies of its tensors, in CPU memory and without gradients: a snapshot.

    Example:
        >>> import torch
        >>> weight = torch.ones(2, requires_grad=True)
        >>> copy_to_cpu({"weight": weight})
        {'weight': tensor([1., 1.])}
    """

    def copy(leaf: Any) -> Any:
        return leaf.detach().to("cpu", copy=True).contiguous() if isinstance(leaf, Tensor) else leaf

    return map_leaves(tree, copy)


def _flatten(tree: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    if tree is None or isinstance(tree, bool | int | str):
        return tree
    if isinstance(tree, float):
        return tree if math.isfinite(tree) else {"$float": repr(tree)}  # JSON has no inf and no nan
    if isinstance(tree, Tensor):
        while place in tensors:  # keys that contain a slash
            place += "'"
        tensors[place] = tree
        return {"$tensor": place}
    if isinstance(tree, GraphSchema):
        return {"$schema": tree.to_json()}
    if isinstance(tree, Name):
        return {"$name": tree.name}
    if isinstance(tree, list | tuple):
        parts = [_flatten(part, _below(place, i), tensors) for i, part in enumerate(tree)]
        return parts if isinstance(tree, list) else {"$tuple": parts}
    if not isinstance(tree, Mapping):
        raise ValueError(
            f"{place or 'the value'} is a {type(tree).__qualname__}; a file can keep numbers, texts, lists, tuples, "
            "dicts, tensors, GraphSchema and Name"
        )
    values = {key: _flatten(value, _below(place, key), tensors) for key, value in tree.items()}
    if all(isinstance(key, str) and not key.startswith("$") for key in values):
        return values
    return {"$dict": [[_flatten(key, place, tensors), value] for key, value in values.items()]}


def _below(place: str, key: object) -> str:
    return f"{place}/{key}" if place else str(key)


def _read_mark(mark: str, content: Any, tensors: Mapping[str, Tensor]) -> Any:
    if mark == "$tensor":
        return tensors[content]
    if mark == "$schema":
        return GraphSchema.from_json(content)
    if mark == "$name":
        return Name(str(content))
    if mark == "$float":
        return float(content)
    if mark == "$tuple":
        return tuple(unflatten(content, tensors))
    return {unflatten(key, tensors): unflatten(value, tensors) for key, value in content}
