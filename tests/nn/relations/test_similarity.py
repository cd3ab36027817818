"""`SimilarityEdges` against a loop over nodes, and the gradient of its weights."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cosine_similarity

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn.relations import SimilarityEdges
from mmgraph.nn.relations.similarity import straight_through
from mmgraph.ops.reference import destinations

RELATION = ("a", "learned", "b")


def x_of(batch: GraphBatch) -> dict[str, torch.Tensor]:
    return {name: nodes.x for name, nodes in batch.nodes.items()}


@pytest.mark.parametrize("relation", [RELATION, ("a", "learned", "a")])
def test_the_most_similar_nodes_of_the_same_graph(ragged: Callable[..., GraphBatch], relation: Any) -> None:
    batch = ragged(GraphSchema({"a": 4, "b": 4}), [{"a": 5, "b": 3}, {"a": 2}, {"a": 1, "b": 4}], dtype=torch.float64)
    learn = SimilarityEdges(batch.schema, [relation], 4, k=2, weights="soft").double()
    rewired, x = learn(x_of(batch), batch.flat), x_of(batch)
    expected = []
    first = batch.flat.segment.view(-1)
    for g in range(3):
        src, dst = batch.nodes[relation[0]].ptr, batch.nodes[relation[2]].ptr
        for i in range(int(dst[g]), int(dst[g + 1])):
            scored = []
            for j in range(int(src[g]), int(src[g + 1])):
                key, query = learn.source[0](x[relation[0]][j]), learn.target[0](x[relation[2]][i])
                if relation[0] != relation[2] or i != j:
                    scored.append(((1 + cosine_similarity(key, query, dim=0).item()) / 2, j))
            offset = 0 if relation[2] == "a" else int(first[3])
            expected += [(i + offset, j, score) for score, j in sorted(sorted(scored)[-2:], key=lambda pair: pair[1])]
    ends = zip(destinations(rewired.graph.rowptr).tolist(), rewired.graph.src.tolist(), strict=True)
    assert list(ends) == [(i, j) for i, j, _ in expected]
    assert rewired.edge_weight[:, 0].tolist() == pytest.approx([score for _, _, score in expected])


def test_straight_through_weights_are_one_and_have_the_gradient_of_soft_ones(
    ragged: Callable[..., GraphBatch], assert_agree: Callable[..., None]
) -> None:
    batch = ragged(GraphSchema({"a": 4, "b": 4}), [{"a": 5, "b": 3}] * 2, dtype=torch.float64)
    gradients, upstream = [], torch.randn(12, 1, dtype=torch.float64)
    for weights in ("soft", "straight_through"):
        torch.manual_seed(0)
        learn = SimilarityEdges(batch.schema, [RELATION], 4, k=2, weights=weights).double()
        rewired = learn(x_of(batch), batch.flat)
        (rewired.edge_weight * upstream).sum().backward()
        gradients.append([p.grad for p in learn.parameters()])
    assert torch.equal(rewired.edge_weight, torch.ones_like(rewired.edge_weight))
    assert bool((rewired.score < 1).all())
    for soft, through in zip(*gradients, strict=True):
        assert_agree(through, soft)


def test_straight_through_is_one() -> None:
    score = torch.tensor([0.3], requires_grad=True)
    straight_through(score).backward()
    assert score.grad is not None and score.grad.item() == 1


def test_equal_nodes_are_taken_from_the_first_on() -> None:
    batch = GraphBatch.single({"a": torch.ones(4, 2), "b": torch.ones(1, 2)}, {})
    rewired = SimilarityEdges(batch.schema, [RELATION], 2, k=2)(x_of(batch), batch.flat)
    assert rewired.graph.src.tolist() == [0, 1]


@pytest.mark.unchecked
def test_unknown_weights_are_named() -> None:
    with pytest.raises(ValueError, match="weights is 'straight_through' or 'soft', got 'hard'"):
        SimilarityEdges(GraphSchema({"a": 1, "b": 1}), [RELATION], 1, k=1, weights="hard")  # type: ignore[arg-type]
