"""What convs are made of: degrees, rows of edges, bases, and what arguments are refused."""

import re
from typing import Any

import pytest
import torch

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import SAGEConv
from mmgraph.nn.conv.degree import check_edge_weight, edge_counts, mean_weight, normalise
from mmgraph.nn.conv.edge_features import edge_logits, edge_rows, project_features
from mmgraph.nn.conv.layout import Block, blocks_of
from mmgraph.nn.conv.weights import RelationWeight


@pytest.fixture
def graph() -> GraphBatch:
    """Into b0: a0, a1 by x, and a loop by y; into b1: a1 by x."""
    schema = GraphSchema({"a": 1, "b": 1}, {("a", "x", "b"): ("distance",), ("b", "y", "b"): ()})
    return GraphBatch.single(
        {"a": torch.zeros(2, 1), "b": torch.zeros(2, 1)},
        {("a", "x", "b"): torch.tensor([[0, 1, 1], [0, 0, 1]]), ("b", "y", "b"): torch.tensor([[0], [0]])},
        schema=schema,
        edge_features={("a", "x", "b"): torch.tensor([[1.0], [2.0], [3.0]])},
    )


def test_edges_are_counted_per_node_and_relation(graph: GraphBatch) -> None:
    assert edge_counts(graph.flat).tolist() == [[0, 0], [0, 0], [2, 1], [1, 0]]


def test_a_mean_gives_every_edge_its_share(graph: GraphBatch) -> None:
    weight = torch.tensor([[4.0], [2.0], [3.0], [5.0]])
    assert mean_weight(graph.flat, weight, torch.float32).flatten().tolist() == [2.0, 1.0, 3.0, 5.0]


def test_degrees_are_of_the_relation(graph: GraphBatch) -> None:
    """a0 and a1 have 1 and 2 edges out; b1 has a loop in y though no edge is there."""
    options: dict[str, Any] = {"within": torch.tensor([False, True]), "self_loops": True}
    found = normalise(graph.flat, None, torch.float64, norm="symmetric", **options)
    expected = torch.tensor([2**-0.5, 4**-0.5, 0.0, 2**-0.5], dtype=torch.float64)
    assert torch.allclose(found.edge.flatten(), expected)
    assert found.own[2:].tolist() == [[0.0, 1.0], [0.0, 1.0]] and not found.own[:, 0].any()


def test_edge_weights_of_another_shape_are_named(graph: GraphBatch) -> None:
    with pytest.raises(ValueError, match=re.escape("edge_weight has shape [4], it takes [4, 1]")):
        check_edge_weight(graph.flat, torch.ones(4))


def test_features_of_edges_find_their_edges(graph: GraphBatch) -> None:
    parts = project_features(graph.flat, [torch.tensor([[10.0], [1.0]]), torch.zeros(2, 0)])
    logits, (rows, row) = edge_logits(graph.flat, parts), edge_rows(graph.flat, parts)
    assert logits is not None and rows is not None and row is not None
    assert logits.tolist() == [[10.0, 1.0], [20.0, 2.0], [0.0, 0.0], [30.0, 3.0]]  # the loop is the third
    assert rows.tolist() == [[10.0, 1.0], [20.0, 2.0], [30.0, 3.0]] and row.tolist() == [0, 1, -1, 2]
    assert edge_logits(graph.flat, {}) is None and edge_rows(graph.flat, {}) == (None, None)


def test_relations_lie_side_by_side_or_share_columns(graph: GraphBatch) -> None:
    blocks = blocks_of(graph.schema, [Block("target", 3, shared=True), Block("target", 2), Block("source", 4)])
    assert blocks.tolist() == [[[1, 0], [1, 3], [0, 0]], [[1, 0], [1, 5], [1, 0]]]


def test_bases_are_mixed_by_relation() -> None:
    weight = RelationWeight(3, 2, 2, num_bases=2)
    expected = sum(weight.mixture[:, b, None, None] * weight.basis[b] for b in range(2))
    assert torch.allclose(weight(), expected)
    assert RelationWeight(3, 2, 2).mixture is None


def test_no_bases_at_all_are_refused() -> None:
    with pytest.raises(ValueError, match="num_bases is at least 1, or None for a matrix of every relation"):
        RelationWeight(3, 2, 2, num_bases=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x": torch.zeros(2, 1, dtype=torch.float64)},
            "x of modality 'a': the dtype is torch.float64, that of the conv's weights torch.float32",
        ),
        ({"x": torch.zeros(2, 1, dtype=torch.int64)}, "x of modality 'a': the dtype is torch.int64, that of"),
        ({"features": torch.zeros(3, 2)}, "relation ('a', 'x', 'b') has 2 edge features, the conv was made for 1"),
        ({"features": torch.zeros(3, 1).double()}, "edge features of ('a', 'x', 'b'): the dtype is torch.float64"),
    ],
)
def test_numbers_of_another_kind_are_named(graph: GraphBatch, change: dict[str, Any], message: str) -> None:
    x = {"a": change.get("x", torch.zeros(2, 1)), "b": torch.zeros(2, 1)}
    flat = graph.flat._replace(features=(change.get("features", graph.flat.features[0]), None))
    with pytest.raises(ValueError, match=re.escape(message)):
        SAGEConv(graph.schema, 1, 2)(x, flat)


def test_mixed_precision_is_no_mistake(graph: GraphBatch) -> None:
    conv, x = SAGEConv(graph.schema, 1, 2), {name: nodes.x for name, nodes in graph.nodes.items()}
    with torch.autocast("cpu", torch.bfloat16):
        once = conv(x, graph.flat)
        assert once["a"].dtype == torch.bfloat16
        assert SAGEConv(graph.schema, 2, 2)(once, graph.flat)["b"].isfinite().all()
