"""To and from networkx: one `MultiDiGraph` per graph.

| here | in `MultiDiGraph` |
|---|---|
| id of a sample | `graph.graph["id"]` |
| target of a graph | `graph.graph[name]`, a number or nested lists of numbers |
| node i of a modality | the node `(modality, i)`, i from 0 |
| node features | `x`, a list of numbers, where the schema says more than 0 channels |
| attributes and targets of nodes | under their names: a number, nested lists, or a str |
| edge | from `(src, i)` to `(dst, j)`, its `relation` the relation's name; keys number the edges, parallel ones too |
| edge features | numbers under their names in the schema |
| mask of a target | `<name>_mask`, bool, beside it: in every graph if a value is unknown in any of them, else in none |
| float64 features | `graph.graph["dtype"]` is "float64" |

`networkx.node_link_data` turns such graphs into JSON and back. GraphML and GEXF know no lists: take `x`, `span`, `box`
out for them (`for _, data in graph.nodes(data=True): del data["x"]`); their nodes come back with names `"('text', 0)"`.
"""

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.field import DTYPES, Field
from mmgraph.graph.names import MASK, require_unique, target_names
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.target import Target

if TYPE_CHECKING:
    from networkx import MultiDiGraph

Node = tuple[str, int]


def to_networkx(batch: GraphBatch) -> list["MultiDiGraph"]:
    """One `MultiDiGraph` per graph. `from_networkx(to_networkx(batch), batch.schema)` gives the batch back exactly.

    Raises:
        ValueError: naming an attribute, target or edge feature whose name means something else in the `MultiDiGraph`.

    Example:
        >>> graph = GraphBatch.single({"text": torch.zeros(2, 1)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> list(to_networkx(graph)[0].edges(data=True))
        [(('text', 0), ('text', 1), {'relation': 'next'})]
    """
    from networkx import MultiDiGraph

    _check_names(batch.schema)
    masked = [name for name, target in batch.targets.items() if not bool(target.mask.all())]
    graphs = []
    for single in batch:
        graph = MultiDiGraph()
        graph.graph |= {"id": single.ids[0]} | {name: rows[0] for name, rows in _targets(single, None, masked).items()}
        if single.dtype == torch.float64:
            graph.graph["dtype"] = "float64"
        for modality in single.nodes:
            graph.add_nodes_from(_node_rows(single, modality, masked))
        for relation in single.schema.edge_types:
            graph.add_edges_from(_edge_rows(single, relation, graph.number_of_edges()))
        graphs.append(graph)
    return graphs


def from_networkx(graphs: Sequence["MultiDiGraph"], schema: GraphSchema) -> GraphBatch:
    """A checked batch of networkx's graphs; the edges of each relation are sorted by destination.

    Parallel edges and those into one node keep the order of their keys where no two edges of a graph have the same key
    (as `to_networkx` makes them), otherwise the order in which networkx lists them. Floats are rounded to the dtype of
    the schema, features to float32 unless the graph attribute `dtype` says "float64". Ids are "0", "1", ... where the
    graph attribute `id` is missing, a target without a mask is known everywhere.

    Raises:
        ValueError: naming graph, node or edge, and key for what the schema does not have, for what is missing, for
            values that do not fit, edge keys that are not numbers, nodes that are not `(modality, 0 ...)`; and as
            `GraphBatch.build` does.

    Example:
        >>> from networkx import MultiDiGraph
        >>> graph = MultiDiGraph()
        >>> graph.add_node(("text", 0), x=[0.5, 1.0])
        >>> from_networkx([graph], GraphSchema({"text": 2}))
        GraphBatch(1 graph; nodes: text 1x2; edges: none)
    """
    from networkx import MultiDiGraph

    _check_names(schema)
    if not graphs:
        raise ValueError("empty data set: there is no graph")
    parts = []
    for number, graph in enumerate(graphs):
        if not isinstance(graph, MultiDiGraph):
            raise ValueError(f"graph {number} is a {type(graph).__name__}, expected a MultiDiGraph")
        try:
            parts.append(_read(graph, schema, str(number)))
        except ValueError as error:
            error.add_note(f"in graph {number}")
            raise
    return GraphBatch.concat(parts)


def _check_names(schema: GraphSchema) -> None:
    """No two things have the same name in a graph, node or edge."""
    require_unique(["id", "dtype", *target_names(schema, None)], "MultiDiGraph", "a graph")
    for modality, attributes in schema.attributes.items():
        names = ["x", *attributes, *target_names(schema, modality)]
        require_unique(names, "MultiDiGraph", f"modality {modality!r}")
    for relation in schema.edge_types:
        require_unique(["relation", *schema.edge_features(relation)], "MultiDiGraph", f"relation {relation}")


def _targets(single: GraphBatch, of: str | None, masked: Sequence[str]) -> dict[str, list[Any]]:
    columns = {}
    for name, target in single.targets.items():
        if single.schema.targets[name].of == of:
            columns[name] = target.values.tolist()
            if name in masked:
                columns[name + MASK] = target.mask.tolist()
    return columns


def _node_rows(single: GraphBatch, modality: str, masked: Sequence[str]) -> Iterator[tuple[Node, dict[str, Any]]]:
    nodes = single.nodes[modality]
    columns = {"x": nodes.x.tolist()} if nodes.x.shape[1] else {}
    columns |= {name: value.tolist() for name, value in nodes.attributes.items()}
    columns |= _targets(single, modality, masked)
    for i in range(nodes.num_nodes):
        yield (modality, i), {name: column[i] for name, column in columns.items()}


def _edge_rows(single: GraphBatch, relation: Relation, first: int) -> Iterator[tuple[Node, Node, int, dict[str, Any]]]:
    edges, names = single.relation(relation), single.schema.edge_features(relation)
    features = [[]] * edges.num_edges if edges.features is None else edges.features.tolist()
    ends = zip(edges.src.tolist(), edges.dst.tolist(), features, strict=True)
    for key, (src, dst, row) in enumerate(ends, first):
        data = {"relation": relation[1], **dict(zip(names, row, strict=True))}
        yield (relation[0], src), (relation[2], dst), key, data


def _read(graph: "MultiDiGraph", schema: GraphSchema, default_id: str) -> GraphBatch:
    _require_keys(graph.graph, {"id", "dtype", *target_names(schema, None)}, "the graph")
    dtype = graph.graph.get("dtype", "float32")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"the graph attribute 'dtype' is float32 or float64, got {dtype!r}")
    rows = _rows_by_modality(graph, schema)
    x, attributes = {}, {}
    for modality, data in rows.items():
        where, channels = f"modality {modality!r}", schema.modalities[modality]
        if not channels:  # then nodes need no x
            data = [{"x": [], **row} for row in data]
        x[modality] = _tensor(data, "x", Field(dtype, (channels,)), where)
        attributes[modality] = {
            name: _texts(data, name, where) if field.dtype == "text" else _tensor(data, name, field, where)
            for name, field in schema.attributes[modality].items()
        }
    targets = {}
    for name, field in schema.targets.items():
        data = [graph.graph] if field.of is None else rows.get(field.of, [])
        where = "graph" if field.of is None else f"modality {field.of!r}"
        known = [{name + MASK: True, **row} for row in data]
        targets[name] = Target(_tensor(data, name, field, where), _tensor(known, name + MASK, Field("bool"), where))
    edge_index, features = _edges(graph, schema, dtype)
    return GraphBatch.single(
        x,
        edge_index,
        schema=schema,
        attributes=attributes,
        edge_features=features,
        targets=targets,
        id=graph.graph.get("id", default_id),
    )


def _rows_by_modality(graph: "MultiDiGraph", schema: GraphSchema) -> dict[str, list[dict[str, Any]]]:
    """What nodes 0, 1, ... of each modality that the graph has carry."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for node, data in graph.nodes(data=True):
        if not (isinstance(node, tuple) and len(node) == 2 and isinstance(node[0], str) and isinstance(node[1], int)):
            raise ValueError(f"node {node!r}: nodes are named (modality, index), such as ('text', 0)")
        schema.modality_id(node[0])
        _require_keys(data, {"x", *schema.attributes[node[0]], *target_names(schema, node[0])}, f"node {node}")
        found.setdefault(node[0], {})[node[1]] = data
    for modality, rows in found.items():
        for i in range(len(rows)):
            if i not in rows:
                raise ValueError(f"{len(rows)} nodes of modality {modality!r} are numbered from 0, but {i} is missing")
    return {modality: [rows[i] for i in range(len(rows))] for modality, rows in found.items()}


def _edges(
    graph: "MultiDiGraph", schema: GraphSchema, dtype: str
) -> tuple[dict[Relation, Tensor], dict[Relation, Tensor]]:
    edges = list(graph.in_edges(keys=True, data=True))
    for src, dst, key, data in edges:
        if not isinstance(key, int):
            raise ValueError(f"edge {src} -> {dst} has the key {key!r}; keys are numbers, put a name into 'relation'")
        if not isinstance(data.get("relation"), str):
            raise ValueError(f"edge {src} -> {dst} needs the attribute 'relation', a relation's name, but has {data}")
    if len({key for _, _, key, _ in edges}) == len(edges):
        edges.sort(key=operator.itemgetter(2))
    groups: dict[Relation, list[tuple[int, int, dict[str, Any]]]] = {}
    for (source, src), (destination, dst), _, data in edges:
        relation = (source, data["relation"], destination)
        known = {"relation", *schema.edge_features(relation)}
        _require_keys(data, known, f"edge {(source, src)} -> {(destination, dst)}")
        groups.setdefault(relation, []).append((src, dst, data))
    index, features = {}, {}
    for relation, rows in groups.items():
        index[relation] = torch.tensor([[src for src, _, _ in rows], [dst for _, dst, _ in rows]])
        if names := schema.edge_features(relation):
            values = [data for _, _, data in rows]
            columns = [_tensor(values, name, Field(dtype), f"relation {relation}") for name in names]
            features[relation] = torch.stack(columns, 1)
    return index, features


def _require_keys(data: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise ValueError(f"{where}: the batch cannot hold {key!r}, its schema has {sorted(known)}")


def _column(rows: Sequence[Mapping[str, Any]], key: str, where: str) -> list[Any]:
    for i, row in enumerate(rows):
        if key not in row:
            raise ValueError(f"{where}: {key!r} is missing in row {i}")
    return [row[key] for row in rows]


def _texts(rows: Sequence[Mapping[str, Any]], key: str, where: str) -> list[str]:
    texts = _column(rows, key, where)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{where}: {key!r} is a str, got {text!r} in row {i}")
    return texts


def _tensor(rows: Sequence[Mapping[str, Any]], key: str, field: Field, where: str) -> Tensor:
    """Numbers or nested lists as a tensor of the field's dtype, whole numbers and bools exactly or not at all."""
    shape, dtype = (len(rows), *field.shape), DTYPES[field.dtype]
    column = _column(rows, key, where)
    try:
        array = np.array(column)
    except ValueError as error:
        raise ValueError(f"{where}: rows of {key!r} differ in shape, expected {list(field.shape)}") from error
    if array.size == 0 and 0 in shape:
        return torch.zeros(shape, dtype=dtype)
    kinds = "b" if dtype == torch.bool else "fiu" if dtype.is_floating_point else "iu"
    if array.shape != shape or array.dtype.kind not in kinds:
        got = f"{array.dtype} {list(array.shape)} with {array.ravel()[:3].tolist()}"
        raise ValueError(f"{where}: expected {key!r} to be {field.dtype} {list(shape)}, got {got}")
    if kinds == "iu" and not (torch.iinfo(dtype).min <= array.min() and array.max() <= torch.iinfo(dtype).max):
        raise ValueError(f"{where}: {key!r} from {array.min()} to {array.max()} does not fit {field.dtype}")
    return torch.from_numpy(array).to(dtype)
