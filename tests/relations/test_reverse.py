"""`Reverse`; what every rule promises is asked in test_rules.py."""

import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Nearest, Reverse
from tests.relations.tiny import pairs


def test_edges_are_turned_round_and_keep_their_features() -> None:
    words = NodeSet.of([torch.tensor([[0.0], [5.0], [6.0]])])
    regions = NodeSet.of([torch.tensor([[4.0], [1.0]])])
    rule = Nearest(1, features=("distance",))
    chosen, back = rule(regions, words), Reverse(rule)(words, regions)
    assert pairs(chosen) == [(1, 0), (0, 1), (0, 2)]
    assert pairs(back) == [(1, 0), (2, 0), (0, 1)]
    assert back.features is not None and back.features.squeeze(1).tolist() == [1.0, 2.0, 1.0]


def test_turned_twice_they_are_as_before() -> None:
    words, regions = NodeSet.of([torch.randn(9, 3)]), NodeSet.of([torch.randn(7, 3)])
    assert pairs(Reverse(Reverse(Nearest(2)))(words, regions)) == pairs(Nearest(2)(words, regions))
