"""All tensors of a batch under their names, and a batch from them."""

from collections.abc import Mapping

from torch import Tensor

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.nodes import NodeSet
from mmgraph.graph.schema import GraphSchema
from mmgraph.graph.store import EdgeStore
from mmgraph.graph.target import Target
from mmgraph.graph.texts import Texts

Path = tuple[str, ...]
EDGES = ("ptr", "src", "relation", "degree", "relation_ptr")


def take_apart(batch: GraphBatch) -> dict[Path, Tensor]:
    """Every tensor of a batch, in an order that the schema gives.

    Example:
        >>> import torch
        >>> list(take_apart(GraphBatch.single({"text": torch.zeros(2, 1)}, {})))[:4]
        [('ids', 'data'), ('ids', 'ptr'), ('nodes', 'text', 'x'), ('nodes', 'text', 'ptr')]
    """
    parts: dict[Path, Tensor] = {("ids", "data"): batch.ids.data, ("ids", "ptr"): batch.ids.ptr}
    for modality, nodes in batch.nodes.items():
        parts["nodes", modality, "x"] = nodes.x
        parts["nodes", modality, "ptr"] = nodes.ptr
        for name in batch.schema.attributes[modality]:
            value, path = nodes.attributes[name], ("nodes", modality, "attributes", name)
            if isinstance(value, Texts):
                parts |= {(*path, "data"): value.data, (*path, "ptr"): value.ptr}
            else:
                parts[path] = value
    parts |= {("edges", name): getattr(batch.edges, name) for name in EDGES}
    for relation in batch.schema.edge_types:
        if relation in batch.edges.features:
            parts["edges", "features", *relation] = batch.edges.features[relation]
    for name in batch.schema.targets:
        parts["targets", name, "values"] = batch.targets[name].values
        parts["targets", name, "mask"] = batch.targets[name].mask
    return parts


def put_together(schema: GraphSchema, parts: Mapping[Path, Tensor]) -> GraphBatch:
    """The batch that `take_apart` was given. Raises KeyError if a part is missing; the values are not checked.

    Example:
        >>> import torch
        >>> batch = GraphBatch.single({"text": torch.zeros(2, 1)}, {})
        >>> put_together(batch.schema, take_apart(batch)).equal(batch)
        True
    """
    nodes = {}
    for modality, fields in schema.attributes.items():
        attributes: dict[str, Tensor | Texts] = {}
        for name, field in fields.items():
            path = ("nodes", modality, "attributes", name)
            attributes[name] = (
                Texts(parts[*path, "data"], parts[*path, "ptr"]) if field.dtype == "text" else parts[path]
            )
        nodes[modality] = NodeSet(parts["nodes", modality, "x"], parts["nodes", modality, "ptr"], attributes)
    features = {r: parts["edges", "features", *r] for r in schema.edge_types if schema.edge_channels(r)}
    ptr, src, relation, degree, relation_ptr = (parts["edges", name] for name in EDGES)
    return GraphBatch(
        schema,
        Texts(parts["ids", "data"], parts["ids", "ptr"]),
        nodes,
        EdgeStore(schema, ptr, src, relation, degree, relation_ptr, features),
        {name: Target(parts["targets", name, "values"], parts["targets", name, "mask"]) for name in schema.targets},
    )
