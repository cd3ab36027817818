"""A checked `GraphBatch` from nodes, edges and targets."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmgraph.graph import check
from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.edges import EdgeList
from mmgraph.graph.field import DTYPES
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.schema import GraphSchema, Relation
from mmgraph.graph.store import EdgeStore
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts


def build_batch(
    schema: GraphSchema,
    nodes: Mapping[str, NodeSet],
    edges: Mapping[Relation, EdgeList],
    targets: Mapping[str, Target | Tensor],
    ids: Sequence[str] | Texts | None,
) -> GraphBatch:
    """See `GraphBatch.build`."""
    num_graphs = check.count_graphs(nodes, edges)
    names = Texts.of([str(i) for i in range(num_graphs)]) if ids is None else ids
    names = names if isinstance(names, Texts) else Texts.of(names)
    check.ids(names, num_graphs)
    check.names(schema, nodes, edges, targets)
    check.tensors(targets)
    known = {name: Target.of(targets[name]) for name in schema.targets}
    check.on_cpu(nodes, edges, known)
    dtype = check.feature_dtype(nodes, edges)
    full = {m: nodes[m] if m in nodes else _absent(schema, m, num_graphs, dtype) for m in schema.modalities}
    lists = [
        edges[r] if r in edges else EdgeList.empty(num_graphs, schema.edge_channels(r), dtype)
        for r in schema.edge_types
    ]
    check.nodes(schema, full, names)
    check.edges(schema, full, lists, names)
    check.targets(schema, full, known, names)
    full = {m: _in_order(value, list(schema.attributes[m])).map(Tensor.contiguous) for m, value in full.items()}
    node_ptr = torch.stack([full[m].ptr for m in schema.modalities])
    store = EdgeStore.merge(schema, node_ptr, lists).map(Tensor.contiguous)
    known = {name: value.map(Tensor.contiguous) for name, value in known.items()}
    return GraphBatch(schema, names, full, store, known)


def _absent(schema: GraphSchema, modality: str, num_graphs: int, dtype: torch.dtype) -> NodeSet:
    attributes: dict[str, Tensor | Texts] = {}
    for name, field in schema.attributes[modality].items():
        numeric = field.dtype != "text"
        attributes[name] = torch.zeros(0, *field.shape, dtype=DTYPES[field.dtype]) if numeric else Texts.of([])
    ptr = torch.zeros(num_graphs + 1, dtype=torch.int64)
    return NodeSet(torch.zeros(0, schema.modalities[modality], dtype=dtype), ptr, attributes)


def _in_order(nodes: NodeSet, names: list[str]) -> NodeSet:
    if list(nodes.attributes) == names:
        return nodes
    return NodeSet(nodes.x, nodes.ptr, {name: nodes.attributes[name] for name in names})
