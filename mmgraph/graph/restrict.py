"""`restrict`: the same graphs with some of their modalities only."""

from collections.abc import Sequence

from mmgraph.graph.batch import GraphBatch
from mmgraph.graph.schema import GraphSchema


def restrict(batch: GraphBatch, modalities: Sequence[str]) -> GraphBatch:
    """The graphs without the other modalities and every relation that touches one; for ablations.

    The result has a smaller schema, in the order of the old one: a model for it never knows of what is left out.

    Raises:
        ValueError: on an unknown modality, a target of a modality that is left out, or a graph that would be empty.

    Example:
        >>> import torch
        >>> edges = {("a", "to", "b"): torch.tensor([[0], [1]])}
        >>> graph = GraphBatch.single({"a": torch.ones(1, 2), "b": torch.ones(2, 3)}, edges)
        >>> restrict(graph, ["b"])
        GraphBatch(1 graph; nodes: b 2x3; edges: none)
    """
    for modality in modalities:
        batch.schema.modality_id(modality)
    kept = [name for name in batch.schema.modalities if name in modalities]
    relations = {
        relation: batch.schema.edge_features(relation)
        for relation in batch.schema.edge_types
        if relation[0] in kept and relation[2] in kept
    }
    schema = GraphSchema(
        {name: batch.schema.modalities[name] for name in kept},
        relations,
        {name: batch.schema.attributes[name] for name in kept},
        batch.schema.targets,
    )
    nodes = {name: batch.nodes[name] for name in kept}
    edges = {relation: batch.relation(relation) for relation in relations}
    return GraphBatch.build(schema, nodes, edges, batch.targets, batch.ids)
