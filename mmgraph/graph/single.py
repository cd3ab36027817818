"""One graph from plain tensors."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmgraph.graph import check
from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.edges import EdgeList
from mmgraph.graph.field import STANDARD_ATTRIBUTES, Field, dtype_name
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts


def single_graph(
    x: Mapping[str, Tensor],
    edge_index: Mapping[Relation, Tensor],
    schema: GraphSchema | None,
    attributes: Mapping[str, Mapping[str, Tensor | Sequence[str]]],
    edge_features: Mapping[Relation, Tensor],
    targets: Mapping[str, Target | Tensor],
    name: str,
) -> GraphBatch:
    """See `GraphBatch.single`."""
    check.tensors(targets)
    for relation in edge_features:
        if relation not in edge_index:
            raise ValueError(f"edge features are given for {relation}, but no edge_index")
    for modality in attributes:
        if modality not in x:
            raise ValueError(f"attributes are given for {modality!r}, but no x")
    if not x:
        raise ValueError(f"sample {name!r} is empty: it has no node of any modality")
    given: dict[str, object] = {
        f"x of {modality!r} is a tensor [nodes, channels]": rows for modality, rows in x.items()
    }
    given |= {f"edge_index of {relation} is a tensor [2, edges]": index for relation, index in edge_index.items()}
    given |= {f"edge_features of {relation} are a tensor [edges, channels]": f for relation, f in edge_features.items()}
    for what, value in given.items():
        if not isinstance(value, Tensor) or value.dim() == 0:
            raise ValueError(f"{what}, got {value!r:.80}; use torch.as_tensor")
    schema = schema or _infer(x, edge_index, attributes, edge_features, targets)
    nodes = {}
    for modality, rows in x.items():
        values = {k: v if isinstance(v, Tensor) else Texts.of(v) for k, v in attributes.get(modality, {}).items()}
        nodes[modality] = NodeSet(rows, torch.tensor([0, rows.shape[0]]), values)
    edges = {relation: _edges(relation, index, edge_features.get(relation)) for relation, index in edge_index.items()}
    known = {key: _as_rows(value, schema.targets.get(key)) for key, value in targets.items()}
    return GraphBatch.build(schema, nodes, edges, known, [name])


def field_of(name: str, value: Tensor | Sequence[str]) -> Field:
    """What an attribute's rows hold. Raises ValueError for a dtype that no field has."""
    if name in STANDARD_ATTRIBUTES:
        return STANDARD_ATTRIBUTES[name]
    return Field(dtype_name(value.dtype, name), tuple(value.shape[1:])) if isinstance(value, Tensor) else Field("text")


def _edges(relation: Relation, index: Tensor, features: Tensor | None) -> EdgeList:
    if index.dim() != 2 or index.shape[0] != 2 or index.is_floating_point():
        raise ValueError(
            f"relation {relation}: edge_index is integer [2, edges], got {index.dtype} {tuple(index.shape)}"
        )
    try:
        graph = torch.zeros(index.shape[1], dtype=torch.int64)
        return EdgeList.sort(graph, index[0], index[1], features, num_graphs=1)
    except ValueError as error:
        error.add_note(f"in relation {relation}")
        raise


def _as_rows(value: Target | Tensor, field: Field | None) -> Target | Tensor:
    """A graph's target as one row; a node-level one has its rows already, and so has a `Target`."""
    return value.unsqueeze(0) if isinstance(value, Tensor) and (field is None or field.of is None) else value


def _infer(
    x: Mapping[str, Tensor],
    edge_index: Mapping[Relation, Tensor],
    attributes: Mapping[str, Mapping[str, Tensor | Sequence[str]]],
    edge_features: Mapping[Relation, Tensor],
    targets: Mapping[str, Target | Tensor],
) -> GraphSchema:
    channels = {r: edge_features[r].shape[-1] if r in edge_features else 0 for r in edge_index}
    rows = {name: value.values[0] if isinstance(value, Target) else value for name, value in targets.items()}
    return GraphSchema(
        {modality: features.shape[-1] for modality, features in x.items()},
        {relation: tuple(f"feature_{i}" for i in range(count)) for relation, count in channels.items()},
        {m: {name: field_of(name, value) for name, value in values.items()} for m, values in attributes.items()},
        {name: Field(dtype_name(row.dtype, name), tuple(row.shape)) for name, row in rows.items()},
    )
