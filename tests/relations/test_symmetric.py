"""`Symmetric`; what every rule promises is asked in test_rules.py."""

import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Nearest, Symmetric, Window
from tests.relations.tiny import graph, pairs


def test_edges_lead_both_ways_once() -> None:
    nodes = graph(3)
    assert pairs(Symmetric(Window(1, -1))(nodes, nodes)) == [(1, 0), (0, 1), (2, 1), (1, 2)]
    assert pairs(Symmetric(Window(1, 1))(nodes, nodes)) == pairs(Window(1, 1)(nodes, nodes))


def test_across_modalities_both_directions_give_the_same_edges_turned_round() -> None:
    words, regions = NodeSet.of([torch.randn(8, 3)]), NodeSet.of([torch.randn(5, 3)])
    rule = Symmetric(Nearest(1))
    there, back = pairs(rule(words, regions)), pairs(rule(regions, words))
    assert sorted(there) == sorted((b, a) for a, b in back)
    assert set(pairs(Nearest(1)(words, regions))) <= set(there)
