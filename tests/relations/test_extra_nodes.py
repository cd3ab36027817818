"""Nodes that stand for no raw input."""

import pytest
import torch

from mmgraph.graph import NodeSet
from mmgraph.relations import Complete, GlobalNodes, SameUnit, UnitNodes, star_relations
from tests.relations.tiny import graph, pairs


def units(*numbers: list[int]) -> NodeSet:
    return NodeSet.of([torch.zeros(len(n), 1) for n in numbers], unit=[torch.tensor(n).long() for n in numbers])


NODES = {"text": units([0, 0, 1], [], [5]), "face": units([2, 0], [], [])}


def test_every_graph_with_nodes_gets_the_same_global_ones() -> None:
    fusion = GlobalNodes(2)(NODES)
    assert fusion.counts.tolist() == [2, 0, 2] and fusion.x.shape == (4, 0)
    assert fusion.attribute("slot").tolist() == [0, 1, 0, 1]
    assert GlobalNodes(of="face")(NODES).counts.tolist() == [1, 0, 0]


def test_every_unit_of_any_modality_gets_a_node_that_its_members_find() -> None:
    utterances = UnitNodes()(NODES)
    assert utterances.counts.tolist() == [3, 0, 1]
    assert utterances.attribute("unit").tolist() == [0, 1, 2, 5]
    assert utterances.attribute("slot").tolist() == [0, 0, 0, 0]
    assert pairs(SameUnit()(NODES["text"], utterances)) == [(0, 0), (1, 0), (2, 1), (0, 0)]
    assert pairs(SameUnit()(utterances, NODES["face"])) == [(2, 0), (0, 1)]
    assert UnitNodes(of=("face",))(NODES).attribute("unit").tolist() == [0, 2]


def test_a_negative_number_gets_no_node() -> None:
    assert UnitNodes()({"text": units([-1, 3])}).attribute("unit").tolist() == [3]


def test_nodes_have_the_dtype_of_the_others() -> None:
    words = NodeSet.of([torch.zeros(2, 1, dtype=torch.float64)])
    assert GlobalNodes()({"text": words}).x.dtype == torch.float64


def test_a_star_has_relations_in_both_directions() -> None:
    relations = star_relations("utterance", ["text", "face"], SameUnit())
    assert set(relations.values()) == {SameUnit()} and ("utterance", "to", "face") in relations
    assert set(star_relations("fusion", ["text"]).values()) == {Complete()}


@pytest.mark.parametrize("maker", [GlobalNodes(of=("sound",)), UnitNodes(of=("sound",))])
def test_an_unknown_modality_is_refused(maker: GlobalNodes | UnitNodes) -> None:
    with pytest.raises(ValueError, match=r"Nodes\(.*is of the unknown modality 'sound'; there are text, face"):
        maker(NODES)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="count=0: give at least 1"):
        GlobalNodes(0)
    with pytest.raises(ValueError, match=r"UnitNodes\(.*needs the attribute 'unit'"):
        UnitNodes()({"text": graph(1)})
    with pytest.raises(ValueError, match=r"UnitNodes\(.*needs whole numbers in 'unit', got torch.float32"):
        UnitNodes()({"text": graph(1, unit=[0.5])})
