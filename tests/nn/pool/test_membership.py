"""The edges between clusters, by hand."""

import torch

from mmgraph.graph import FlatGraph, GraphBatch, GraphSchema
from mmgraph.nn.pool.membership import Membership, coarse_graph


def features_of(graph: FlatGraph) -> list[tuple[int, float]]:
    """Edges of the one relation that have a feature, and it."""
    rows, features = graph.feature_edges[0], graph.features[0]
    assert rows is not None and features is not None
    return list(zip(rows.tolist(), features[:, 0].tolist(), strict=True))


def test_two_clusters_that_share_a_node_by_hand() -> None:
    """Nodes 0 and 1 in the first cluster, 1 and 2 in the second; one edge from 0 to 2, with a feature."""
    edges, schema = {("a", "to", "a"): torch.tensor([[0], [2]])}, GraphSchema({"a": 1}, {("a", "to", "a"): ("length",)})
    features = {("a", "to", "a"): torch.tensor([[7.0]])}
    graph = GraphBatch.single({"a": torch.zeros(3, 1)}, edges, schema=schema, edge_features=features).flat
    member, cluster = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 0, 1, 1])
    assigned = Membership(torch.tensor([[2]]), member, cluster, torch.tensor([0.5, 0.25, 0.75, 1.0]))
    none, nodes = torch.zeros(0, dtype=torch.int64), torch.arange(3)
    weight = torch.tensor([[2.0]])
    plain = coarse_graph(graph, weight, assigned, extra=(none, none, none), loops=torch.tensor([True]))
    assert plain.graph.src.tolist() == [0] and plain.graph.rowptr.tolist() == [0, 0, 1]
    assert plain.edge_weight.tolist() == [[0.5 * 2 * 1]] and features_of(plain.graph) == [(0, 7.0)]
    extra = (nodes, nodes, torch.zeros_like(nodes))
    joined = coarse_graph(graph, weight, assigned, extra=extra, loops=torch.tensor([False]))
    assert joined.graph.src.tolist() == [1, 0] and joined.graph.rowptr.tolist() == [0, 1, 2]
    shared = 0.25 * 0.75
    assert joined.edge_weight.flatten().tolist() == [shared, 1 + shared]
    assert features_of(joined.graph) == [(1, 7.0)]
    loops = coarse_graph(graph, weight, assigned, extra=extra, loops=torch.tensor([True]))
    assert loops.edge_weight.flatten().tolist() == [0.5**2 + 0.25**2, shared, 1 + shared, 0.75**2 + 1]
