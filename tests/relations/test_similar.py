"""`Similar`; what every rule promises is asked in test_rules.py."""

import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from mmgraph.graph import NodeSet
from mmgraph.relations import Similar
from tests.relations.tiny import pairs


def line(*places: float) -> NodeSet:
    return NodeSet.of([torch.tensor(places).view(-1, 1)])


def test_the_threshold_is_included() -> None:
    nodes = line(0.0, 1.0, 2.0, 3.5)
    assert pairs(Similar(1.0, "euclidean")(nodes, nodes)) == [(1, 0), (0, 1), (2, 1), (1, 2)]
    assert pairs(Similar(1.0)(nodes, nodes)) == [(2, 1), (3, 1), (1, 2), (3, 2), (1, 3), (2, 3)]


def test_a_vector_of_zeros_is_similar_to_nothing() -> None:
    nodes = line(0.0, -1.0, 1.0)
    assert pairs(Similar(0.1)(nodes, nodes)) == []
    assert pairs(Similar(0.0)(nodes, nodes)) == [(1, 0), (2, 0), (0, 1), (0, 2)]


@pytest.mark.parametrize(("metric", "threshold"), [("euclidean", 2.5), ("cosine", 0.3)])
def test_neighbours_equal_those_of_scikit_learn(metric: str, threshold: float) -> None:
    sizes = [40, 1, 33]
    nodes = NodeSet.of([torch.randn(size, 5) for size in sizes])
    edges = Similar(threshold, metric, loops=True)(nodes, nodes)  # type: ignore[arg-type]
    radius = threshold if metric == "euclidean" else 1 - threshold
    for graph, (start, stop) in enumerate(zip(nodes.ptr, nodes.ptr[1:], strict=False)):
        x = nodes.x[start:stop]
        expected = NearestNeighbors(radius=radius, metric=metric).fit(x).radius_neighbors_graph(x).toarray().nonzero()
        rows = slice(int(edges.ptr[graph]), int(edges.ptr[graph + 1]))
        assert [edges.dst[rows].tolist(), edges.src[rows].tolist()] == [end.tolist() for end in expected]


def test_features_far_from_the_origin_keep_their_distances() -> None:
    nodes = line(10_000.0, 10_000.5, 10_002.0)
    edges = Similar(0.5, "euclidean", features=("distance",))(nodes, nodes)
    assert edges.features is not None and edges.features.squeeze(1).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("threshold", "metric"), [(1.1, "cosine"), (math.nan, "cosine"), (-1.0, "euclidean")])
def test_a_threshold_that_cannot_be_is_refused(threshold: float, metric: str) -> None:
    with pytest.raises(ValueError, match=f"threshold={threshold} is a "):
        Similar(threshold, metric)  # type: ignore[arg-type]


def test_a_feature_of_another_metric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"features=\('distance',\): metric 'cosine' gives 'similarity'"):
        Similar(0.5, features=("distance",))


def test_both_ends_need_the_same_features() -> None:
    with pytest.raises(ValueError, match=r"Similar.*got 1 channels in src, 2 in dst"):
        Similar(0.5)(line(0.0), NodeSet.of([torch.zeros(1, 2)]))
