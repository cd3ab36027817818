"""`AttentionPruning`: what stays of each graph, by hand and against a loop."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn.relations import AttentionPruning, Rewired
from mmgraph.nn.rewire import graph_of_edges
from mmgraph.ops.reference import destinations


@pytest.mark.parametrize("keep", [0.01, 0.1, 0.5, 0.8, 1.0])
def test_the_highest_share_of_every_graph_stays(graphs: GraphBatch, keep: float) -> None:
    alpha = torch.rand(graphs.num_edges, 2)
    of = graph_of_edges(graphs.flat)
    rewired = AttentionPruning(keep)(alpha, graphs.flat)
    expected = []
    for g in range(len(graphs)):
        edges = (of == g).nonzero().flatten().tolist()
        edges.sort(key=lambda e: -float(alpha[e].mean()))
        expected += edges[: math.ceil(round(keep * len(edges), 6))]
    kept = sorted(expected)
    assert torch.equal(rewired.graph.src, graphs.flat.src[kept])
    assert torch.equal(rewired.graph.relation, graphs.flat.relation[kept])
    assert torch.equal(destinations(rewired.graph.rowptr), destinations(graphs.flat.rowptr)[kept])


def test_what_stays_of_a_graph_does_not_depend_on_its_batch(ragged: Callable[..., GraphBatch]) -> None:
    """Pruned over the batch, as MTAG's code does, the first graph would lose all its edges."""
    batch = ragged(GraphSchema({"a": 1}, [("a", "to", "a")]), [{"a": 4}, {"a": 4}])
    alpha = torch.cat([torch.full((8, 1), 0.1), torch.full((8, 1), 0.9)])
    pruned = AttentionPruning(0.5)(alpha, batch.flat)
    assert torch.bincount(graph_of_edges(pruned.graph)).tolist() == [4, 4]


def test_a_node_keeps_at_most_k_edges() -> None:
    edges = {("a", "to", "a"): torch.tensor([[0, 1, 2, 0], [0, 0, 0, 1]])}
    graph = GraphBatch.single({"a": torch.zeros(3, 1)}, edges).flat
    pruned = AttentionPruning(1.0, k=2)(torch.tensor([[0.2], [0.5], [0.3], [0.1]]), graph)
    assert pruned.graph.rowptr.tolist() == [0, 2, 3, 3] and pruned.graph.src.tolist() == [1, 2, 0]


def test_weights_stay_and_carry_the_gradient_of_attention() -> None:
    edges = {("a", "to", "a"): torch.tensor([[0, 1], [0, 0]])}
    graph = GraphBatch.single({"a": torch.zeros(2, 1)}, edges).flat
    alpha = torch.tensor([[0.25, 0.5], [0.75, 0.5]], requires_grad=True)
    former = replace(Rewired.of(graph), edge_weight=torch.tensor([[3.0], [0.5]]))
    pruned = AttentionPruning(0.5)(alpha, former)
    assert pruned.edge_weight.tolist() == [[0.5]] and pruned.graph.src.tolist() == [1]
    pruned.edge_weight.sum().backward()
    assert alpha.grad is not None and alpha.grad.tolist() == [[0.0, 0.0], [0.25, 0.25]]


@pytest.mark.parametrize(("keep", "k"), [(0.0, None), (1.1, None), (-0.5, None), (0.5, 0)])
def test_a_share_or_number_that_keeps_nothing_is_named(keep: float, k: int | None) -> None:
    with pytest.raises(ValueError, match=f"keep is above 0 and at most 1, .* got keep={keep}, k={k}"):
        AttentionPruning(keep, k)


@pytest.mark.unchecked
def test_attention_of_another_graph_is_refused(graphs: GraphBatch) -> None:
    with pytest.raises(ValueError, match=f"alpha has 3 rows, the graph {graphs.num_edges} edges"):
        AttentionPruning()(torch.rand(3, 1), graphs.flat)
