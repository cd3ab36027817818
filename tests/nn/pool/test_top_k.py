"""`TopKPool` against PyG's `TopKPooling`."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import TopKPool
from mmgraph.ops.reference import destinations


@pytest.fixture
def batch(ragged: Callable[..., GraphBatch]) -> GraphBatch:
    schema = GraphSchema({"a": 4}, {("a", "z", "a"): ("distance",)})
    return ragged(schema, [{"a": 7}, {"a": 1}, {"a": 4}], dtype=torch.float64)


@pytest.mark.parametrize("ratio", [0.5, 0.3, 0.99, 2])  # PyG takes 1.0 for one node
def test_it_equals_pyg(batch: GraphBatch, ratio: float, assert_agree: Callable[..., None]) -> None:
    """The same nodes, gates, edges with features, and gradients; PyG orders nodes by score."""
    ours, theirs = TopKPool(batch.schema, 4, ratio).double(), pyg.TopKPooling(4, ratio).double()
    with torch.no_grad():
        theirs.select.weight.copy_(ours.weight)
    flat, x = batch.flat, batch.nodes["a"].x
    dst = destinations(flat.rowptr)
    edges, features = torch.stack([flat.src.long(), dst]), flat.features[0]
    their_x, their_edges, their_features, their_batch, perm, _ = theirs(x, edges, features, batch.nodes["a"].graph)
    pooled, order = ours({"a": x}, flat), perm.argsort()
    assert torch.equal(pooled.member, perm.sort().values)
    assert_agree(pooled.x["a"], their_x[order])
    number = order.argsort()  # of PyG's nodes among ours
    assert torch.equal(pooled.graph.segment.diff(), torch.bincount(their_batch))
    mine = list(zip(pooled.graph.src.tolist(), destinations(pooled.graph.rowptr).tolist(), strict=True))
    assert sorted(mine) == sorted(zip(number[their_edges[0]].tolist(), number[their_edges[1]].tolist(), strict=True))
    assert torch.equal(pooled.graph.features[0].sort(0).values, their_features.sort(0).values)
    upstream = torch.randn_like(their_x)
    (pooled.x["a"] * upstream[order]).sum().backward()
    (their_x * upstream).sum().backward()
    assert_agree(ours.weight.grad, theirs.select.weight.grad)


def test_nodes_stay_in_their_order_and_modalities_are_chosen_apart() -> None:
    graph = GraphBatch.single({"a": torch.tensor([[3.0], [1.0], [2.0]]), "b": torch.tensor([[-1.0], [-2.0]])}, {})
    pool: Any = TopKPool(graph.schema, 1, 0.5)
    with torch.no_grad():
        pool.weight.fill_(4.0)
    pooled = pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
    assert pooled.member.tolist() == [0, 2, 3]
    gate = torch.tanh(torch.tensor([3.0, 2.0, -1.0]))
    assert torch.allclose(pooled.x["a"].flatten(), gate[:2] * torch.tensor([3.0, 2.0]))
    assert torch.allclose(pooled.x["b"].flatten(), -gate[2:])
