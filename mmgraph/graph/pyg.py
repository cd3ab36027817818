"""To and from PyTorch Geometric: one `HeteroData` per graph.

| here | in `HeteroData` |
|---|---|
| id of a sample | `data["id"]`, a str |
| node features | `data[modality].x`; `num_nodes` in its place where the schema says 0 channels |
| attribute of nodes | `data[modality][name]`, a tensor with a row per node; a list of str for texts |
| edges | `data[relation].edge_index`, int64 [2, edges], sorted by destination |
| edge features | `data[relation].edge_attr`, [edges, channels]; their names are in the schema only |
| target of a graph | `data[name]`, [1, ...], as PyG's batching wants it |
| target of nodes | `data[modality][name]`, [nodes, ...] |
| mask of a target | `<name>_mask` beside it: in every graph if a value is unknown in any of them, else in none |

Every modality and relation of the schema is in every `HeteroData`, empty or not: that is what makes PyG batch graphs
right of which some lack a modality. (PyG shifts whatever has "index", "batch" or "face" in its name when it batches.)
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.edges import EdgeList
from mmgraph.graph.field import DTYPES, Field, dtype_name
from mmgraph.graph.names import MASK, require_unique, target_names
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.pyg_schema import infer_schema
from mmgraph.graph.ragged import segment_of_row, to_ptr
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


def to_pyg(batch: GraphBatch) -> list["HeteroData"]:
    """One `HeteroData` per graph, with tensors of its own on the batch's device.

    `from_pyg(to_pyg(batch), batch.schema)` gives the batch back exactly.

    Raises:
        ValueError: naming an attribute or target whose name means something else in a `HeteroData`.

    Example:
        >>> graph = GraphBatch.single({"text": torch.zeros(2, 3)}, {("text", "next", "text"): torch.tensor([[0], [1]])})
        >>> to_pyg(graph)[0]["text", "next", "text"].edge_index.tolist()
        [[0], [1]]
    """
    from torch_geometric.data import HeteroData

    _check_names(batch.schema)
    masked = [name for name, target in batch.targets.items() if not bool(target.mask.all())]
    graphs = []
    for graph, name in zip(batch, batch.ids, strict=True):
        data = HeteroData()
        data["id"] = name
        for modality, nodes in graph.nodes.items():
            _write_nodes(data.get_node_store(modality), nodes)
        for relation in graph.schema.edge_types:
            edges, store = graph.relation(relation), data.get_edge_store(*relation)
            store["edge_index"] = torch.stack([edges.src, edges.dst]).long()
            if edges.features is not None:
                store["edge_attr"] = edges.features.clone()
        for key, target in graph.targets.items():
            of = graph.schema.targets[key].of
            place = data if of is None else data.get_node_store(of)
            place[key] = target.values.clone()
            if key in masked:
                place[key + MASK] = target.mask.clone()
        graphs.append(data)
    return graphs


def from_pyg(graphs: Sequence["HeteroData"], schema: GraphSchema | None = None) -> GraphBatch:
    """A checked batch of PyG's graphs; the edges of each relation are sorted by destination, otherwise in order.

    Tensors come to the CPU. A graph may lack modalities and relations that others have; `to_pyg` gives them back empty.
    Ids are "0", "1", ... where `data["id"]` is missing, a target without a mask is known everywhere, a mask that hides
    nothing is not kept.

    Without `schema` one is made from all graphs, in the order in which things appear: tensors of the graph are targets,
    tensors and lists of str of nodes are attributes, but for `y` and what has a mask beside it (`gaze`, `gaze_mask`),
    which are targets; edge features are called `feature_0`, ...; how many classes an integer has stays open.

    Raises:
        ValueError: naming graph, place and key for what a `GraphBatch` cannot hold (such as `edge_weight`, a text of a
            graph, a target without its leading axis), for what is missing, and as `GraphBatch.build` does.

    Example:
        >>> from torch_geometric.data import HeteroData
        >>> data = HeteroData({"text": {"x": torch.zeros(2, 3), "y": torch.tensor([1, 0])}})
        >>> from_pyg([data])
        GraphBatch(1 graph; nodes: text 2x3; edges: none; targets: y)
    """
    _check_types(graphs)
    schema = schema or infer_schema(graphs)
    _check_keys(graphs, schema)
    dtype = _feature_dtype(graphs)
    nodes = {modality: _nodes(graphs, schema, modality, dtype) for modality in schema.modalities}
    edges = {relation: _edges(graphs, relation, schema.edge_channels(relation), dtype) for relation in schema.relations}
    counts = {modality: value.counts.tolist() for modality, value in nodes.items()}
    targets = {
        name: _target(graphs, name, field, counts[field.of] if field.of else [1] * len(graphs))
        for name, field in schema.targets.items()
    }
    return GraphBatch.build(schema, nodes, edges, targets, _ids(graphs))


def _write_nodes(store: Any, nodes: NodeSet) -> None:
    if nodes.x.shape[1]:
        store["x"] = nodes.x.clone()
    else:
        store["num_nodes"] = nodes.num_nodes
    for name, value in nodes.attributes.items():
        store[name] = value.tolist() if isinstance(value, Texts) else value.clone()


def _check_names(schema: GraphSchema) -> None:
    """No two things have the same key in a store of a `HeteroData`."""
    require_unique(["id", *schema.modalities, *target_names(schema, None)], "HeteroData", "a graph")
    for modality, attributes in schema.attributes.items():
        names = ["x", "num_nodes", *attributes, *target_names(schema, modality)]
        require_unique(names, "HeteroData", f"modality {modality!r}")


def _check_types(graphs: Sequence["HeteroData"]) -> None:
    from torch_geometric.data import Batch, HeteroData

    if isinstance(graphs, HeteroData):
        cure = "take its to_data_list()" if isinstance(graphs, Batch) else "put it in a list"
        raise ValueError(f"expected a list of HeteroData, got {type(graphs).__name__}: {cure}")
    if not graphs:
        raise ValueError("empty data set: there is no graph")
    for number, data in enumerate(graphs):
        if not isinstance(data, HeteroData) or isinstance(data, Batch):
            raise ValueError(f"graph {number} is a {type(data).__name__}, expected a HeteroData of one graph")


def _check_keys(graphs: Sequence["HeteroData"], schema: GraphSchema) -> None:
    """Every key of every graph has a place in the schema."""
    for number, data in enumerate(graphs):
        stores = [(f"graph {number}", data.stores[0], {"id", *target_names(schema, None)})]
        for modality, store in data.node_items():
            schema.modality_id(modality)
            known = {"x", "num_nodes", *schema.attributes[modality], *target_names(schema, modality)}
            stores.append((f"graph {number}, modality {modality!r}", store, known))
        for relation, store in data.edge_items():
            schema.relation_id(relation)
            stores.append((f"graph {number}, relation {relation}", store, {"edge_index", "edge_attr"}))
        for where, store, known in stores:
            for key in store.keys():  # noqa: SIM118 - iterating over a store gives its values
                if key not in known:
                    raise ValueError(f"{where}: the batch cannot hold {key!r}, its schema has {sorted(known)}")


def _feature_dtype(graphs: Sequence["HeteroData"]) -> str:
    """Name of the dtype of the first features, which all others must have."""
    for data in graphs:
        for store in data.stores[1:]:
            for key in ("x", "edge_attr"):
                if isinstance(store.get(key), Tensor):
                    return dtype_name(store[key].dtype, key)
    return "float32"


def _ids(graphs: Sequence["HeteroData"]) -> list[str]:
    names = [data.stores[0].get("id", str(number)) for number, data in enumerate(graphs)]
    for number, name in enumerate(names):
        if not isinstance(name, str):
            raise ValueError(f"graph {number}: 'id' is a str, got {name!r}")
    return names


def _nodes(graphs: Sequence["HeteroData"], schema: GraphSchema, modality: str, dtype: str) -> NodeSet:
    where, channels = f"modality {modality!r}", schema.modalities[modality]
    stores = [dict(data.node_items()).get(modality, {}) for data in graphs]
    counts = [_count(store, f"graph {number}, {where}") for number, store in enumerate(stores)]
    x = [store.get("x") for store in stores]
    if not channels:  # their number will do
        none = torch.zeros(0, 0, dtype=DTYPES[dtype])
        x = [none.new_zeros(n, 0) if value is None else value for value, n in zip(x, counts, strict=True)]
    attributes = {
        name: _column([store.get(name) for store in stores], counts, field, f"{where}, {name!r}")
        for name, field in schema.attributes[modality].items()
    }
    features = _tensor(x, counts, Field(dtype, (channels,)), f"{where}, 'x'")
    return NodeSet(features, to_ptr(torch.tensor(counts)), attributes)


def _count(store: Any, where: str) -> int:
    """Nodes in a store: rows of `x`, or `num_nodes`, or rows of whatever it holds."""
    x, stated = store.get("x"), store.get("num_nodes")
    if isinstance(x, Tensor) and x.dim():
        if stated not in (None, len(x)):
            raise ValueError(f"{where}: num_nodes is {stated}, but x has {len(x)} rows")
        return len(x)
    if stated is not None:
        return int(stated)
    rows = [value for value in store.values() if isinstance(value, list) or (isinstance(value, Tensor) and value.dim())]
    return len(rows[0]) if rows else 0


def _edges(graphs: Sequence["HeteroData"], relation: Relation, channels: int, dtype: str) -> EdgeList:
    where = f"relation {relation}"
    stores = [dict(data.edge_items()).get(relation, {}) for data in graphs]
    index = [store.get("edge_index", torch.zeros(2, 0, dtype=torch.int64)) for store in stores]
    for number, value in enumerate(index):
        if not isinstance(value, Tensor) or value.dim() != 2 or value.shape[0] != 2 or value.is_floating_point():
            raise ValueError(f"graph {number}, {where}: edge_index is integer [2, edges], got {_shown(value)}")
    counts = [value.shape[1] for value in index]
    features = None
    given = [store.get("edge_attr") for store in stores]
    if channels or any(value is not None for value in given):
        features = _tensor(given, counts, Field(dtype, (channels,)), f"{where}, 'edge_attr'")
    src, dst = torch.cat(index, 1).cpu()
    try:
        return EdgeList.sort(segment_of_row(to_ptr(torch.tensor(counts))), src, dst, features, num_graphs=len(graphs))
    except ValueError as error:
        error.add_note(f"in {where}")
        raise


def _target(graphs: Sequence["HeteroData"], name: str, field: Field, counts: list[int]) -> Target:
    stores = [dict(data.node_items()).get(field.of, {}) if field.of else data.stores[0] for data in graphs]
    where = f"target {name!r}"
    masks = [store.get(name + MASK) for store in stores]
    known = [torch.ones(n, dtype=torch.bool) if mask is None else mask for mask, n in zip(masks, counts, strict=True)]
    values = _tensor([store.get(name) for store in stores], counts, field, where)
    return Target(values, _tensor(known, counts, Field("bool"), f"mask of {where}"))


def _column(values: Sequence[object], counts: Sequence[int], field: Field, where: str) -> Tensor | Texts:
    if field.dtype != "text":
        return _tensor(values, counts, field, where)
    strings: list[str] = []
    for number, (value, rows) in enumerate(zip(values, counts, strict=True)):
        part = [] if value is None and not rows else value
        if not isinstance(part, list) or len(part) != rows:
            raise ValueError(f"graph {number}, {where}: expected a list of {rows} str, got {_shown(value)}")
        strings += part
    return Texts.of(strings)


def _tensor(values: Sequence[object], counts: Sequence[int], field: Field, where: str) -> Tensor:
    """The rows of all graphs. A graph without rows may lack the tensor."""
    parts = [torch.zeros(0, *field.shape, dtype=DTYPES[field.dtype])]
    for number, (value, rows) in enumerate(zip(values, counts, strict=True)):
        if value is None and not rows:
            continue
        shape = (rows, *field.shape)
        if not isinstance(value, Tensor) or tuple(value.shape) != shape or value.dtype != parts[0].dtype:
            raise ValueError(f"graph {number}, {where}: expected {field.dtype} {list(shape)}, got {_shown(value)}")
        parts.append(value.cpu())
    return torch.cat(parts)


def _shown(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {list(value.shape)}"
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"
