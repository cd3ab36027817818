"""The reference back-end against loops over edges that spell the formulas out."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from mmgraph import ops
from mmgraph.ops.reference import destinations, softmax

SCALE = 0.7  # of conftest
COUNTS = [{"a": 3, "b": 2, "c": 2, "d": 1}, {"a": 2}, {"b": 2, "c": 1}]


@pytest.fixture(autouse=True)
def _on_the_reference() -> Any:
    with ops.backend("reference"):
        yield


def block(problem: Any, edge: int, kind: int, node: int, width: int) -> Tensor:
    """The columns of one edge's relation in the row of `node`."""
    m, column = problem.blocks[problem.graph.relation[edge], kind].tolist()
    row = node - sum(problem.graph.num_nodes[:m])
    assert row >= 0
    side = "target" if kind == problem.blocks.shape[1] - 1 else "source"
    return problem.leaves[f"{side} {m}"][row, column : column + width]


def slow_logit(problem: Any, edge: int, src: int, dst: int) -> Tensor:
    heads, channels = problem.heads, problem.channels
    if problem.operator == "gat":
        logit = block(problem, edge, 1, src, heads) + block(problem, edge, 2, dst, heads)
        return leaky_relu(logit + problem.leaves["edge_logits"][edge], 0.1)
    row = problem.edge_row[edge]
    own = problem.leaves["edge_values"][row] if row >= 0 else torch.zeros(heads * channels)
    if problem.operator == "dot":
        key, query = block(problem, edge, 1, src, heads * channels), block(problem, edge, 2, dst, heads * channels)
        return SCALE * ((key + own) * query).view(heads, channels).sum(1)
    inner = own + block(problem, edge, 0, src, heads * channels) + block(problem, edge, 1, dst, heads * channels)
    vector = problem.leaves["att"][problem.graph.relation[edge]]
    return (leaky_relu(inner, 0.1).view(heads, channels) * vector).sum(1)


def slow_alpha(problem: Any, scope: str) -> Tensor:
    graph, dst = problem.graph, problem.destination
    logits = [slow_logit(problem, e, int(graph.src[e]), int(dst[e])) for e in range(len(dst))]
    alpha = torch.zeros(len(dst), problem.heads, dtype=torch.float64)
    for e in range(len(dst)):
        rivals = [
            f
            for f in range(len(dst))
            if dst[f] == dst[e] and (scope == "node" or graph.relation[f] == graph.relation[e])
        ]
        alpha[e] = logits[e].exp() / sum(logits[f].exp() for f in rivals)
    return alpha


@pytest.mark.parametrize("scope", ["relation", "node"])
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_weights_and_sums_are_those_of_a_loop_over_edges(
    problem: Callable[..., Any], operator: str, scope: str, assert_agree: Callable[..., None]
) -> None:
    case = problem(operator, COUNTS, weight_columns=2)
    alpha = slow_alpha(case, scope)
    assert_agree(case.alpha(scope=scope, negative_slope=0.1), alpha)
    expected = torch.zeros(sum(case.graph.num_nodes), case.heads, case.channels, dtype=torch.float64)
    for e, (src, dst) in enumerate(zip(case.graph.src.tolist(), case.destination.tolist(), strict=True)):
        values = block(case, e, 0, src, case.heads * case.channels).view(case.heads, case.channels)
        if operator == "dot" and case.edge_row[e] >= 0:
            values = values + case.leaves["edge_values"][case.edge_row[e]].view(case.heads, case.channels)
        expected[dst] += (alpha[e] * case.leaves["edge_weight"][e]).unsqueeze(1) * values
    assert_agree(case.out(scope=scope, negative_slope=0.1), expected.flatten(1))


@pytest.mark.unchecked  # many calls; their shapes are checked in other tests
@pytest.mark.parametrize("operator", ["gat", "gatv2", "dot"])
def test_it_can_be_differentiated_twice(problem: Callable[..., Any], operator: str) -> None:
    case = problem(operator, [{"a": 2, "b": 2, "c": 1}], heads=1, channels=2, weight_columns=1)
    leaves = tuple(leaf.clone().requires_grad_() for leaf in case.leaves.values())

    def out(*values: Tensor) -> Tensor:
        return case.out(dict(zip(case.leaves, values, strict=True)), scope="node")

    assert torch.autograd.gradgradcheck(out, leaves)


def test_softmax_by_hand() -> None:
    """Node 0 has two edges of relation 0 and one of relation 1, node 1 none, node 2 one."""
    rowptr, relation = torch.tensor([0, 3, 3, 4]), torch.tensor([0, 0, 1, 0], dtype=torch.int32)
    logits = torch.tensor([[0.0], [0.0], [0.0], [5.0]])
    assert destinations(rowptr).tolist() == [0, 0, 0, 2]
    assert softmax(logits, rowptr, relation, 2, "relation").flatten().tolist() == [0.5, 0.5, 1.0, 1.0]
    assert softmax(logits, rowptr, relation, 2, "node").flatten().tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1.0])
