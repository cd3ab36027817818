"""The schema of PyTorch Geometric's graphs, as far as they show it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mmgraph.graph.field import Field, dtype_name
from mmgraph.graph.names import MASK
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.single import field_of

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


def infer_schema(graphs: Sequence["HeteroData"]) -> GraphSchema:
    """The union of what the graphs have, in the order in which it appears; see `mmgraph.graph.pyg.from_pyg`.

    Raises:
        ValueError: naming graph, place and key for a value that no `GraphBatch` can hold.

    Example:
        >>> import torch
        >>> from torch_geometric.data import HeteroData
        >>> one, other = HeteroData({"text": {"x": torch.zeros(2, 3)}}), HeteroData({"image": {"x": torch.zeros(1, 4)}})
        >>> dict(infer_schema([one, other]).modalities)
        {'text': 3, 'image': 4}
    """
    modalities: dict[str, int] = {}
    attributes: dict[str, dict[str, Field]] = {}
    relations: dict[Relation, tuple[str, ...]] = {}
    targets: dict[str, Field] = {}
    masked = _with_masks(graphs)
    for number, data in enumerate(graphs):
        for modality, store in data.node_items():
            where = f"graph {number}, modality {modality!r}"
            modalities[modality] = modalities.get(modality) or _width(store, "x", where)
            for key in _keys(store, ("x", "num_nodes"), masked[modality]):
                field = _node_field(key, store[key], where)
                if key in masked[modality]:
                    _add_target(targets, key, Field(field.dtype, field.shape, of=modality), where)
                else:
                    attributes.setdefault(modality, {}).setdefault(key, field)
        for relation, store in data.edge_items():
            width = _width(store, "edge_attr", f"graph {number}, relation {relation}")
            names = tuple(f"feature_{i}" for i in range(width))
            relations[relation] = relations.get(relation) or names
        store = data.stores[0]
        for key in _keys(store, ("id",), tuple(store.keys())):
            _add_target(targets, key, _graph_field(key, store[key], f"graph {number}"), f"graph {number}")
    return GraphSchema(modalities, relations, attributes, targets)


def _width(store: Any, key: str, where: str) -> int:
    features = store.get(key)
    if features is None:
        return 0
    if not isinstance(features, Tensor) or features.dim() != 2:
        raise ValueError(f"{where}: {key!r} is {features!r}; a GraphBatch holds features as a tensor [rows, channels]")
    return features.shape[1]


def _with_masks(graphs: Sequence["HeteroData"]) -> dict[str, tuple[str, ...]]:
    """Per modality the names of its targets: `y`, and what has a mask beside it, under which may be NaN."""
    found: dict[str, list[str]] = {}
    for data in graphs:
        for modality, store in data.node_items():
            names = found.setdefault(modality, ["y"])
            for key in store.keys():  # noqa: SIM118 - a store gives values
                mask = store.get(key + MASK)
                if key not in ("x", "num_nodes", *names) and isinstance(mask, Tensor) and mask.dtype == torch.bool:
                    names.append(key)
    return {modality: tuple(names) for modality, names in found.items()}


def _keys(store: Any, apart: tuple[str, ...], masked: tuple[str, ...]) -> list[str]:
    """What a store holds, but for the names `apart` and the masks of the names `masked`."""
    masks = [name + MASK for name in masked if name in store]
    return [key for key in store.keys() if key not in apart and key not in masks]  # noqa: SIM118 - a store gives values


def _add_target(targets: dict[str, Field], key: str, field: Field, where: str) -> None:
    if targets.setdefault(key, field).of != field.of:
        raise ValueError(f"{where}: {key!r} is also a target of {targets[key].of or 'the graph'!r}; rename one of them")


def _node_field(key: str, value: object, where: str) -> Field:
    if isinstance(value, Tensor) and value.dim():
        return field_of(key, value)
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return Field("text")
    raise ValueError(f"{where}: {key!r} is {value!r}; a GraphBatch holds a tensor row or a str per node")


def _graph_field(key: str, value: object, where: str) -> Field:
    if isinstance(value, Tensor) and value.dim() and value.shape[0] == 1:
        return Field(dtype_name(value.dtype, key), tuple(value.shape[1:]))
    raise ValueError(
        f"{where}: {key!r} is {value!r}; a GraphBatch holds tensors of shape [1, ...], as PyG's batching needs"
    )
