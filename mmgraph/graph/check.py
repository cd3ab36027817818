"""Checks of what a `GraphBatch` is built from. Every message names the sample, the place and the value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import torch
from torch import Tensor

from mmgraph.graph.edges import EdgeList
from mmgraph.graph.field import DTYPES, Field
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts

FLOATS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Place:
    """A modality, relation or target with its rows, for messages.

    Attributes:
        name: such as "relation ('text', 'with', 'image')".
        ptr: rows of sample g are `ptr[g]` to `ptr[g + 1]`.
        ids: names of the samples.
    """

    name: str
    ptr: Tensor
    ids: Texts

    def of(self, row: int) -> str:
        """The sample that a row belongs to, and the place."""
        sample = int(torch.searchsorted(self.ptr, self.ptr.new_tensor(row), right=True)) - 1
        return f"sample {self.ids[sample]!r}, {self.name}"

    def forbid(self, wrong: Tensor, message: Callable[[int], str]) -> None:
        """Raises ValueError with the message for the first row in which `wrong` holds."""
        if bool(wrong.any()):
            row = int(torch.nonzero(wrong)[0, 0])
            raise ValueError(f"{self.of(row)}: {message(row)}")


def run(index: object, length: int) -> tuple[int, int] | None:
    """Start and stop where an index means graphs that follow each other, None where `positions` is to be asked."""
    if isinstance(index, slice):
        start, stop, step = index.indices(length)
        return (start, max(start, stop)) if step == 1 else None
    if isinstance(index, int | np.integer) and not isinstance(index, bool) and -length <= index < length:
        return int(index) % length, int(index) % length + 1
    return None


def positions(index: SupportsIndex | slice | Tensor | np.ndarray | Sequence[SupportsIndex], length: int) -> Tensor:
    """Graph numbers (int64) that an index means. Raises IndexError out of range, TypeError for other types."""
    if isinstance(index, slice):
        return torch.tensor(range(length)[index], dtype=torch.int64)
    if isinstance(index, np.ndarray) and index.dtype.kind in "biu":  # torch takes no negative strides or other bytes
        index = np.ascontiguousarray(index, dtype=index.dtype.newbyteorder("="))
    try:
        numbers = torch.as_tensor(index)
    except (RuntimeError, TypeError, ValueError) as error:
        raise TypeError(f"graphs are selected by whole numbers, a slice or a mask, got {index!r}") from error
    if numbers.dim() > 1 or (numbers.dim() == 0 and numbers.dtype == torch.bool):
        raise IndexError(f"an index is a number, a slice or one-dimensional, got {numbers.dtype} {numbers.shape=}")
    if numbers.dtype == torch.bool:
        if numbers.numel() != length:
            raise IndexError(f"a mask over {length} graphs has {length} entries, got {numbers.numel()}")
        return torch.nonzero(numbers).squeeze(1)
    if numbers.numel() and (numbers.is_floating_point() or numbers.is_complex()):
        raise TypeError(f"graphs are selected by whole numbers, got {numbers.dtype}")
    numbers = numbers.reshape(-1).to(torch.int64)
    wrong = numbers[(numbers < -length) | (numbers >= length)]
    if wrong.numel():
        raise IndexError(f"graph {int(wrong[0])} of {length}")
    return torch.where(numbers < 0, numbers + length, numbers)


def count_graphs(nodes: Mapping[str, NodeSet], edges: Mapping[Relation, EdgeList]) -> int:
    """The number of graphs that all parts agree on."""
    pointers: dict[str, Tensor] = {f"nodes of {name!r}": value.ptr for name, value in nodes.items()}
    pointers |= {f"edges of {relation}": value.ptr for relation, value in edges.items()}
    for where, ptr in pointers.items():
        if ptr.dim() != 1 or ptr.numel() == 0:
            raise ValueError(f"{where}: ptr has one entry more than there are graphs, got shape {list(ptr.shape)}")
    counts = {where: ptr.numel() - 1 for where, ptr in pointers.items()}
    if not counts or max(counts.values()) == 0:
        raise ValueError("empty data set: there is no graph")
    if len(set(counts.values())) > 1:
        raise ValueError(f"the parts disagree about the number of graphs: {counts}")
    return next(iter(counts.values()))


def on_cpu(nodes: Mapping[str, NodeSet], edges: Mapping[Relation, EdgeList], targets: Mapping[str, Target]) -> None:
    """All tensors are where batches are built."""
    found = {f"modality {name!r}": value.x.device for name, value in nodes.items()}
    found |= {f"relation {relation}": value.src.device for relation, value in edges.items()}
    found |= {f"target {name!r}": value.values.device for name, value in targets.items()}
    for where, device in found.items():
        if device.type != "cpu":
            raise ValueError(f"{where} is on {device}: build graphs on the CPU, then move them with .to")


def ids(names: Texts, num_graphs: int) -> None:
    """One id per graph."""
    if len(names) != num_graphs:
        raise ValueError(f"{len(names)} ids for {num_graphs} graphs")


def names(
    schema: GraphSchema,
    given_nodes: Mapping[str, NodeSet],
    given_edges: Mapping[Relation, EdgeList],
    given_targets: Mapping[str, Any],
) -> None:
    """Nothing is given that the schema does not know, and no target is missing."""
    for modality in given_nodes:
        schema.modality_id(modality)
    for relation in given_edges:
        schema.relation_id(relation)
    for name in given_targets:
        if name not in schema.targets:
            raise ValueError(f"unknown target {name!r}; the schema has {list(schema.targets)}")
    for name in schema.targets:
        if name not in given_targets:
            raise ValueError(f"target {name!r} is in the schema, but was not given; mask what is unknown")


def tensors(given: Mapping[str, Any]) -> None:
    """Targets are tensors, with a mask or without."""
    for name, value in given.items():
        if not isinstance(value, Tensor | Target):
            raise ValueError(f"target {name!r} is a tensor or a Target, got {value!r}; use torch.tensor")


def feature_dtype(given_nodes: Mapping[str, NodeSet], given_edges: Mapping[Relation, EdgeList]) -> torch.dtype:
    """The one dtype of all node and edge features; float32 where there are none."""
    features = {f"modality {name!r}": value.x for name, value in given_nodes.items()}
    features |= {f"relation {r}": value.features for r, value in given_edges.items() if value.features is not None}
    first = next(iter(features), "")
    for where, value in features.items():
        if value.dtype not in FLOATS:
            raise ValueError(f"{where}: features are float32 or float64, got {value.dtype}")
        if value.dtype != features[first].dtype:
            raise ValueError(
                f"{where} has {value.dtype} features, {first} has {features[first].dtype}: give all the same dtype"
            )
    return features[first].dtype if features else torch.float32


def nodes(schema: GraphSchema, given: Mapping[str, NodeSet], names: Texts) -> None:
    """Sizes, dtypes, finiteness, spans and boxes of all nodes; every graph has a node."""
    for modality, value in given.items():
        place = Place(f"modality {modality!r}", value.ptr, names)
        _shape(value.x, schema.modalities[modality], place)
        _pointers(value.ptr, value.x.shape[0], place)
        _finite(value.x, place)
        _attributes(schema.attributes[modality], value, place)
    total = torch.stack([value.counts for value in given.values()]).sum(0)
    if not bool((total > 0).all()):
        graph = int(torch.nonzero(total == 0)[0])
        raise ValueError(f"sample {names[graph]!r} is empty: it has no node of any modality")


def edges(schema: GraphSchema, given: Mapping[str, NodeSet], lists: Sequence[EdgeList], names: Texts) -> None:
    """Ranges, order, dtypes and features of all edges."""
    for relation, value in zip(schema.edge_types, lists, strict=True):
        place = Place(f"relation {relation}", value.ptr, names)
        _pointers(value.ptr, value.num_edges, place)
        _end("src", value.src, value, given[relation[0]], place)
        _end("dst", value.dst, value, given[relation[2]], place)
        _sorted(value, place)
        channels = schema.edge_channels(relation)
        if (value.features is None) != (channels == 0):
            got = "none" if value.features is None else f"features of shape {list(value.features.shape)}"
            raise ValueError(f"{place.name} has {channels} edge features in the schema, got {got}")
        if value.features is None:
            continue
        _shape(value.features, channels, place)
        if value.features.shape[0] != value.num_edges:
            raise ValueError(f"{place.name}: {value.features.shape[0]} rows of features for {value.num_edges} edges")
        _finite(value.features, place)


def targets(schema: GraphSchema, given: Mapping[str, NodeSet], known: Mapping[str, Target], names: Texts) -> None:
    """Sizes, dtypes and values of all targets."""
    for name, value in known.items():
        field = schema.targets[name]
        ptr = torch.arange(len(names) + 1) if field.of is None else given[field.of].ptr
        place = Place(f"target {name!r}", ptr, names)
        rows, mask = int(ptr[-1]), value.mask
        _rows(value.values, field, rows, place.name)
        if mask.dtype != torch.bool or mask.shape != (rows,):
            raise ValueError(f"{place.name}: the mask is bool of shape [{rows}], got {mask.dtype} {list(mask.shape)}")
        used = value.values.clone()
        used[~mask] = 0
        _values(used, field, place)


def _attributes(fields: Mapping[str, Field], value: NodeSet, place: Place) -> None:
    if set(value.attributes) != set(fields):
        raise ValueError(
            f"{place.name}: the schema has attributes {sorted(fields)}, the nodes {sorted(value.attributes)}"
        )
    for name, field in fields.items():
        rows = value.attributes[name]
        where = Place(f"{place.name}, attribute {name!r}", place.ptr, place.ids)
        if isinstance(rows, Texts) != (field.dtype == "text"):
            raise ValueError(f"{where.name} is {field.dtype}, got {type(rows).__name__}")
        if isinstance(rows, Texts):
            if len(rows) != value.num_nodes:
                raise ValueError(f"{where.name}: {len(rows)} texts for {value.num_nodes} nodes")
            continue
        _rows(rows, field, value.num_nodes, where.name)
        _values(rows, field, where)
        if name == "span":
            _spans(rows, where)
        if name == "box":
            _boxes(rows, where)


def _spans(span: Tensor, place: Place) -> None:
    place.forbid(span[:, 1] < span[:, 0], lambda row: f"span {span[row].tolist()} ends before it starts")


def _boxes(box: Tensor, place: Place) -> None:
    outside = ((box < 0) | (box > 1)).any(1) | (box[:, 2:] < box[:, :2]).any(1)
    place.forbid(outside, lambda row: f"box {box[row].tolist()} is not x1 <= x2, y1 <= y2 in 0..1")


def _end(name: str, end: Tensor, edges: EdgeList, nodes: NodeSet, place: Place) -> None:
    if end.dtype != torch.int32 or end.shape != (edges.num_edges,):
        raise ValueError(
            f"{place.name}: {name} is int32 of shape [{edges.num_edges}], got {end.dtype} {list(end.shape)}"
        )
    limit = nodes.counts[edges.graph]
    place.forbid(
        (end < 0) | (end >= limit),
        lambda row: f"edge {row} has {name} {int(end[row])}, but the graph has {int(limit[row])} such nodes",
    )


def _sorted(edges: EdgeList, place: Place) -> None:
    dst, graph = edges.dst, edges.graph
    place.forbid(
        (dst[1:] < dst[:-1]) & (graph[1:] == graph[:-1]),
        lambda row: (
            f"edges are not sorted by destination: {int(dst[row])} comes before {int(dst[row + 1])}; "
            "EdgeList.sort sorts them"
        ),
    )


def _shape(x: Tensor, channels: int, place: Place) -> None:
    if x.dim() != 2 or x.shape[1] != channels:
        raise ValueError(f"{place.name} has {channels} channels in the schema, got features of shape {list(x.shape)}")


def _finite(x: Tensor, place: Place) -> None:
    if x.is_floating_point() and not bool(torch.isfinite(x).all()):
        row, *column = torch.nonzero(~torch.isfinite(x))[0].tolist()
        at = f"row {row}" + "".join(f", column {c}" for c in column)
        raise ValueError(f"{place.of(row)}: value {float(x[(row, *column)])} at {at} is not finite")


def _rows(values: Tensor, field: Field, rows: int, where: str) -> None:
    shape = [rows, *field.shape]
    if list(values.shape) != shape or values.dtype != DTYPES[field.dtype]:
        raise ValueError(f"{where}: expected {field.dtype} {shape}, got {values.dtype} {list(values.shape)}")


def _values(values: Tensor, field: Field, place: Place) -> None:
    _finite(values, place)
    if field.num_classes is not None:
        largest = field.num_classes - 1
        wrong = (values < 0) | (values > largest)
        place.forbid(
            wrong.flatten(1).any(1) if wrong.dim() > 1 else wrong,
            lambda row: f"{values[row].tolist()} is not in 0..{largest}",
        )


def _pointers(ptr: Tensor, rows: int, place: Place) -> None:
    if ptr.dtype != torch.int64 or int(ptr[0]) != 0 or int(ptr[-1]) != rows or bool((ptr.diff() < 0).any()):
        raise ValueError(
            f"{place.name}: ptr is int64 and rises from 0 to the {rows} rows, got {ptr.dtype} {ptr.tolist()[:8]}"
        )
