"""`Union`, `Intersection`, `Difference`; what every rule promises is asked in test_rules.py."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, Difference, Intersection, Measured, Nearest, TimeOverlap, Union, Window
from tests.relations.tiny import graph, pairs


def test_rules_are_combined_like_sets() -> None:
    nodes = graph(3)
    first, second = Window(1, -1), Window(1, 0)
    assert pairs(Union(first, second)(nodes, nodes)) == pairs(second(nodes, nodes))
    assert pairs(Intersection(first, second)(nodes, nodes)) == pairs(first(nodes, nodes))
    assert pairs(Difference(second, first)(nodes, nodes)) == [(0, 0), (1, 1), (2, 2)]
    assert pairs(Difference(first, second)(nodes, nodes)) == []


def test_where_both_have_an_edge_the_features_of_the_first_count() -> None:
    nodes = NodeSet.of([torch.tensor([[0.0], [3.0]])])
    doubled = NodeSet.of([2 * nodes.x])

    class Doubled:
        feature_names = ("distance",)

        def __call__(self, src: NodeSet, dst: NodeSet):  # type: ignore[no-untyped-def]
            return Nearest(1, features=("distance",))(doubled, doubled)

    near = Nearest(1, features=("distance",))
    for rule, expected in (
        (Union(near, Doubled()), 3.0),
        (Union(Doubled(), near), 6.0),
        (Intersection(near, Doubled()), 3.0),
    ):
        features = rule(nodes, nodes).features
        assert features is not None and features.squeeze(1).tolist() == [expected, expected]


def test_a_union_is_measured_from_outside() -> None:
    nodes = NodeSet.of([torch.tensor([[0.0], [1.0], [5.0]])])
    edges = Measured(Union(Window(1, -1), Nearest(1)), ("distance",))(nodes, nodes)
    assert pairs(edges) == [(1, 0), (0, 1), (1, 2)]
    assert edges.features is not None and edges.features.squeeze(1).tolist() == [1.0, 1.0, 4.0]


def test_a_union_of_other_features_is_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match=r"same edge features, got \('overlap',\) and \(\).*Measured\(Union"):
        Union(TimeOverlap(features=("overlap",)), Complete())
