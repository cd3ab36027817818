"""`Complete`; what every rule promises is asked in test_rules.py."""

import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete


def nodes(*counts: int) -> NodeSet:
    return NodeSet.of([torch.zeros(count, 1) for count in counts])


def test_a_node_is_connected_with_all_others_of_its_graph() -> None:
    words = nodes(2, 1, 3)
    edges = Complete()(words, words)
    assert edges.ptr.tolist() == [0, 2, 2, 8]
    assert edges.dst.tolist() == [0, 1, 0, 0, 1, 1, 2, 2]
    assert edges.src.tolist() == [1, 0, 1, 2, 0, 2, 0, 1]


def test_loops_connect_a_node_with_itself() -> None:
    words = nodes(2)
    assert Complete(loops=True)(words, words).src.tolist() == [0, 1, 0, 1]


def test_across_modalities_all_pairs_are_connected_whatever_loops_says() -> None:
    for rule in (Complete(), Complete(loops=True)):
        edges = rule(nodes(2, 0, 1), nodes(2, 3, 1))
        assert edges.ptr.tolist() == [0, 4, 4, 5]
        assert edges.src.tolist() == [0, 1, 0, 1, 0]
        assert edges.dst.tolist() == [0, 0, 1, 1, 0]
