"""`describe`: nodes and edges of a batch, type by type, as text."""

from mmgraph.graph.batch import GraphBatch


def describe(batch: GraphBatch) -> str:
    """A line per modality (nodes, features, attributes) and per relation (edges, edge features).

    Example:
        >>> import torch
        >>> graph = GraphBatch.single(
        ...     {"image": torch.zeros(2, 4), "text": torch.zeros(3, 1)},
        ...     {("text", "with", "image"): torch.tensor([[0, 1, 2], [0, 0, 1]])},
        ... )
        >>> print(describe(graph))
        1 graph
            2 nodes of image with 4 features
            3 nodes of text with 1 feature
            3 edges text -> with -> image
    """
    lines = [f"{len(batch)} graph{'s' * (len(batch) != 1)}"]
    for modality, nodes in batch.nodes.items():
        features = nodes.x.shape[1]
        carried = [f"{features} feature{'s' * (features != 1)}"] if features else []
        carried += list(nodes.attributes)
        lines.append(f"{nodes.num_nodes:5d} nodes of {modality}" + (f" with {_listed(carried)}" if carried else ""))
    for relation in batch.schema.edge_types:
        names = batch.schema.edge_features(relation)
        measured = f" with {_listed(list(names))}" if names else ""
        lines.append(f"{batch.relation(relation).num_edges:5d} edges {' -> '.join(relation)}{measured}")
    return "\n".join(lines)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
