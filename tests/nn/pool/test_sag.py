"""`SAGPool` against PyG's `SAGPooling` with the same conv."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import GCNConv, SAGPool
from mmgraph.ops.reference import destinations


@pytest.mark.parametrize("ratio", [0.5, 2])
def test_it_equals_pyg(ragged: Callable[..., GraphBatch], ratio: float, assert_agree: Callable[..., None]) -> None:
    """With graph attention for the scores; the term of the node itself is not in PyG's."""
    batch = ragged(GraphSchema({"a": 4}, [("a", "z", "a")]), [{"a": 7}, {"a": 1}, {"a": 4}], dtype=torch.float64)
    ours: Any = SAGPool(batch.schema, 4, ratio).double()
    theirs = pyg.SAGPooling((4, 4), ratio, GNN=pyg.GATConv, add_self_loops=False).double()
    with torch.no_grad():
        ours.own.zero_()
        theirs.select.weight.fill_(1.0)
        theirs.gnn.lin_src.weight.copy_(ours.conv.source_weight[0][0])
        theirs.gnn.lin_dst.weight.copy_(ours.conv.target_weight[0][0])
        theirs.gnn.att_src.copy_(ours.conv.att_source)
        theirs.gnn.att_dst.copy_(ours.conv.att_target)
    x, flat = batch.nodes["a"].x, batch.flat
    edges = torch.stack([flat.src.long(), destinations(flat.rowptr)])
    scores = theirs.gnn((x, x), edges)
    selected = theirs.select(scores, batch.nodes["a"].graph)
    node, gate = selected.node_index, selected.weight
    order = node.argsort()
    pooled = ours({"a": x}, flat)
    assert torch.equal(pooled.member, node[order])
    assert_agree(pooled.x["a"], (x[node] * gate[:, None])[order])


def test_a_node_may_stay_for_what_its_neighbours_say() -> None:
    """The second image region, of which a word speaks."""
    edges = {("text", "names", "image"): torch.tensor([[0], [1]])}
    graph = GraphBatch.single({"image": torch.ones(3, 1), "text": torch.ones(1, 1)}, edges)
    pool = SAGPool(graph.schema, 1, 1, conv=GCNConv)
    for parameter in pool.parameters():
        torch.nn.init.ones_(parameter)
    pooled = pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
    assert pooled.member.tolist() == [1, 3] and pooled.graph.num_nodes == (1, 1)
    assert pooled.graph.src.tolist() == [1] and pooled.graph.rowptr.tolist() == [0, 1, 1]


def test_weights_of_edges_count_in_the_score() -> None:
    edges = {("a", "to", "a"): torch.tensor([[0, 0], [1, 2]])}
    graph = GraphBatch.single({"a": torch.ones(3, 1)}, edges)
    pool = SAGPool(graph.schema, 1, 1)
    for parameter in pool.parameters():
        torch.nn.init.ones_(parameter)
    for weight, kept in (([2.0, 1.0], 1), ([1.0, 2.0], 2)):
        pooled = pool({"a": graph.nodes["a"].x}, graph.flat, torch.tensor(weight).unsqueeze(1))
        assert pooled.member.tolist() == [kept]
