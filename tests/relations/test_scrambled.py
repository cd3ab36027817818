"""`Scrambled`; what every rule promises is asked in test_rules.py."""

from typing import Any

import networkx as nx
import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, Nearest, Rule, Scrambled, Window
from tests.relations.tiny import graph, pairs


@pytest.mark.parametrize("rule", [Window(1, -1), Window(2, 1), Nearest(2), Complete()])
def test_within_a_modality_the_form_of_the_graph_stays(rule: Rule) -> None:
    nodes = NodeSet.of([torch.randn(7, 2)], sample=[torch.zeros(7).long()])
    graphs = [nx.DiGraph(pairs(some(nodes, nodes))) for some in (rule, Scrambled(rule))]
    assert nx.is_isomorphic(*graphs)


def test_across_modalities_destinations_keep_their_number_of_edges() -> None:
    words, faces = (NodeSet.of([torch.randn(9, 2)], sample=[torch.zeros(9).long()]) for _ in range(2))
    rule = Nearest(2, mutual=True)
    before, after = rule(words, faces), Scrambled(rule)(words, faces)
    assert torch.equal(before.dst, after.dst) and not torch.equal(before.src, after.src)


def test_samples_are_scrambled_each_in_its_own_way() -> None:
    nodes = NodeSet.of([torch.zeros(6, 1)] * 9, sample=[torch.full((6,), index) for index in range(9)])
    assert Scrambled(Window(1, -1))(nodes, nodes).src.view(9, 5).unique(dim=0).shape[0] > 6


def test_another_seed_scrambles_otherwise() -> None:
    nodes: Any = graph(9, sample=[0] * 9)
    assert pairs(Scrambled(Window(1, -1))(nodes, nodes)) != pairs(Scrambled(Window(1, -1), 1)(nodes, nodes))


def test_nodes_without_a_sample_are_an_error_that_names_the_rule() -> None:
    with pytest.raises(ValueError, match=r"Scrambled\(rule=Complete.*needs the attribute 'sample'"):
        Scrambled(Complete())(graph(1), graph(1))
