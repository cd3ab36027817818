"""`ASAPool` against PyG's `ASAPooling`, and against dense matrices across modalities."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import ASAPool
from mmgraph.ops.reference import destinations

pytestmark = pytest.mark.filterwarnings("ignore:Sparse:UserWarning")


@torch.no_grad()
def load(ours: Any, theirs: Any, channels: int) -> None:
    """PyG's weights, all drawn at random; the bias of its second fitness term is ours twice over, so it is zero."""
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    torch.nn.init.ones_(theirs.select.weight)
    ours.query["a"].load_state_dict(theirs.lin.state_dict())
    ours.of_query["a"].weight.copy_(theirs.att.weight[:, :channels])
    ours.of_member["a"].weight.copy_(theirs.att.weight[:, channels:])
    ours.of_member["a"].bias.copy_(theirs.att.bias)
    score = theirs.gnn_score
    ours.fitness[0].weight.copy_(torch.cat([score.lin1.weight, score.lin2.weight, score.lin3.weight]))
    ours.fitness[0].bias.copy_(torch.cat([score.lin1.bias, torch.zeros(1), score.lin3.bias]))


def dense(src: Tensor, dst: Tensor, weight: Tensor, size: int) -> Tensor:
    return weight.new_zeros(size, size).index_put((src, dst), weight, accumulate=True)


@pytest.mark.parametrize("ratio", [0.5, 0.3, 2])
def test_it_equals_pyg(ragged: Callable[..., GraphBatch], ratio: float, assert_agree: Callable[..., None]) -> None:
    """Nodes, edges, weights, and gradients of nodes, as PyG has none of weights; with self loops and edges twice."""
    batch = ragged(GraphSchema({"a": 4}, [("a", "z", "a")]), [{"a": 7}, {"a": 1}, {"a": 5}], dtype=torch.float64)
    ours, theirs = ASAPool(batch.schema, 4, ratio).double(), pyg.ASAPooling(4, ratio).double()
    load(ours, theirs, 4)
    mine, other = (batch.nodes["a"].x.clone().requires_grad_() for _ in range(2))
    flat = batch.flat
    edges = torch.stack([flat.src.long(), destinations(flat.rowptr)])
    assert bool((edges[0] == edges[1]).any())
    pooled = ours({"a": mine}, flat)
    x, edge_index, weight, of, node = theirs(other, edges, torch.ones(edges.shape[1]).double(), batch.nodes["a"].graph)
    order = node.argsort()
    assert_agree(pooled.x["a"], x[order])
    assert torch.equal(pooled.graph.segment.diff(), torch.bincount(of))
    number = order.argsort()
    expected = dense(number[edge_index[0]], number[edge_index[1]], weight, len(x))
    found_weight = pooled.edge_weight[:, 0]
    found = dense(pooled.graph.src.long(), destinations(pooled.graph.rowptr), found_weight, len(x))
    assert_agree(found, expected)
    assert len(found_weight) == len(weight)
    upstream = torch.randn_like(x)
    (pooled.x["a"] * upstream[order]).sum().backward()
    (x * upstream).sum().backward()
    assert_agree(mine.grad, other.grad)
    assert_agree(ours.of_query["a"].weight.grad, theirs.att.weight.grad[:, :4])


def test_across_modalities_clusters_are_joined_by_all_edges_between_their_members(
    ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]
) -> None:
    """S' A S with dense matrices, forward and backward; features are means, weighted by what edges add."""
    relations = {("a", "z", "a"): (), ("a", "x", "b"): ("distance",)}
    batch = ragged(GraphSchema({"a": 3, "b": 3}, relations), [{"a": 5, "b": 4}, {"a": 4, "b": 2}], dtype=torch.float64)
    flat, x = batch.flat, {name: nodes.x.clone().requires_grad_() for name, nodes in batch.nodes.items()}
    weight = torch.rand(batch.num_edges, 1, dtype=torch.float64, requires_grad=True)
    pooled = ASAPool(batch.schema, 3, 0.5).double()(x, flat, weight)
    old_rows, old_features = flat.feature_edges[1], flat.features[1]
    rows, features = pooled.graph.feature_edges[1], pooled.graph.features[1]
    assert old_rows is not None and old_features is not None and rows is not None and features is not None
    assert pooled.edge_weight is not None
    shares = torch.zeros(15, sum(pooled.graph.num_nodes), dtype=torch.float64)
    shares = shares.index_put((pooled.member, pooled.cluster), pooled.share, accumulate=True)
    ends = (flat.src.long()[old_rows], destinations(flat.rowptr)[old_rows])
    new_ends = (pooled.graph.src.long()[rows], destinations(pooled.graph.rowptr)[rows])
    found_weight = pooled.edge_weight[rows, 0]
    for found, values in (
        (found_weight, weight[old_rows, 0]),
        (found_weight * features[:, 0], weight[old_rows, 0] * old_features[:, 0]),
    ):
        expected = shares.T @ dense(*ends, values, 15) @ shares
        mine = dense(*new_ends, found, len(expected))
        assert_agree(mine, expected)
        upstream = torch.randn_like(expected)
        leaves = [weight, x["a"]]
        grads = [torch.autograd.grad((out * upstream).sum(), leaves, retain_graph=True) for out in (mine, expected)]
        for our_grad, their_grad in zip(*grads, strict=True):
            assert_agree(our_grad, their_grad)
